//! Plans and events, as the model reads them and as files have them.

use escalator_engine::time::Timestamp;
use serde_json::{Value, json};

/// Minutes from the beginning.
pub(crate) type Minute = usize;

/// 2026-11-23T09:00:00Z, a Monday.
const BEGINNING_MS: i64 = 1_795_424_400_000;

pub(crate) const STATUSES: [&str; 7] = [
    "new",
    "open",
    "waiting_customer",
    "waiting_vendor",
    "on_hold",
    "resolved",
    "closed",
];

pub(crate) const TAGS: [&str; 2] = ["x", "y"];

/// Who has opened the ticket.
pub(crate) const REQUESTER: &str = "carol";

/// When a calendar is open. Both of the limited ones have the same hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calendar {
    Always,
    /// What falls on closing time stays there.
    Stay,
    /// What falls on closing time is moved to the next opening.
    NextOpen,
}

/// The hours of the limited calendars.
pub(crate) const HOURS: [(Minute, Minute); 4] = [(10, 40), (60, 110), (125, 210), (1450, 2000)];

impl Calendar {
    fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Stay => "stay",
            Self::NextOpen => "next_open",
        }
    }

    pub(crate) fn is_open(self, minute: Minute) -> bool {
        let within = |(from, to): &(Minute, Minute)| (*from..*to).contains(&minute);
        self == Self::Always || HOURS.iter().any(within)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) tier: Option<&'static str>,
    pub(crate) timeframes: Vec<Timeframe>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) path: Vec<Level>,
    pub(crate) notify_skipped: bool,
    pub(crate) acknowledgement_lasts: Option<usize>,
    pub(crate) communication: Option<(Address, usize)>,
    pub(crate) close_within: Option<usize>,
    pub(crate) post_mortem: Option<(usize, Vec<Address>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Timeframe {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    /// The default, and what tickets of high priority have.
    pub(crate) within: (usize, Option<usize>),
    pub(crate) calendar: Calendar,
    pub(crate) pause: Vec<&'static str>,
    pub(crate) on_reopen: &'static str,
    /// `start`, `stop` and `reset`.
    pub(crate) moments: [Vec<&'static str>; 3],
    pub(crate) marks: Vec<Mark>,
}

#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) text: &'static str,
    pub(crate) warn: Vec<Address>,
    pub(crate) level: Option<usize>,
}

impl Mark {
    /// The minutes that have to be counted; all lengths make whole ones of the shares that occur.
    pub(crate) fn threshold(&self, within: usize) -> usize {
        match self.text.strip_suffix('%') {
            Some(share) => within * share.parse::<usize>().unwrap() / 100,
            None => {
                let offset = self.text.trim_end_matches('m').parse::<isize>().unwrap();
                within.strict_add_signed(offset)
            }
        }
    }

    fn json(&self) -> Value {
        let mut mark = json!({ "at": self.text });
        if !self.warn.is_empty() {
            mark["warn"] = json!(self.warn);
        }
        if let Some(level) = self.level {
            mark["level"] = level.into();
        }
        mark
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub(crate) name: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) hold: Option<usize>,
    pub(crate) level: usize,
}

impl Trigger {
    fn json(&self) -> Value {
        let mut trigger =
            json!({ "name": self.name, "when": { "tags": self.tag }, "level": self.level });
        if let Some(hold) = self.hold {
            trigger["for"] = length(hold);
        }
        trigger
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) notify: Vec<Address>,
    pub(crate) repeat: Option<(usize, usize)>,
    pub(crate) next_after: Option<usize>,
    pub(crate) unless_resolved: bool,
    pub(crate) pause: Vec<&'static str>,
    pub(crate) calendar: Calendar,
}

impl Level {
    fn json(&self) -> Value {
        let mut level = json!({ "pause": self.pause, "calendar": self.calendar.name() });
        if !self.notify.is_empty() {
            level["notify"] = json!(self.notify);
        }
        if let Some((every, times)) = self.repeat {
            level["repeat"] = json!({ "every": length(every), "times": times });
        }
        if let Some(next_after) = self.next_after {
            level["next_after"] = length(next_after);
        }
        if self.unless_resolved {
            level["unless"] = "resolved".into();
        }
        level
    }
}

/// A target with its channels, or the requester of the ticket.
pub(crate) type Address = &'static str;

pub(crate) const TARGETS: [(Address, &[&str]); 3] = [
    ("a", &["chat"]),
    ("b", &["chat", "email"]),
    ("c", &["phone"]),
];

/// An event in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fact {
    pub(crate) minute: Minute,
    pub(crate) status: Option<&'static str>,
    pub(crate) priority: Option<&'static str>,
    pub(crate) tier: Option<&'static str>,
    pub(crate) assignee: Option<&'static str>,
    pub(crate) tags: Option<Vec<&'static str>>,
    pub(crate) activities: Vec<Activity>,
}

