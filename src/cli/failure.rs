//! Failures as they are told to people: what was being done, every cause below it, and what to do.

use std::fmt;

use super::print;

/// What was being done when something failed, and what to do about it; attached with
/// `anyhow::Context`.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What was being done, as in *cannot read the settings file x.toml*.
    pub(super) doing: String,
    /// What to do about it, as a request.
    pub(super) remedy: &'static str,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)
    }
}

/// Tells a failure on stderr.
pub(super) fn report(error: &anyhow::Error) {
    print::error(&describe(error));
}

/// Tells on stderr why something is refused that was read well, and what to do about it.
pub(super) fn refuse(what: &str, help: &str) {
    print::error(&format!("{}: {what}\n  help: {help}\n", label()));
}

fn label() -> String {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    format!("{red}error{red:#}")
}

fn describe(error: &anyhow::Error) -> String {
    let mut text = format!("{}: {error}\n", label());
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some libraries repeat the cause in their own message.
        if !last.contains(&cause) {
            text.push_str(&format!("  caused by: {cause}\n"));
        }
        last = cause;
    }
    if let Some(trouble) = error.downcast_ref::<Trouble>() {
        text.push_str(&format!("  help: {}\n", trouble.remedy));
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_failure_tells_every_cause_and_the_remedy() {
        let failed: Result<(), _> = Err(std::io::Error::other("disk on fire"));
        let error = failed.context("cannot read a.toml").context(Trouble {
            doing: "cannot start".to_owned(),
            remedy: "call somebody",
        });
        let text = anstream::adapter::strip_str(&describe(&error.unwrap_err())).to_string();
        assert_eq!(
            text,
            "error: cannot start\n  caused by: cannot read a.toml\n  caused by: disk on fire\n  help: call somebody\n"
        );
    }
}
