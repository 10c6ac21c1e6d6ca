//! Plan files that somebody made to hurt: each is refused with its place and a remedy, before it
//! takes the time or the memory that it is after.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "plan_hostile/expressions.rs"]
mod expressions;
#[path = "plan_hostile/files.rs"]
mod files;
#[path = "plan_hostile/holidays.rs"]
mod holidays;
#[path = "plan_hostile/yaml.rs"]
mod yaml;

use escalator::plan_file::{Sources, check};

const MIB: usize = 1 << 20;

/// What the report of one file has to say: the first problem, its place, and the remedy.
struct Refusal {
    message: &'static str,
    place: &'static str,
    remedy: &'static str,
}

const fn refusal(message: &'static str, place: &'static str, remedy: &'static str) -> Refusal {
    Refusal {
        message,
        place,
        remedy,
    }
}

fn assert_refused(name: &str, sources: Sources, refusal: &Refusal) {
    let checked = check(sources);
    assert!(checked.set.is_none(), "{name} is refused");
    let report = checked.report(false);
    let shown: String = report.chars().take(2000).collect();
    for part in [refusal.message, refusal.place, refusal.remedy] {
        assert!(report.contains(part), "{name}: `{part}` in\n{shown}");
    }
    let first = &checked.problems[0];
    assert!(first.message.chars().count() <= 501, "{name}: {shown}");
    // A report is for people, however large the file is.
    assert!(report.len() < MIB, "{name}: {} bytes", report.len());
}

fn assert_text_refused(name: &str, text: &str, refusal: &Refusal) {
    assert_refused(name, Sources::from_text("plan.yaml", text), refusal);
}

/// So many pieces, each made of its number, with commas between.
fn listed(count: usize, piece: impl Fn(usize) -> String) -> String {
    let pieces: Vec<_> = (0..count).map(piece).collect();
    pieces.join(", ")
}

fn plan(part: &str) -> String {
    format!("plans: [{{ name: p, path: [{{ assign: {{ queue: q }} }}], {part} }}]\n")
}
