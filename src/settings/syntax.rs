//! What a parser says of a settings file, without what stands in the file: that may be a secret.

use super::catalogue::DEFINITIONS;

/// Why a text is not TOML or YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(String);

impl SyntaxError {
    /// What a parser said of a text: the place, the setting that it is at, and what is wrong.
    pub(super) fn new(said: &str, text: &str) -> Self {
        let lines = said.lines().map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !is_excerpt(line)).collect();
        let mut words = without_quotes(&lines.join(": "));
        if let Some(key) = line_in(&words).and_then(|line| key_at(text, line)) {
            words.push_str(&format!(" (at `{key}`)"));
        }
        Self(words)
    }
}

/// Whether a line of a message shows one of the file, or points into it: `3 | grace = x`.
fn is_excerpt(line: &str) -> bool {
    let line = line.trim_start_matches(|it: char| it.is_ascii_digit());
    line.is_empty() || line.trim_start().starts_with('|')
}

/// A message without what it quotes: parsers quote what they found.
fn without_quotes(said: &str) -> String {
    match (said.find('"'), said.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", &said[..first], &said[last + 1..])
        }
        _ => said.to_owned(),
    }
}

/// The number behind the word `line`.
fn line_in(said: &str) -> Option<usize> {
    let (_, rest) = said.rsplit_once(" line ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}

/// What stands before `=` or `:` in a line, if that is a setting: anything else may be a part of a
/// value of several lines.
fn key_at(text: &str, line: usize) -> Option<&str> {
    let line = text.lines().nth(line.checked_sub(1)?)?;
    let (key, _) = line.split_once(['=', ':'])?;
    let key = key.trim().trim_matches(['"', '\'']);
    let mut names = DEFINITIONS.iter().map(|definition| definition.name);
    let is_key = |name: &str| name == key || name.ends_with(&format!(".{key}"));
    names.any(is_key).then_some(key)
}
