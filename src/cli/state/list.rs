//! `state list`: tickets at a glance.

use clap::Args;
use escalator_engine::status::StatusCategory;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::StateTopic;
use super::row::{Row, rules};
use crate::cli::setting_flags::SettingArgs;
use crate::cli::{Output, Verdict, print};
use crate::offline::{Columns, Side, counted, grouped};

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator state list --brokers kafka:9092 --plans plans
  escalator state list --config deploy/escalator.toml --escalated --limit 20
  escalator state list --plan gold-network --status-category open --output json";

#[derive(Args)]
pub(in crate::cli) struct List {
    /// Only tickets with an open escalation.
    #[arg(long)]
    escalated: bool,
    /// Only tickets of this plan.
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Only tickets in this status category.
    #[arg(long, ignore_case = true, value_parser = StatusCategory::ALL.map(StatusCategory::name))]
    status_category: Option<String>,
    /// How many are shown at most, those first that are due first.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    tickets: Vec<Row>,
    /// How many there are, shown or not.
    total: usize,
    /// How many states cannot be read by this release.
    unreadable: usize,
}

/// Which tickets are wanted.
struct Filter {
    escalated: bool,
    plan: Option<String>,
    status_category: Option<String>,
}

impl Filter {
    fn wants(&self, row: &Row) -> bool {
        let is_category = |wanted: &String| wanted.eq_ignore_ascii_case(row.status_category);
        (!self.escalated || row.level > 0)
            && (self.plan.is_none() || self.plan == row.plan)
            && self.status_category.as_ref().is_none_or(is_category)
    }
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let settings = self.settings.load()?.settings;
        let mut topic = StateTopic::open(&settings)?;
        let rules = rules(&settings);
        let filter = Filter {
            escalated: self.escalated,
            plan: self.plan,
            status_category: self.status_category,
        };
        let (mut tickets, mut unreadable) = (Vec::new(), 0);
        // One partition after the other: of the states no more than one's are held, and only the
        // last of each ticket is decoded.
        for partition in 0..topic.partitions() {
            for (id, kept) in topic.tickets(partition)? {
                match Row::of(&id, &kept, rules.as_ref()) {
                    Ok(row) => tickets.push(row),
                    Err(_) => unreadable += 1,
                }
            }
        }
        tickets.retain(|row| filter.wants(row));
        tickets.sort_by(|a, b| {
            let due = |row: &Row| row.next_due_at.unwrap_or(Timestamp::MAX);
            (due(a), &a.ticket_id).cmp(&(due(b), &b.ticket_id))
        });
        let total = tickets.len();
        tickets.truncate(self.limit);
        let report = Report {
            tickets,
            total,
            unreadable,
        };
        match self.output {
            Output::Text => print::text(&text(&report))?,
            Output::Json => print::json(&report)?,
        }
        Ok(Verdict::Good)
    }
}

fn text(report: &Report) -> String {
    let mut table = Columns::new(&[
        ("ticket", Side::Left),
        ("plan", Side::Left),
        ("level", Side::Right),
        ("status", Side::Left),
        ("next due", Side::Left),
        ("facts", Side::Right),
    ]);
    for row in &report.tickets {
        let level = if row.acknowledged {
            format!("{} acknowledged", row.level)
        } else {
            row.level.to_string()
        };
        let due = row.next_due_at;
        table.add([
            row.ticket_id.clone(),
            row.plan.clone().unwrap_or_else(|| "-".to_owned()),
            level,
            row.status_category.to_owned(),
            due.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            row.facts.to_string(),
        ]);
    }
    let mut text = String::new();
    if !table.is_empty() {
        text.push_str(&table.to_string());
    }
    text.push_str(&counted(report.total as u64, "ticket"));
    if report.tickets.len() < report.total {
        let shown = grouped(report.tickets.len() as u64);
        text.push_str(&format!(
            "; the {shown} that are due first are shown, see --limit"
        ));
    }
    if report.unreadable > 0 {
        let count = counted(report.unreadable as u64, "state");
        text.push_str(&format!("; {count} cannot be read by this release"));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ticket_id: &str) -> Row {
        Row {
            ticket_id: ticket_id.to_owned(),
            plan: Some("gold".to_owned()),
            plan_revision: Some("r1".to_owned()),
            level: 2,
            acknowledged: true,
            status_category: "open",
            next_due_at: Some(Timestamp::from_millis(0)),
            created_at: None,
            last_fact_at: None,
            facts: 3,
            facts_waiting: 0,
            escalations: 1,
            partition: 0,
            offset: 7,
            state_bytes: 900,
        }
    }

    #[test]
    fn a_list_says_what_it_does_not_show() {
        let shown = text(&Report {
            tickets: vec![row("T\x1b1")],
            total: 2,
            unreadable: 1,
        });
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown}");
        assert!(lines[1].starts_with("  T\u{fffd}1"), "{shown}");
        assert!(lines[1].contains("2 acknowledged  open    1970-01-01T00:00:00Z      3"));
        assert_eq!(
            lines[2],
            "2 tickets; the 1 that are due first are shown, see --limit; \
             1 state cannot be read by this release"
        );
    }

    #[test]
    fn a_filter_wants_what_meets_all_of_it() {
        let filter = |escalated, plan: Option<&str>, category: Option<&str>| Filter {
            escalated,
            plan: plan.map(str::to_owned),
            status_category: category.map(str::to_owned),
        };
        let row = row("T1");
        assert!(filter(true, Some("gold"), Some("Open")).wants(&row));
        assert!(!filter(true, Some("silver"), None).wants(&row));
        assert!(!filter(false, None, Some("closed")).wants(&row));
        assert!(!filter(true, None, None).wants(&Row { level: 0, ..row }));
    }
}