impl Fact {
    /// As a line of an event file.
    pub(crate) fn json(&self, nth: usize) -> Value {
        let (topic, fields) = match nth {
            0 => ("ticket-created", "ticket"),
            _ => ("ticket-updated", "changes"),
        };
        let mut value = json!({
            "ticket_id": "T",
            "occurred_at": instant(self.minute),
            "event_id": format!("{nth:03}"),
            "version": nth,
            fields: {},
        });
        let texts = [
            ("status", self.status),
            ("priority", self.priority),
            ("tier", self.tier),
            ("assignee", self.assignee),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                value[fields][name] = text.into();
            }
        }
        if let Some(tags) = &self.tags {
            value[fields]["tags"] = json!(tags);
        }
        if nth == 0 {
            value[fields]["requester"] = REQUESTER.into();
        } else {
            value["activities"] = self.activities.iter().map(Activity::json).collect();
        }
        json!({ "topic": topic, "value": value })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) kind: &'static str,
    pub(crate) level: Option<usize>,
    pub(crate) until: Option<Minute>,
}

impl Activity {
    fn json(&self) -> Value {
        let mut activity = json!({ "kind": self.kind });
        if let Some(level) = self.level {
            activity["level"] = level.into();
        }
        if let Some(until) = self.until {
            activity["until"] = instant(until).into();
        }
        activity
    }
}

/// A minute as an instant.
pub(crate) fn instant(minute: Minute) -> String {
    let at = BEGINNING_MS + i64::try_from(minute).unwrap() * 60_000;
    Timestamp::from_millis(at).to_string()
}

impl Plan {
    /// As a plan file has it.
    pub(crate) fn json(&self) -> Value {
        let mut plan = json!({
            "name": self.name,
            "timeframes": Value::Object(self.timeframes.iter().map(Timeframe::json).collect()),
            "triggers": Value::from_iter(self.triggers.iter().map(Trigger::json)),
            "path": Value::from_iter(self.path.iter().map(Level::json)),
            "notify_skipped": self.notify_skipped,
        });
        if let Some(tier) = self.tier {
            plan["match"] = json!({ "tier": tier });
        }
        if let Some(lasts) = self.acknowledgement_lasts {
            plan["acknowledgement_lasts"] = length(lasts);
        }
        if let Some((to, every)) = self.communication {
            plan["communication"] = json!({ "to": to, "every": length(every) });
        }
        if let Some(within) = self.close_within {
            plan["resolution"]["close_within"] = length(within);
        }
        if let Some((level, to)) = &self.post_mortem {
            plan["resolution"]["post_mortem"] = json!({ "from_level": level, "to": to });
        }
        plan
    }
}

impl Timeframe {
    fn json(&self) -> (String, Value) {
        let mut timeframe = json!({
            "kind": self.kind,
            "within": length(self.within.0),
            "calendar": self.calendar.name(),
            "pause": self.pause,
            "marks": Value::from_iter(self.marks.iter().map(Mark::json)),
        });
        if let (default, Some(high)) = self.within {
            let (default, high) = (length(default), length(high));
            timeframe["within"] = json!({ "by": "priority", "high": high, "default": default });
        }
        if self.kind == "custom" {
            for (list, moments) in ["start", "stop", "reset"].iter().zip(&self.moments) {
                timeframe[list] = moments.iter().map(|moment| json_of(moment)).collect();
            }
        }
        if ["first_response", "update", "resolution"].contains(&self.kind) {
            timeframe["on_reopen"] = self.on_reopen.into();
        }
        (self.name.clone(), timeframe)
    }
}

/// A moment: a tag that comes, a status that is entered, or what has a word of its own.
fn json_of(moment: &str) -> Value {
    if TAGS.contains(&moment) {
        json!({ "when": { "tags": moment } })
    } else if STATUSES.contains(&moment) {
        json!({ "status": moment })
    } else {
        moment.into()
    }
}

fn length(minutes: usize) -> Value {
    format!("{minutes}m").into()
}
