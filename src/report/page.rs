//! A report as one page of HTML that can be forwarded, printed and kept.
//!
//! The page needs nothing but itself: styles and charts are inside, there is no script, and its
//! content security policy forbids to fetch anything. The same events and plans give the same
//! bytes, so it holds no time of writing. Texts from outside (names of plans and levels) are escaped by
//! the template.

mod chart;

use askama::Template;

use self::chart::{Histogram, Months, ShareBar};
use super::numbers::percent;
use super::period::day;
use super::promises::Standing;
use super::text::{ROWS_MAX, happened, length, over, rating};
use super::{CycleCounts, Report, TimeframeReport};
use crate::offline::{counted, grouped};

/// The page.
#[derive(Debug, Template)]
#[template(path = "report.html")]
struct Page<'a> {
    period: String,
    report: &'a Report,
    plans: String,
    facts: String,
    cards: Vec<Card>,
    shares: Vec<ShareBar>,
    months: Option<Months>,
    histograms: Vec<Histogram>,
    /// Whether cycles without a limit have a column.
    has_unlimited: bool,
    promises: Vec<PromiseRow>,
    counts: Vec<CountTable>,
}

/// A number at the top of the page.
#[derive(Debug)]
struct Card {
    label: &'static str,
    value: String,
    /// What the number means, a line each.
    notes: Vec<String>,
    goal: Option<GoalMark>,
}

/// How a goal stands, in words and not by colour alone.
#[derive(Clone, Debug)]
struct GoalMark {
    /// The name of its style.
    class: &'static str,
    sign: &'static str,
    text: String,
}

/// A row of the table of promises; the first of a timeframe is its sum.
#[derive(Debug)]
struct PromiseRow {
    is_sum: bool,
    name: String,
    cells: Vec<String>,
}

/// A table of counts.
#[derive(Debug)]
struct CountTable {
    title: &'static str,
    of: &'static str,
    rows: Vec<(String, String, String)>,
    left_out: usize,
}

/// The page of a report.
#[must_use]
pub fn page(report: &Report) -> String {
    let has_unlimited = report
        .timeframes
        .iter()
        .any(|row| row.cycles.without_limit > 0);
    let rows = report.timeframes.iter();
    let page = Page {
        period: period(report),
        report,
        plans: report.plans.join(", "),
        facts: grouped(report.facts),
        cards: cards(report),
        shares: report.timeframes.iter().filter_map(share_bar).collect(),
        months: Months::of(&report.escalations),
        histograms: [
            ("Time to first response", &report.first_response),
            ("Time to resolution", &report.resolution),
        ]
        .into_iter()
        .filter_map(|(title, kind)| Histogram::of(title, kind))
        .collect(),
        has_unlimited,
        promises: rows
            .flat_map(|row| promise_rows(row, has_unlimited))
            .collect(),
        counts: count_tables(report),
    };
    page.render().expect("texts are written to memory")
}

fn period(report: &Report) -> String {
    match (report.from, report.to) {
        (Some(from), Some(to)) if day(from) == day(to) => day(from),
        (Some(from), Some(to)) => format!("{} to {}", day(from), day(to)),
        (_, _) => "no events".to_owned(),
    }
}

fn goal_mark(row: &TimeframeReport) -> Option<GoalMark> {
    let (class, sign, word) = match row.standing()? {
        Standing::Met => ("met", "✓", "met"),
        Standing::MetByEnded => ("open", "!", "met by those that ended only"),
        Standing::Missed => ("missed", "✗", "missed"),
        Standing::NothingEnded => return None,
    };
    let goal = row.goal?;
    Some(GoalMark {
        class,
        sign,
        text: format!("goal {goal}% {word}"),
    })
}

/// Whether there is something to say of the promises of a timeframe.
const fn is_told(row: &TimeframeReport) -> bool {
    row.cycles.judged() > 0 || row.cycles.open_over > 0
}

fn cards(report: &Report) -> Vec<Card> {
    let tickets = &report.tickets;
    let escalated = report.escalations.tickets as u64;
    let plain = |label, value, notes| Card {
        label,
        value,
        notes,
        goal: None,
    };
    let mut cards = vec![plain(
        "Tickets",
        grouped(tickets.active),
        vec![
            format!(
                "{} created, {} resolved",
                grouped(tickets.created),
                grouped(tickets.resolved)
            ),
            format!("{} open at the end", grouped(tickets.open)),
        ],
    )];
    for (label, kind, name) in [
        ("First response", &report.first_response, "first_response"),
        ("Resolution", &report.resolution, "resolution"),
    ] {
        let row = report.timeframes.iter().find(|row| &*row.timeframe == name);
        let Some(row) = row.filter(|row| is_told(row)) else {
            continue;
        };
        let mut notes = vec!["of those that ended were in time".to_owned()];
        notes.extend(over(&row.cycles));
        notes.push(format!(
            "half within {}, 90% within {}",
            length(kind.times.median_s),
            length(kind.times.p90_s)
        ));
        cards.push(Card {
            label,
            value: percent(row.cycles.met, row.cycles.judged()),
            notes,
            goal: goal_mark(row),
        });
    }
    cards.push(plain(
        "Tickets escalated",
        percent(escalated, tickets.active),
        vec![
            counted(escalated, "ticket"),
            format!("raised {}", counted(report.escalations.raised, "time")),
        ],
    ));
    let reassigned = percent(tickets.reassigned.tickets, tickets.active);
    cards.push(plain(
        "Reopened",
        percent(tickets.reopened.tickets, tickets.active),
        vec![
            happened(tickets.reopened),
            format!("reassigned {reassigned}, {}", happened(tickets.reassigned)),
        ],
    ));
    cards.push(satisfaction_card(report));
    cards
}

