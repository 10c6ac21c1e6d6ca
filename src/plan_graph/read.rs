//! From the canonical content of a set to what a picture shows.
//!
//! The content was checked when the plans were loaded, so a key that is missing has its default
//! and nothing is refused here.

use escalator_engine::plan::TimeframeKind;
use escalator_engine::status::StatusCategory;
use serde_json::Value as Json;

use super::structure::{
    Assign, AtMost, Communication, Graph, Level, Mark, PlanGraph, PostMortem, Recipient, Repeat,
    Row, Timeframe, Trigger, Within,
};
use super::words::{condition, list, text};
use crate::plan_file::PlanSet;

impl Graph {
    /// What the plans of a set say.
    #[must_use]
    pub fn of(set: &PlanSet) -> Self {
        let content: Json = serde_json::from_str(set.content()).unwrap_or_default();
        let source = Source {
            targets: &content["targets"],
            priorities: items(&content["priorities"]).map(text).collect(),
        };
        Self {
            plan_revision: set.revision().id.to_string(),
            plans: items(&content["plans"])
                .enumerate()
                .map(|(place, plan)| source.plan(plan, place == 0))
                .collect(),
        }
    }
}

/// What parts of plans refer to.
struct Source<'c> {
    targets: &'c Json,
    /// Ascending.
    priorities: Vec<String>,
}

impl Source<'_> {
    fn plan(&self, plan: &Json, is_first: bool) -> PlanGraph {
        let calendar = or(&plan["calendar"], "always");
        let resolution = &plan["resolution"];
        let timeframes = plan["timeframes"].as_object().into_iter().flatten();
        PlanGraph {
            name: text(&plan["name"]),
            takes: takes(&plan["match"], is_first),
            timeframes: timeframes
                .map(|(name, timeframe)| self.timeframe(name, timeframe, &calendar))
                .collect(),
            triggers: items(&plan["triggers"]).map(trigger).collect(),
            path: (1..)
                .zip(items(&plan["path"]))
                .map(|(number, level)| self.level(number, level))
                .collect(),
            calendar,
            acknowledgement_lasts: optional(&plan["acknowledgement_lasts"]),
            notify_skipped: plan["notify_skipped"] == true,
            communication: plan["communication"].is_object().then(|| Communication {
                to: self.recipient(&plan["communication"]),
                every: text(&plan["communication"]["every"]),
                calendar: or(&plan["communication"]["calendar"], "always"),
            }),
            close_within: optional(&resolution["close_within"]),
            close_within_calendar: or(&resolution["calendar"], "always"),
            post_mortem: resolution["post_mortem"].is_object().then(|| PostMortem {
                from_level: level_number(&resolution["post_mortem"]["from_level"]).unwrap_or(1),
                to: self.recipients(&resolution["post_mortem"]["to"]),
            }),
        }
    }

    fn timeframe(&self, name: &str, timeframe: &Json, calendar: &str) -> Timeframe {
        let kind = or(&timeframe["kind"], name);
        let moments = ["start", "stop", "reset"].into_iter();
        let moments = moments.filter(|key| !timeframe[*key].is_null()).map(|key| {
            let moments = items(&timeframe[key]).map(moment);
            format!("{key}s at {}", list(moments, "or"))
        });
        Timeframe {
            name: text(&Json::from(name)),
            within: self.within(&timeframe["within"]),
            calendar: or(&timeframe["calendar"], calendar),
            pause: if timeframe["pause"].is_null() {
                default_pause(&kind)
            } else {
                categories(&timeframe["pause"])
            },
            on_reopen: or(&timeframe["on_reopen"], "resume"),
            moments: moments.collect(),
            marks: items(&timeframe["marks"])
                .map(|mark| Mark {
                    at: text(&mark["at"]),
                    warn: self.recipients(&mark["warn"]),
                    level: level_number(&mark["level"]),
                })
                .collect(),
            kind,
        }
    }

    /// The matrix; by priority the most urgent comes first, as people tell it.
    fn within(&self, within: &Json) -> Within {
        let Some(map) = within.as_object() else {
            return Within {
                by: None,
                rows: Vec::new(),
                default: Some(text(within)),
            };
        };
        let entries = map.iter();
        let entries = entries.filter(|(key, _)| !matches!(key.as_str(), "by" | "default"));
        let mut rows: Vec<Row> = entries
            .map(|(value, length)| Row {
                value: text(&Json::from(value.as_str())),
                length: text(length),
            })
            .collect();
        if map.get("by").is_some_and(|by| by == "priority") {
            let rank = |row: &Row| self.priorities.iter().position(|it| *it == row.value);
            rows.sort_by_key(|row| std::cmp::Reverse(rank(row)));
        }
        Within {
            by: map.get("by").map(text),
            rows,
            default: map.get("default").map(text),
        }
    }

    fn level(&self, number: u32, level: &Json) -> Level {
        let assign = &level["assign"];
        let repeat = &level["repeat"];
        Level {
            level: number,
            name: or(&level["name"], &format!("level {number}")),
            kind: or(&level["kind"], "functional"),
            notify: self.recipients(&level["notify"]),
            assign: assign.is_object().then(|| Assign {
                queue: optional(&assign["queue"]),
                assignee: optional(&assign["assignee"]),
            }),
            repeat: repeat.is_object().then(|| Repeat {
                every: text(&repeat["every"]),
                times: text(&repeat["times"]),
            }),
            next_after: optional(&level["next_after"]),
            unless: or(&level["unless"], "acknowledged"),
            pause: categories(&level["pause"]),
            calendar: or(&level["calendar"], "always"),
        }
    }

    fn recipients(&self, entries: &Json) -> Vec<Recipient> {
        let entries = items(entries);
        entries.map(|entry| self.recipient(entry)).collect()
    }

    /// An entry that tells somebody: a name, or a map.
    fn recipient(&self, entry: &Json) -> Recipient {
        let (to, channel) = match entry {
            Json::Object(map) => (map.get("to").unwrap_or(&Json::Null), map.get("channel")),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                (entry, None)
            }
        };
        let to = text(to);
        let target = &self.targets[&to];
        let channels = match channel {
            Some(channel) => vec![text(channel)],
            // A field of the ticket is told by mail.
            None if target.is_null() => vec!["email".to_owned()],
            None => items(&target["channels"]).map(text).collect(),
        };
        let at_most = &target["at_most"];
        Recipient {
            to,
            channels,
            at_most: at_most.is_object().then(|| AtMost {
                count: text(&at_most["count"]),
                per: text(&at_most["per"]),
            }),
        }
    }
}

