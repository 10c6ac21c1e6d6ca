//! `state export`: everything that is kept, for other programs.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::StateTopic;
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Verdict, failure, print};
use crate::offline::{counted, escaped};
use crate::wire;

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator state export --brokers kafka:9092 > state.jsonl
  escalator state export --config deploy/escalator.toml | jq 'select(.state.machine.escalation)'

Each line is {\"ticket_id\": …, \"partition\": …, \"offset\": …, \"state\": {…}}; the fields of the state \
have the names of `escalator schema print EscalationState` where these stand for what they say, with \
every text and instant spelled out. It exits with 1 when a state could not be read.";

#[derive(Args)]
pub(in crate::cli) struct Export {
    /// Form of what is printed; there is but one.
    #[arg(long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    settings: SettingArgs,
}

/// The form of what is printed, as every command that prints data lets it be named.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Form {
    /// JSON Lines.
    #[default]
    Json,
}

#[derive(Serialize)]
struct Line {
    ticket_id: String,
    partition: i32,
    offset: i64,
    state: serde_json::Value,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let Self {
            output: Form::Json,
            settings,
        } = self;
        let settings = settings.load()?.settings;
        let mut topic = StateTopic::open(&settings)?;
        let mut unreadable = Vec::new();
        // One partition after the other, so that no more than one has to be held.
        for partition in 0..topic.partitions() {
            for (id, kept) in topic.tickets(partition)? {
                let state = match wire::state_json(&kept.value) {
                    Ok(state) => state,
                    Err(error) => {
                        unreadable.push((id, error));
                        continue;
                    }
                };
                let line = serde_json::to_string(&Line {
                    ticket_id: String::from_utf8_lossy(&id).into_owned(),
                    partition,
                    offset: kept.offset,
                    state,
                })?;
                if !print::text_while_read(&format!("{line}\n"))? {
                    return Ok(Verdict::Good);
                }
            }
        }
        let Some((id, error)) = unreadable.first() else {
            return Ok(Verdict::Good);
        };
        let count = counted(unreadable.len() as u64, "state");
        failure::refuse(
            &format!(
                "{count} cannot be read, as that of `{}`: {error}",
                escaped(id)
            ),
            "export it with the release that has written it",
        );
        Ok(Verdict::Bad)
    }
}
