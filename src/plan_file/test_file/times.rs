//! The times of a test: offsets from its start, or instants.

use escalator_engine::time::{Duration, Timestamp};

use super::PlanTest;
use crate::plan_file::node::{Node, Value};
use crate::plan_file::problem::{Code, Problem};
use crate::plan_file::reader::Reader;

/// Whether a time is written as an instant.
pub(super) fn is_instant(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(text) if Timestamp::parse(text).is_ok())
}

/// Reads the times of one test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// None when it is missing or no instant: offsets are then checked for their form alone.
    start: Option<Timestamp>,
}

impl Times {
    /// The times of a test that starts there.
    pub(super) fn from_start(reader: &mut Reader, node: Option<&Node>) -> Self {
        let Some(node) = node else {
            return Self { start: None };
        };
        let Some(text) = reader.scalar(node, "`start`") else {
            return Self { start: None };
        };
        let start = Timestamp::parse(text).ok().filter(|at| is_in_range(*at));
        if start.is_none() {
            reader.report(
                Code::BadTestTime,
                node.place,
                &format!("`start` cannot be `{text}`"),
                "write an instant in RFC 3339 since 1970, as in 2026-11-23T09:00:00Z",
            );
        }
        Self { start }
    }

    /// The instant that offsets count from.
    pub(super) fn start(&self) -> Timestamp {
        self.start.unwrap_or_default()
    }

    /// A time of the test.
    pub(super) fn instant(&self, reader: &mut Reader, node: &Node, what: &str) -> Timestamp {
        let Some(text) = reader.scalar(node, what) else {
            return self.start();
        };
        let offset = Duration::parse(text).map(|offset| offset.as_millis());
        let instant = match offset {
            Ok(offset_ms) => Some(self.start().plus_millis(offset_ms)),
            Err(_) => Timestamp::parse(text).ok(),
        };
        instant.filter(|at| is_in_range(*at)).unwrap_or_else(|| {
            reader.report(
                Code::BadTestTime,
                node.place,
                &format!("{what} cannot be `{text}`"),
                "write the time since `start`, as in 0m, 1h30m or 2d, or an instant as in \
                 2026-11-23T09:00:00Z",
            );
            self.start()
        })
    }

    /// Reports what the test speaks of beyond its own end.
    pub(super) fn no_later(
        self,
        reader: &mut Reader,
        node: &Node,
        until: Timestamp,
        test: &PlanTest,
    ) {
        if self.start.is_none() {
            return;
        }
        let events = test.events.iter().map(|event| (event.at, event.place));
        let expectations = test.expectations.iter().map(|it| (it.at, it.place));
        for (at, place) in events.chain(expectations).chain(test.none_after) {
            if at > until {
                reader.push(
                    Problem::new(
                        Code::BadTestTime,
                        place,
                        &format!("this is at {at}, after the end of the test"),
                        "move it to `until` or before, or move `until`",
                    )
                    .with_other(node.place, &format!("the test ends here, at {until}")),
                );
            }
        }
    }
}

/// Instants that events can carry and that print as RFC 3339: from 1970 to the year 9999.
fn is_in_range(at: Timestamp) -> bool {
    at.as_millis() >= 0 && Timestamp::parse(&at.to_string()).is_ok()
}
