//! `topics`: the topics of a service, made and checked as the service itself does at its start.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::setting_flags::SettingArgs;
use super::{Output, Verdict, print};
use crate::kafka::topics::{Defect, TopicFacts, TopicNames, Topics};
use crate::{kafka, service};

/// The commands under `topics`.
#[derive(Subcommand)]
pub(super) enum TopicsCommand {
    /// Makes the topics that are missing, then checks all of them; existing ones are left as they are.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Create),
    /// Shows every defect of the topics with its remedy; exits with 1 when there is one.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
}

const CREATE_EXAMPLES: &str = "\
Examples:
  escalator topics create --brokers kafka:9092 --partitions 24 --replication 3
  escalator topics create --config deploy/escalator.toml --output json";

const CHECK_EXAMPLES: &str = "\
Examples:
  escalator topics check --brokers kafka:9092
  escalator topics check --config deploy/escalator.toml --output json";

#[derive(Args)]
pub(super) struct Create {
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

#[derive(Args)]
pub(super) struct Check {
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    good: bool,
    /// Of each topic but the log of plan edits; null when they cannot be told for a defect.
    partitions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<&'a [String]>,
    defects: Vec<DefectLine<'a>>,
    /// What could be better, without being bad.
    advice: Vec<DefectLine<'a>>,
}

#[derive(Serialize)]
struct DefectLine<'a> {
    topic: &'a str,
    kind: &'static str,
    text: String,
}

/// What was made and what was there before.
struct Creation {
    made: Vec<String>,
    existing: Vec<String>,
}

impl TopicsCommand {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Create(command) => command.run(),
            Self::Check(command) => command.run(),
        }
    }
}

impl Create {
    fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let clients = service::client_settings(&settings);
        let names = service::topic_names(&settings.topics);
        let topics = Topics::new(&clients, &names)?;
        let made = service::make_topics(&topics, &settings.topics)?;
        let creation = Creation {
            existing: existing(&names, &made),
            made,
        };
        show(self.output, Some(&creation), topics.check_made())
    }
}

impl Check {
    fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let clients = service::client_settings(&settings);
        let names = service::topic_names(&settings.topics);
        show(self.output, None, Topics::new(&clients, &names)?.check())
    }
}

fn existing(names: &TopicNames, made: &[String]) -> Vec<String> {
    let all = names.all().into_iter().map(str::to_owned);
    all.filter(|name| !made.contains(name)).collect()
}

fn show(
    output: Output,
    creation: Option<&Creation>,
    checked: Result<TopicFacts, kafka::Error>,
) -> anyhow::Result<Verdict> {
    let (partitions, found) = match checked {
        Ok(facts) => (Some(facts.partitions), facts.advice),
        Err(kafka::Error::Topics(defects)) => (None, defects),
        Err(error) => return Err(error.into()),
    };
    let good = found.iter().all(Defect::is_advice);
    let lines = |are_advice: bool| {
        let wanted = found.iter().filter(|it| it.is_advice() == are_advice);
        wanted.map(DefectLine::of).collect()
    };
    match output {
        Output::Text => print::text(&text(creation, partitions, &found))?,
        Output::Json => print::json(&Report {
            good,
            partitions,
            made: creation.map(|creation| &*creation.made),
            existing: creation.map(|creation| &*creation.existing),
            defects: lines(false),
            advice: lines(true),
        })?,
    }
    Ok(Verdict::of(good))
}

impl<'a> DefectLine<'a> {
    fn of(defect: &'a Defect) -> Self {
        Self {
            topic: defect.topic(),
            kind: defect.kind(),
            text: defect.to_string(),
        }
    }
}

fn text(creation: Option<&Creation>, partitions: Option<usize>, defects: &[Defect]) -> String {
    let mut text = String::new();
    if let Some(creation) = creation {
        let row = |word: &str, topic: &String| [word.to_owned(), topic.clone()];
        let made = creation.made.iter().map(|topic| row("made", topic));
        let existing = creation.existing.iter().map(|topic| row("existed", topic));
        let rows: Vec<_> = made.chain(existing).collect();
        text.push_str(&print::table(&rows));
    }
    for defect in defects {
        let word = if defect.is_advice() { "note" } else { "bad" };
        text.push_str(&format!("{word}: {defect}\n"));
    }
    if let Some(partitions) = partitions {
        let s = if partitions == 1 { "" } else { "s" };
        text.push_str(&format!(
            "the topics are good, with {partitions} partition{s} each\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_in_words_names_what_was_made_and_every_defect() {
        let creation = Creation {
            made: vec!["notify".to_owned()],
            existing: vec!["state".to_owned()],
        };
        let defect = Defect::StateNotCompacted {
            topic: "state".to_owned(),
            policy: "delete".to_owned(),
        };
        let printed = text(Some(&creation), None, &[defect]);
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[..2], ["made     notify", "existed  state"]);
        assert!(lines[2].starts_with("bad: topic `state` has cleanup.policy=delete"));
        assert_eq!(lines.len(), 3);
        assert_eq!(
            text(None, Some(1), &[]),
            "the topics are good, with 1 partition each\n"
        );
    }
}
