//! YAML from outside: what has more in it than is read, however few bytes it has.

use serde_saphyr::Error;

/// Whether a document was refused for how much it holds, its aliases written out.
pub(crate) fn is_beyond_limits(error: &Error) -> bool {
    if let Error::AliasError { error, .. } = error {
        return is_beyond_limits(error);
    }
    matches!(
        error,
        Error::Budget { .. }
            | Error::AliasReplayCounterOverflow { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
    )
}

/// Some hundred bytes whose aliases stand for a hundred thousand million values.
#[cfg(test)]
pub(crate) fn many_aliases() -> String {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (before, name) in ('a'..).zip('b'..='k') {
        let aliases = vec![format!("*{before}"); 10].join(", ");
        text.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    text
}