fn satisfaction_card(report: &Report) -> Card {
    let rated = &report.satisfaction;
    let (value, notes) = match rated.mean {
        Some(mean) => {
            let ratings = counted(rated.n as u64, "rating");
            let low = percent(rated.low, rated.n as u64);
            let note = format!("of 1, on average; {low} at 0.3 or less");
            (rating(mean), vec![note, ratings])
        }
        None => ("–".to_owned(), vec!["no ratings".to_owned()]),
    };
    Card {
        label: "Satisfaction",
        value,
        notes,
        goal: None,
    }
}

/// The name of a timeframe, a wait or a cause in the words of a text.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn share_bar(row: &TimeframeReport) -> Option<ShareBar> {
    if !is_told(row) {
        return None;
    }
    let cycles = &row.cycles;
    let mut note = format!(
        "{} met, {} breached",
        grouped(cycles.met),
        grouped(cycles.breached)
    );
    if let Some(over) = over(cycles) {
        note = format!("{note}, {over}");
    }
    Some(ShareBar {
        name: words(&row.timeframe),
        share: percent(cycles.met, cycles.judged()),
        // The exact share is wide enough for a bar, and a number that is safe in an attribute.
        width: cycles.met_share.unwrap_or_default() * 100.0,
        goal: row.goal,
        mark: goal_mark(row),
        note,
    })
}

fn promise_rows(row: &TimeframeReport, has_unlimited: bool) -> Vec<PromiseRow> {
    let sum = PromiseRow {
        is_sum: true,
        name: words(&row.timeframe),
        cells: promise_cells(&row.cycles, has_unlimited),
    };
    let priorities = row.priorities.iter().map(|row| PromiseRow {
        is_sum: false,
        name: row.priority.to_string(),
        cells: promise_cells(&row.cycles, has_unlimited),
    });
    std::iter::once(sum).chain(priorities).collect()
}

fn promise_cells(cycles: &CycleCounts, has_unlimited: bool) -> Vec<String> {
    let open = match (cycles.open, cycles.open_over) {
        (open, 0) => grouped(open),
        (open, over) => format!("{} ({} over)", grouped(open), grouped(over)),
    };
    let judged = [
        grouped(cycles.met),
        grouped(cycles.breached),
        percent(cycles.met, cycles.judged()),
    ];
    let unlimited = has_unlimited.then(|| grouped(cycles.without_limit));
    let rest = [open, length(cycles.median_s), length(cycles.p90_s)];
    judged.into_iter().chain(unlimited).chain(rest).collect()
}

fn count_tables(report: &Report) -> Vec<CountTable> {
    let it = &report.escalations;
    let plans = it.plans.iter().map(|row| (row.plan.to_string(), row.n));
    let levels = it.levels.iter().map(|row| {
        let names = row.names.join(", ");
        (format!("{} {names}", row.level), row.n)
    });
    let causes = it.causes.iter().map(|row| {
        let kind = words(row.kind);
        let cause = match &row.name {
            Some(name) => format!("{kind}: {}", words(name)),
            None => kind,
        };
        (cause, row.n)
    });
    let targets = report.notifications.targets.iter().map(|row| {
        let kind = if row.to == row.to_kind {
            "of the ticket"
        } else {
            &row.to_kind
        };
        (format!("{} ({kind})", row.to), row.n)
    });
    vec![
        count_table("Escalations by plan", "plan", plans, it.raised),
        count_table("Escalations by level", "level", levels, it.raised),
        count_table("Escalations by cause", "cause", causes, it.raised),
        count_table(
            "Notifications by target",
            "target",
            targets,
            report.notifications.n,
        ),
    ]
}

fn count_table(
    title: &'static str,
    of: &'static str,
    rows: impl ExactSizeIterator<Item = (String, u64)>,
    all: u64,
) -> CountTable {
    CountTable {
        title,
        of,
        left_out: rows.len().saturating_sub(ROWS_MAX),
        rows: rows
            .take(ROWS_MAX)
            .map(|(name, n)| (name, grouped(n), percent(n, all)))
            .collect(),
    }
}
