//! An error with what brought it about, as one line for a log or a person.

use std::error::Error;

/// The error and its causes, outermost first, separated by colons.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
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
}