/// Which tickets a plan takes, in words.
fn takes(matching: &Json, is_first: bool) -> String {
    match (matching.is_null(), is_first) {
        (true, true) => return "every ticket".to_owned(),
        (true, false) => return "every ticket that no plan before it takes".to_owned(),
        (false, _) => {}
    }
    let verb = if matching.is_string() {
        "tickets for which"
    } else {
        "tickets whose"
    };
    format!("{verb} {}", condition(matching))
}

fn trigger(trigger: &Json) -> Trigger {
    Trigger {
        name: text(&trigger["name"]),
        when: condition(&trigger["when"]),
        r#for: optional(&trigger["for"]),
        calendar: or(&trigger["calendar"], "always"),
        level: level_number(&trigger["level"]).unwrap_or(1),
        nature: or(&trigger["nature"], "problem"),
    }
}

/// The items of a list that may be missing.
fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

fn optional(value: &Json) -> Option<String> {
    (!value.is_null()).then(|| text(value))
}

fn or(value: &Json, default: &str) -> String {
    optional(value).unwrap_or_else(|| default.to_owned())
}

/// A number that may be written with quotes.
fn level_number(value: &Json) -> Option<u32> {
    text(value).parse().ok()
}

/// A `pause` in words: status categories, or a condition.
fn categories(pause: &Json) -> String {
    match pause {
        Json::Object(map) => map.get("when").map(condition).unwrap_or_default(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            list(items(pause).map(text), "or")
        }
    }
}

/// The categories in which a clock of this kind pauses unless the plan says otherwise.
fn default_pause(kind: &str) -> String {
    let Some(kind) = TimeframeKind::named(kind) else {
        return String::new();
    };
    let pause = kind.default_pause();
    let categories = StatusCategory::ALL.into_iter();
    let categories = categories.filter(|category| pause.contains(*category));
    list(categories.map(|it| it.name().to_owned()), "or")
}

/// A moment of a custom clock in words.
fn moment(moment: &Json) -> String {
    if let Some(status) = moment.get("status") {
        return format!("status {}", text(status));
    }
    match moment.get("when") {
        Some(when) => format!("the moment when {}", condition(when)),
        None => text(moment),
    }
}
