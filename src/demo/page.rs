//! The day as the page that `report` makes of its events.

use super::story::{Story, recording};
use super::summary::Summary;
use crate::plan_file::PlanSet;
use crate::report::page::page;
use crate::report::{Asked, Report};

/// The page of a day as far as it was played; none of one that never began.
#[must_use]
pub fn day_page(story: &Story, plans: &PlanSet, summary: &Summary) -> Option<String> {
    let played = story.events.get(..summary.events)?;
    if played.is_empty() {
        return None;
    }
    let recording = recording(played);
    let asked = Asked {
        from: Some(summary.from),
        to: Some(summary.until),
    };
    let report = Report::of(&recording.facts, plans, asked, |_| {});
    Some(page(&report))
}
