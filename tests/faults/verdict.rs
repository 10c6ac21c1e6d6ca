//! What the oracle says of what was published.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use escalator_engine::time::Timestamp;
use serde_json::Value;

use crate::site::Site;
use crate::support::client::Seen;
use crate::told::{self, Told};

/// What `simulate` says must be published.
pub(crate) struct Expected {
    told: Told,
    ids: BTreeSet<String>,
    /// How many of them are `escalated` events.
    pub(crate) escalated: usize,
}

/// The difference between what was published and what should have been.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) published: usize,
    pub(crate) lost: usize,
    pub(crate) twice: usize,
    pub(crate) early: usize,
    pub(crate) unexpected: usize,
    /// Dead letters beyond those that the scenario has made.
    pub(crate) dead: usize,
    /// The first difference in content or order of a ticket's events.
    pub(crate) difference: Option<String>,
}

impl Expected {
    /// Asks `simulate` for all that follows from these events.
    pub(crate) fn new(site: &Site, events: &str, until: &str) -> Self {
        let mut expected = Self {
            told: Told::new(),
            ids: BTreeSet::new(),
            escalated: 0,
        };
        for line in told::simulated_lines(site.path(), events, until) {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let value = line["value"].clone();
            expected.ids.insert(id(&value));
            expected.escalated += usize::from(text("topic") == "escalated");
            told::tell(&mut expected.told, &text("topic"), &text("key"), value);
        }
        expected
    }

    /// Compares.
    pub(crate) fn judge(&self, site: &Site) -> Verdict {
        let mut verdict = Verdict::default();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut told = Told::new();
        for topic in ["escalated", "notify"] {
            for record in site.read(topic) {
                let value = value(&record);
                *counts.entry(id(&value)).or_default() += 1;
                verdict.published += 1;
                verdict.early +=
                    usize::from(instant(&value, "fired_at") < instant(&value, "due_at"));
                let (key, _) = record.text();
                told::tell(&mut told, topic, &key, value);
            }
        }
        verdict.twice = counts.values().map(|count| count - 1).sum();
        let is_expected = |id: &&String| self.ids.contains(*id);
        verdict.unexpected = counts.keys().filter(|id| !is_expected(id)).count();
        verdict.lost = self
            .ids
            .iter()
            .filter(|id| !counts.contains_key(*id))
            .count();
        verdict.difference = told::compare(&told, &self.told).err();
        verdict
    }
}

impl Verdict {
    /// Whether everything is as it should be.
    pub(crate) fn is_good(&self) -> bool {
        let wrong = self.lost + self.twice + self.early + self.unexpected + self.dead;
        wrong == 0 && self.difference.is_none() && self.published > 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            published,
            lost,
            twice,
            early,
            unexpected,
            dead,
            difference,
        } = self;
        write!(
            to,
            "{published} events, {lost} lost, {twice} twice, {early} early"
        )?;
        if unexpected + dead > 0 {
            write!(to, ", {unexpected} unexpected, {dead} dead letters")?;
        }
        if let Some(difference) = difference {
            write!(to, "; {difference}")?;
        }
        Ok(())
    }
}

fn value(record: &Seen) -> Value {
    serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
}

fn id(event: &Value) -> String {
    event["id"].as_str().unwrap().to_owned()
}

fn instant(event: &Value, field: &str) -> Timestamp {
    Timestamp::parse(event[field].as_str().unwrap()).unwrap()
}
