//! `state rebuild`: the state of one partition, recomputed from its inputs.

mod found;
mod recompute;

use clap::Args;
use serde::Serialize;

use super::check;
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, failure, print};
use crate::kafka;
use crate::kafka::lanes::{OutgoingOffset, Transaction};
use crate::kafka::sole::SoleMember;
use crate::kafka::topics::TopicNames;
use crate::offline::counted;
use crate::rebuild::Rebuilt;
use crate::record::OutgoingRecord;
use crate::service;
use crate::settings::Settings;

use found::Found;

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator state rebuild --partition 3 --config deploy/escalator.toml
  escalator state rebuild --partition 3 --config deploy/escalator.toml --yes

Stop all replicas first. The inputs are read from their beginning to the offsets that were committed, \
and decided as they were then; nothing is published. What was decided is compared with the events that \
were published, and without --yes nothing is written.

It exits with 1 when the partition cannot be rebuilt so that every decision comes out exactly once.";

#[derive(Args)]
pub(in crate::cli) struct Rebuild {
    /// The partition.
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..))]
    partition: i32,
    /// Writes the state.
    #[arg(long)]
    yes: bool,
    /// Goes on although what was decided differs from what was published.
    #[arg(long)]
    accept_differences: bool,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    partition: i32,
    written: bool,
    /// Input records that were read.
    records: u64,
    tickets: usize,
    /// Records of the state topic that differ, the partition's own left out.
    changes: usize,
    /// Decisions that were published.
    published: usize,
    /// Those among them that were not decided now.
    not_decided: usize,
    /// Decisions of now that were not published.
    not_published: usize,
    /// Records that were read then and cannot be read now.
    not_read: usize,
    /// The first of them: where it is, and why.
    first_not_read: Option<String>,
}

impl Rebuild {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let clients = service::client_settings(&settings);
        let topics = &settings.topics;
        let names = service::topic_names(topics);
        // It says what is in the way when no broker answers.
        let partitions = super::StateTopic::open(&settings)?.partitions();
        let mut reader = check::open(&settings)?;
        if !reader.members()?.is_empty() {
            let group = settings.kafka.group.clone();
            return Err(kafka::Error::GroupInUse { group }.into());
        }
        if self.partition >= partitions {
            let what = format!("there is no partition {}", self.partition);
            failure::refuse(&what, &format!("name one of 0 to {}", partitions - 1));
            return Ok(Verdict::Bad);
        }
        let mut sole = match self.yes {
            true => Some(SoleMember::join(&clients, &names, partitions)?),
            false => None,
        };
        let found = match Found::of(&settings, &mut reader, self.partition)? {
            Ok(found) => found,
            Err(obstacle) => return Ok(refused(self.partition, &obstacle)),
        };
        let rebuilt = recompute::recompute(&settings, &found, &mut || {
            sole.as_mut().map_or(Ok(()), SoleMember::stay)
        })?;
        let mut changes = rebuilt.changes(&found.present);
        let mut report = Report::of(&found, &rebuilt, &names, changes.len());
        let is_good = !report.differs() || self.accept_differences;
        if let Some(sole) = sole.filter(|_| is_good) {
            sole.commit(transaction(&settings, &found, std::mem::take(&mut changes)))?;
            report.written = true;
        }
        match self.output {
            Output::Text => print::text(&text(&report))?,
            Output::Json => print::json(&report)?,
        }
        if !is_good {
            failure::refuse(
                "what was decided is not what was published, as after events that came late, \
                 settings that were changed, or schemas that were lost",
                "look at the difference, and go on with --accept-differences: what was published \
                 stays so, and what was not will not be",
            );
            return Ok(Verdict::Bad);
        }
        Ok(Verdict::Good)
    }
}

impl Report {
    /// Before anything is written.
    fn of(found: &Found, rebuilt: &Rebuilt, names: &TopicNames, changes: usize) -> Self {
        // Without all dead letters nobody knows what was read then.
        let unreadable = match found.is_refused_whole {
            true => &rebuilt.unreadable[..],
            false => &[],
        };
        let partition = found.committed.number;
        let inputs = [&names.created, &names.updated];
        Self {
            partition,
            written: false,
            records: rebuilt.read,
            tickets: rebuilt.tickets(),
            // The partition's own record differs always, by the transaction that it names.
            changes: changes.saturating_sub(1),
            published: found.published.len(),
            not_decided: found.published.difference(&rebuilt.decided).count(),
            not_published: match found.is_published_whole {
                true => rebuilt.decided.difference(&found.published).count(),
                false => 0,
            },
            not_read: unreadable.len(),
            first_not_read: unreadable.first().map(|first| {
                let (topic, offset) = (inputs[first.input], first.offset);
                format!("{topic} {partition}:{offset}: {}", first.refusal)
            }),
        }
    }

    /// Whether the service had decided otherwise, or from more.
    const fn differs(&self) -> bool {
        self.not_decided + self.not_published + self.not_read > 0
    }
}

fn refused(partition: i32, obstacle: &found::Obstacle) -> Verdict {
    let what = format!("partition {partition} cannot be rebuilt: {obstacle}");
    failure::refuse(&what, obstacle.remedy());
    Verdict::Bad
}

/// All changes and the offsets that they belong to.
fn transaction(
    settings: &Settings,
    found: &Found,
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
) -> Transaction {
    let partition = found.committed.number;
    let topics = &settings.topics;
    let records = changes.into_iter().map(|(key, value)| OutgoingRecord {
        topic: topics.state.as_str().into(),
        partition,
        key: Some(key),
        value,
        headers: Vec::new(),
        timestamp_ms: None,
    });
    let inputs = [&topics.created, &topics.updated];
    let offsets = inputs.into_iter().zip(found.committed.offsets);
    Transaction {
        records: records.collect(),
        offsets: offsets
            .map(|(topic, offset)| OutgoingOffset {
                topic: topic.clone(),
                partition,
                offset,
            })
            .collect(),
        identity: found.identity.clone(),
    }
}

fn text(report: &Report) -> String {
    let number = |count: usize, what: &str| counted(count as u64, what);
    let mut text = format!(
        "partition {}: {} of the inputs read, {}, {} of the state topic {}\n",
        report.partition,
        counted(report.records, "record"),
        number(report.tickets, "ticket"),
        number(report.changes, "record"),
        if report.written {
            "written anew"
        } else {
            "would be written anew"
        },
    );
    if report.not_decided + report.not_published == 0 {
        text += &format!("{} as published\n", number(report.published, "decision"));
    } else {
        text += &format!(
            "{} published, {} of them not decided now, {} decided now and not published\n",
            number(report.published, "decision"),
            report.not_decided,
            report.not_published,
        );
    }
    if let Some(first) = &report.first_not_read {
        text += &format!(
            "{} cannot be read any more, the first: {first}\n",
            number(report.not_read, "record"),
        );
    }
    if !report.written {
        text += "nothing was written; --yes writes it\n";
    }
    text
}
