//! What is wrong with settings, in words for whoever has to mend it.

use std::fmt;

use super::Source;
use super::catalogue::DEFINITIONS;

/// One setting that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name, or what was written for one.
    pub setting: String,
    /// The value, none when it is a secret or does not matter.
    pub value: Option<String>,
    /// Where it was set.
    pub source: Source,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.setting)?;
        if let Some(value) = &self.value {
            // Long enough for any sensible value, short enough for one line.
            let shown: String = value.chars().take(120).collect();
            write!(f, " = {shown:?}")?;
        }
        write!(f, " ({}): {}", self.source, self.remedy)
    }
}

/// All settings that are refused; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// The problems in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "a setting is refused: {only}"),
            several => {
                write!(f, "{} settings are refused:", several.len())?;
                several
                    .iter()
                    .try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

/// The setting that was probably meant by a name that is none.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    // Two slips of the pen; three would offer `topics.state` for `topics.skate` and worse.
    const SLIPS: usize = 2;
    DEFINITIONS
        .iter()
        .map(|definition| definition.name)
        .map(|known| (edit_distance(name, known), known))
        .filter(|&(distance, known)| distance <= SLIPS || shares_last_word(name, known))
        .min()
        .map(|(_, known)| known)
}

fn shares_last_word(name: &str, known: &str) -> bool {
    name.rsplit('.').next() == known.rsplit('.').next()
}

/// How many characters must be changed, added or removed to make one text the other.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for (written, meant) in [
            ("kafka.borkers", Some("kafka.brokers")),
            ("graze", Some("grace")),
            ("brokers", Some("kafka.brokers")),
            ("listen", Some("http.listen")),
            ("something.else.entirely", None),
        ] {
            assert_eq!(nearest(written), meant, "{written}");
        }
    }
}
