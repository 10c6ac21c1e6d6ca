//! What whoever runs the scenarios has asked for, in the words that `cargo test` passes on.

use super::scenario::Scenario;

/// Flags of other test programs that are followed by a value.
const WITH_VALUE: [&str; 7] = [
    "--test-threads",
    "--format",
    "--logfile",
    "--color",
    "--skip",
    "--shuffle-seed",
    "-Z",
];

/// What is wanted.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Only the names.
    pub(crate) only_list: bool,
    nothing: bool,
    exact: bool,
    words: Vec<String>,
    skipped: Vec<String>,
}

impl Wishes {
    /// Reads them. Flags that mean nothing here are passed over.
    pub(crate) fn new(arguments: impl Iterator<Item = String>) -> Self {
        let mut wishes = Self::default();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            if WITH_VALUE.contains(&&*argument) {
                let value = arguments.next();
                if argument == "--skip" {
                    wishes.skipped.extend(value);
                }
                continue;
            }
            match &*argument {
                "--list" => wishes.only_list = true,
                // Nothing is ignored here.
                "--ignored" => wishes.nothing = true,
                "--exact" => wishes.exact = true,
                flag if flag.starts_with('-') => {
                    wishes
                        .skipped
                        .extend(flag.strip_prefix("--skip=").map(str::to_owned));
                }
                _ => wishes.words.push(argument),
            }
        }
        wishes
    }

    /// Whether a scenario is to be played.
    pub(crate) fn wants(&self, scenario: &Scenario) -> bool {
        let holds = |word: &String| match self.exact {
            true => scenario.name == word,
            false => scenario.name.contains(&**word),
        };
        let is_meant = match &*self.words {
            [] => scenario.is_short || self.only_list,
            words => words.iter().any(|word| word == "all" || holds(word)),
        };
        is_meant && !self.nothing && !self.skipped.iter().any(holds)
    }
}
