//! An error with what brought it about, as one line for a log or a person.

use std::error::Error;

/// The error and its causes, outermost first, separated by colons. A cause that the one before it tells
/// in its own words is not told again.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot {0}")]
    struct Failed(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn an_error_is_followed_by_its_causes() {
        let connect = Failed("connect", None);
        let ask = Failed("ask", Some(Box::new(connect)));
        let error = Failed("restore", Some(Box::new(ask)));
        assert_eq!(chain(&error), "cannot restore: cannot ask: cannot connect");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("asking failed: {0}")]
    struct Quoting(#[source] Failed);

    #[test]
    fn a_cause_is_told_once() {
        let error = Quoting(Failed("connect", None));
        assert_eq!(chain(&error), "asking failed: cannot connect");
    }
}
