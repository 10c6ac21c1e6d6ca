//! `{ ics: PATH }`: holidays out of files, each of which is read once, and as many as a set can bear.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::calendar::CalendarRule;

use super::attachment::{Unreadable, is_inline};
use super::content;
use super::ics::{self, Holidays, Refusal};
use super::node::Entry;
use super::problem::{Code, Place};
use super::reader::Reader;
use super::scope::Scope;
use super::source::Sources;

/// Days that all calendars of a set take from files: sixty yearly holidays to the end of the years
/// that calendars know, for fifty sites.
const DAYS_MAX: usize = 1_000_000;

/// What was taken from files of holidays so far.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// The files that were read, by the plan file that refers to them and the path that it writes.
    read: BTreeMap<(usize, String), Result<Arc<Holidays>, Failure>>,
    /// What the content of the set keeps of them, by the place of each path.
    canonical: BTreeMap<Place, Arc<Holidays>>,
    days: usize,
    bytes: usize,
}

/// Why a file gives no holidays.
#[derive(Clone, Debug)]
enum Failure {
    /// It could not be read.
    Unreadable(Unreadable),
    /// It says something that is not understood.
    Refused(Refusal),
}

impl Imports {
    /// What the content of the set keeps in place of a path.
    pub(super) fn canonical(&self, path: Place) -> Option<&str> {
        let holidays = self.canonical.get(&path)?;
        Some(&holidays.canonical)
    }

    /// Counts one more use of a file.
    fn take(&mut self, holidays: &Holidays) {
        self.days += holidays.days.len();
        self.bytes += holidays.canonical.len();
    }

    /// Whether there was more than a set can bear.
    const fn is_full(&self) -> bool {
        self.days > DAYS_MAX || self.bytes > content::BYTES_MAX
    }
}

/// Adds the holidays of a file, and notes what the content of the set keeps of it. The log of edits
/// has the file itself in place of its path.
pub(super) fn add(
    reader: &mut Reader,
    scope: &mut Scope,
    sources: &Sources,
    entry: &Entry,
    rule: &mut CalendarRule,
) {
    let node = &entry.node;
    let Some(path) = reader.scalar(node, "`ics`") else {
        return;
    };
    let imports = &mut scope.imports;
    if imports.is_full() {
        // That was reported.
        return;
    }
    // A problem shows the line of its place, which must not be a line of the file.
    let (read, shown, place) = if is_inline(path) {
        let read = ics::read(path).map(Arc::new).map_err(Failure::Refused);
        (read, "the file".to_owned(), entry.place)
    } else {
        let file = node.place.file;
        let known = imports.read.entry((file, path.to_owned()));
        let read = known.or_insert_with(|| read(sources, file, path)).clone();
        (read, format!("`{path}`"), node.place)
    };
    let holidays = match read {
        Ok(holidays) => holidays,
        Err(failure) => {
            report(reader, place, shown, failure);
            return;
        }
    };
    imports.take(&holidays);
    if imports.is_full() {
        reader.report(
            Code::OverBudget,
            place,
            &format!("with {shown}, the files of holidays say more than a set of plans may"),
            "leave past events out of it, end its yearly rules with `UNTIL`, or share one calendar",
        );
        return;
    }
    for (day, name) in &holidays.days {
        let known = rule.holidays.entry(*day).or_default();
        if known.is_empty() {
            known.clone_from(name);
        }
    }
    imports.canonical.insert(node.place, holidays);
}

fn read(sources: &Sources, file: usize, path: &str) -> Result<Arc<Holidays>, Failure> {
    let text = sources
        .attachment(file, path)
        .map_err(Failure::Unreadable)?;
    ics::read(text).map(Arc::new).map_err(Failure::Refused)
}

fn report(reader: &mut Reader, place: Place, shown: String, failure: Failure) {
    match failure {
        Failure::Unreadable(unreadable) => {
            let message = format!("{shown} {}", unreadable.message());
            reader.report(Code::IcsUnreadable, place, &message, unreadable.remedy());
        }
        Failure::Refused(refusal) => {
            let what = match refusal.event {
                Some(number) => format!("event {number} of {shown}"),
                None => shown,
            };
            reader.report(
                Code::IcsRefused,
                place,
                &format!("{what} {}", refusal.why.message()),
                "keep all-day events in it, once or by a yearly rule, and leave the rest out",
            );
        }
    }
}
