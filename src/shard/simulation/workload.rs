//! Plans with short waits, and what is written about tickets that have them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use escalator_engine::time::Timestamp;

use super::topic_log::{Payload, Place, Topic};
use crate::plan_file::{self, PlanSet, Sources};

/// The start of every run, in milliseconds since 1970: 2026-11-23T09:00:00Z.
pub(super) const START_MS: i64 = 1_795_424_400_000;

/// What is written about a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Created,
    Reply,
    CustomerReply,
    Waiting,
    Open,
    Resolved,
    Urgent,
    Acknowledge,
    Escalate,
    Deescalate,
    /// Something that nobody can read.
    Poison,
}

impl What {
    /// What comes after the creation; some of it more often.
    pub(super) const UPDATES: [Self; 13] = [
        Self::Reply,
        Self::CustomerReply,
        Self::Waiting,
        Self::Open,
        Self::Open,
        Self::Resolved,
        Self::Resolved,
        Self::Urgent,
        Self::Acknowledge,
        Self::Escalate,
        Self::Deescalate,
        Self::Poison,
        Self::Created,
    ];

    const fn body(self) -> &'static str {
        match self {
            Self::Created => r#""ticket":{"status":"open","priority":"normal"}"#,
            Self::Reply => r#""activities":[{"kind":"agent_reply"}]"#,
            Self::CustomerReply => r#""activities":[{"kind":"customer_reply"}]"#,
            Self::Waiting => r#""changes":{"status":"waiting_customer"}"#,
            Self::Open => r#""changes":{"status":"open"}"#,
            Self::Resolved => r#""changes":{"status":"resolved"}"#,
            Self::Urgent => r#""changes":{"priority":"critical"}"#,
            Self::Acknowledge => r#""activities":[{"kind":"acknowledge"}]"#,
            Self::Escalate => r#""activities":[{"kind":"escalate"}]"#,
            Self::Deescalate => r#""activities":[{"kind":"deescalate","level":1}]"#,
            Self::Poison => "nonsense",
        }
    }

    const fn topic(self) -> Topic {
        if matches!(self, Self::Created) {
            Topic::Created
        } else {
            Topic::Updated
        }
    }
}

/// The partition of a ticket's key.
pub(super) fn partition_of(key: &[u8], partitions: i32) -> i32 {
    let digits = key.get(1..).and_then(|digits| str::from_utf8(digits).ok());
    let number: i32 = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    number % partitions
}

/// A record about a ticket, and where it goes; `at_ms` since the start is when it occurred.
pub(super) fn record(
    (id, ticket, what): (u32, u32, What),
    at_ms: i64,
    partitions: i32,
) -> (Place, Payload) {
    let key = format!("T{ticket}");
    let timestamp_ms = START_MS + at_ms;
    let at = Timestamp::from_millis(timestamp_ms);
    let body = what.body();
    let value =
        format!(r#"{{"ticket_id":"{key}","occurred_at":"{at}","event_id":"e{id:03}",{body}}}"#);
    let place = (what.topic(), partition_of(key.as_bytes(), partitions));
    let payload = Payload {
        timestamp_ms,
        key: Some(key.into_bytes()),
        value: Some(value.into_bytes()),
    };
    (place, payload)
}

thread_local! {
    static PLANS: RefCell<BTreeMap<(usize, usize), PlanSet>> = const { RefCell::new(BTreeMap::new()) };
}

/// A variant of a kind of plan.
pub(super) fn plan(family: usize, variant: usize) -> PlanSet {
    PLANS.with_borrow_mut(|plans| {
        let set = plans.entry((family, variant)).or_insert_with(|| {
            let text = plan_text(family, variant);
            let checked = plan_file::check(Sources::from_text("plan.yaml", &text));
            checked.into_set().unwrap()
        });
        set.clone()
    })
}

fn plan_text(family: usize, variant: usize) -> String {
    let (within, in_flight) = [
        ("4s", "adopt"),
        ("2s", "adopt"),
        ("9s", "restart"),
        ("3s", "keep"),
    ][variant];
    let (limit, repeat, more) = match family {
        0 => ("", "", ""),
        1 => (
            "",
            ", repeat: { every: 2s, times: 2 }",
            "    acknowledgement_lasts: 3s\n    communication: { to: noc, every: 3s }\n    resolution: { close_within: 9s }\n",
        ),
        _ => (", at_most: { count: 1, per: 5s }", "", ""),
    };
    format!(
        "version: 1
targets: {{ noc: {{ kind: team, channels: [chat]{limit} }} }}
forget_after: 6s
plans:
  - name: p
    in_flight: {in_flight}
    timeframes:
      first_response:
        within: {{ by: priority, critical: 1s, default: {within} }}
        marks: [ {{ at: 50%, warn: [noc] }}, {{ at: 100%, level: 1 }} ]
      resolution:
        within: 8s
        marks: [ {{ at: 100%, level: 2 }} ]
    triggers: [ {{ name: urgent, when: {{ priority: critical }}, for: 2s, level: 2 }} ]
    path:
      - {{ notify: [noc]{repeat}, next_after: 3s }}
      - {{ notify: [noc] }}
{more}"
    )
}
