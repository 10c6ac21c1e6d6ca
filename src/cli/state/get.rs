//! `state get`: what is kept of one ticket.

use clap::Args;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::row::{Row, rules};
use super::{Lookup, StateTopic};
use crate::causes::chain;
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, failure, print};
use crate::edits::first_digits;
use crate::offline::{escaped, grouped};
use crate::wire;

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator state get INC0000045 --brokers kafka:9092 --plans plans
  escalator state get T1 --config deploy/escalator.toml --output json
  escalator explain --brokers kafka:9092 --plans plans --ticket T1    # the same ticket, explained";

#[derive(Args)]
pub(in crate::cli) struct Get {
    /// The ticket's id.
    #[arg(value_name = "ID")]
    ticket: String,
    /// Form of what is printed; as JSON with everything that is kept.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    row: Row,
    /// Everything, by the fields of the schema.
    state: serde_json::Value,
}

impl Get {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let kept = match StateTopic::open(&settings)?.look_up(&self.ticket)? {
            Lookup::Kept(kept) => kept,
            Lookup::Forgotten => {
                refuse_forgotten(&self.ticket);
                return Ok(Verdict::Bad);
            }
            Lookup::Unknown => {
                refuse_unknown(&self.ticket);
                return Ok(Verdict::Bad);
            }
        };
        let rules = rules(&settings);
        let row = match Row::of(self.ticket.as_bytes(), &kept, rules.as_ref()) {
            Ok(row) => row,
            Err(error) => {
                refuse_unreadable(&self.ticket, &error);
                return Ok(Verdict::Bad);
            }
        };
        match self.output {
            Output::Text => print::text(&text(&row))?,
            Output::Json => print::json(&Report {
                row,
                state: wire::state_json(&kept.value)?,
            })?,
        }
        Ok(Verdict::Good)
    }
}

/// Says that there is no such ticket.
pub(in crate::cli) fn refuse_unknown(ticket: &str) {
    failure::refuse(
        &format!("nothing is kept of ticket `{}`", escaped(ticket.as_bytes())),
        "`escalator state list` shows the tickets; ids are case-sensitive",
    );
}

/// Says that the ticket's record is damaged.
pub(in crate::cli) fn refuse_unreadable(ticket: &str, error: &dyn std::error::Error) {
    failure::refuse(
        &format!(
            "the record of ticket `{}` cannot be read: {}",
            escaped(ticket.as_bytes()),
            chain(error)
        ),
        "`escalator state check` tells whether a replica would refuse its partition",
    );
}

/// Says that the ticket is over.
pub(in crate::cli) fn refuse_forgotten(ticket: &str) {
    failure::refuse(
        &format!("ticket `{}` was forgotten", escaped(ticket.as_bytes())),
        "a ticket is forgotten some time after it was resolved or closed, see `forget_after`",
    );
}

fn text(row: &Row) -> String {
    let instant = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let plan = match (&row.plan, &row.plan_revision) {
        (Some(plan), Some(revision)) => {
            let revision = first_digits(revision).as_bytes();
            let (plan, short) = (escaped(plan.as_bytes()), escaped(revision));
            format!("{plan} (revision {short})")
        }
        _ => "none".to_owned(),
    };
    let level = match (row.level, row.acknowledged) {
        (0, _) => "not escalated".to_owned(),
        (level, false) => level.to_string(),
        (level, true) => format!("{level}, acknowledged"),
    };
    let facts = format!("{}, of which {} wait", row.facts, row.facts_waiting);
    let bytes = grouped(row.state_bytes as u64);
    let place = format!(
        "partition {}, offset {}, {bytes} bytes",
        row.partition, row.offset
    );
    let rows = [
        ("ticket", escaped(row.ticket_id.as_bytes())),
        ("status", row.status_category.to_owned()),
        ("plan", plan),
        ("level", level),
        ("escalations", row.escalations.to_string()),
        ("next due", instant(row.next_due_at)),
        ("created", instant(row.created_at)),
        ("last fact", instant(row.last_fact_at)),
        ("facts", facts),
        ("kept in", place),
    ];
    print::table(&rows.map(|(name, value)| [name.to_owned(), value]))
}
