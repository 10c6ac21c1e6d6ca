//! Values that are used and never shown.

use std::collections::BTreeMap;
use std::fmt;

/// What stands where a secret would.
pub(super) const REDACTED: &str = "[redacted]";

/// A text that no log, error or listing shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for whoever must compare or send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Properties for librdkafka; those that look like secrets are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Properties {
    /// Takes the properties as they are.
    #[must_use]
    pub fn new(entries: BTreeMap<String, String>) -> Self {
        Self(entries)
    }

    /// Names and values in order of name, secrets included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| {
                let shown = if is_sensitive(name) { REDACTED } else { value };
                (name, shown)
            }))
            .finish()
    }
}

/// Whether a property of this name may hold a secret; rather one too many than one too few.
pub(super) fn is_sensitive(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "password",
        "secret",
        "token",
        "key",
        "credential",
        "jaas",
        "pem",
        "oauthbearer.config",
    ];
    let name = name.to_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let properties = Properties::new(BTreeMap::from([
            ("sasl.password".to_owned(), "hunter2".to_owned()),
            ("ssl.key.pem".to_owned(), "hunter2".to_owned()),
            ("security.protocol".to_owned(), "SASL_SSL".to_owned()),
        ]));
        let shown = format!("{properties:?} {:?}", Secret::new("hunter2".to_owned()));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("SASL_SSL"), "{shown}");
    }
}
