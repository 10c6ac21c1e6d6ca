//! The sentences of a picture, the same in every format.

use super::structure::{Level, Mark, PlanGraph, Recipient, Timeframe, Trigger, Within};
use super::words::list;

impl Timeframe {
    /// The name, and the kind where it is another.
    pub(super) fn title(&self) -> String {
        if self.name == self.kind {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.kind)
        }
    }

    /// What the clock counts.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = vec![self.within.words()];
        notes.extend(span(&self.kind).map(str::to_owned));
        notes.extend(self.moments.iter().cloned());
        if self.calendar != "always" {
            notes.push(format!("in the hours of {}", self.calendar));
        }
        if !self.pause.is_empty() {
            notes.push(format!("stands still in {}", self.pause));
        }
        match self.on_reopen.as_str() {
            "restart" => notes.push("begins anew when reopened".to_owned()),
            "ignore" => notes.push("stays stopped when reopened".to_owned()),
            _ => {}
        }
        notes
    }
}

/// From what to what a clock of a kind runs.
fn span(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "first_response" => "from creation to the first reply of an agent",
        "next_response" => "from a customer's reply to an agent's, again and again",
        "update" => "from creation and from each reply of an agent, until solved",
        "resolution" => "from creation until solved",
        "vendor" => "while the vendor has to answer, again and again",
        _ => return None,
    })
}

impl Within {
    /// The promise in words.
    fn words(&self) -> String {
        let rows = self.rows.iter();
        let mut parts: Vec<String> = rows
            .map(|row| format!("{} {}", row.value, row.length))
            .collect();
        match (&self.by, &self.default) {
            (None, Some(length)) => return format!("within {length}"),
            (_, Some(length)) => parts.push(format!("else {length}")),
            (_, None) => parts.push("else no limit".to_owned()),
        }
        let by = self.by.as_deref().unwrap_or_default();
        format!("within, by {by}: {}", parts.join(", "))
    }
}

impl Mark {
    /// What the mark does apart from asking for a level.
    pub(super) fn warning(&self) -> Option<String> {
        let names = self.warn.iter().map(Recipient::words);
        (!self.warn.is_empty()).then(|| format!("warns {}", list(names, "and")))
    }
}

impl Trigger {
    /// The name, and what kind of alarm it is where that is unusual.
    pub(super) fn title(&self) -> String {
        match self.nature.as_str() {
            "opportunity" => format!("{} (an opportunity)", self.name),
            _ => self.name.clone(),
        }
    }

    /// When it escalates.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!("when {}", self.when)];
        if let Some(hold) = &self.r#for {
            let calendar = counted_in(&self.calendar);
            notes.push(format!("for {hold}{calendar} without a break"));
        }
        notes
    }
}

impl Level {
    /// Number and name.
    pub(super) fn title(&self) -> String {
        if self.has_own_name() {
            format!("{} {}", self.level, self.name)
        } else {
            self.name.clone()
        }
    }

    /// How a text speaks of it.
    pub(super) fn called(&self) -> String {
        if self.has_own_name() {
            format!("level {} {}", self.level, self.name)
        } else {
            self.name.clone()
        }
    }

    /// Whether the plan names it.
    fn has_own_name(&self) -> bool {
        self.name != format!("level {}", self.level)
    }

    /// What entering the level does, and what goes on while it lasts.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.notify.is_empty() {
            let names = self.notify.iter().map(Recipient::words);
            notes.push(format!("tells {}", list(names, "and")));
        }
        if let Some(assign) = &self.assign {
            let asked = [("queue", &assign.queue), ("assignee", &assign.assignee)];
            let asked = asked.into_iter().filter_map(|(what, name)| {
                let name = name.as_ref()?;
                Some(format!("{what} {name}"))
            });
            notes.push(format!("asks for {}", list(asked, "and")));
        }
        if let Some(repeat) = &self.repeat {
            let (every, calendar) = (&repeat.every, counted_in(&self.calendar));
            notes.push(match repeat.times.as_str() {
                "1" => format!("tells again once, after {every}{calendar}"),
                times => format!("tells again every {every}{calendar}, {times} times"),
            });
        }
        if !self.pause.is_empty() {
            notes.push(format!("waits stand still in {}", self.pause));
        }
        notes
    }

    /// What leads to the next level by itself.
    pub(super) fn way_up(&self) -> Option<String> {
        if self.notify.is_empty() && self.assign.is_none() {
            return Some("at once".to_owned());
        }
        let wait = self.next_after.as_ref()?;
        let calendar = counted_in(&self.calendar);
        Some(match self.unless.as_str() {
            "resolved" => format!("after {wait}{calendar}, even if acknowledged"),
            _ => format!("after {wait}{calendar}, unless acknowledged"),
        })
    }
}

fn counted_in(calendar: &str) -> String {
    match calendar {
        "always" => String::new(),
        name => format!(" of {name}"),
    }
}

impl Recipient {
    /// Name and channels.
    pub(super) fn words(&self) -> String {
        if self.channels.is_empty() {
            return self.to.clone();
        }
        let at_most = self.at_most.as_ref().map_or_else(String::new, |it| {
            format!("; at most {} in {} each", it.count, it.per)
        });
        format!("{} ({}{at_most})", self.to, self.channels.join(", "))
    }
}

impl PlanGraph {
    /// What holds for the whole ladder.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.notify_skipped {
            notes.push("levels that are jumped over are told, too".to_owned());
        }
        notes.push(match &self.acknowledgement_lasts {
            Some(lasts) => format!("an acknowledgement holds for {lasts}"),
            None => "an acknowledgement holds until a higher level".to_owned(),
        });
        if let Some(communication) = &self.communication {
            let (to, every) = (communication.to.words(), &communication.every);
            let calendar = counted_in(&communication.calendar);
            notes.push(format!(
                "{to} hears of it at the beginning and every {every}{calendar}"
            ));
        }
        if let Some(within) = &self.close_within {
            let calendar = counted_in(&self.close_within_calendar);
            notes.push(format!(
                "not ended after {within}{calendar}: to the last level"
            ));
        }
        notes
    }

    /// What ends an escalation, and what then happens.
    pub(super) fn endings(&self) -> Vec<String> {
        let mut endings = vec![
            "resolved or closed, taken back by hand, or no plan takes the ticket any more"
                .to_owned(),
            "whoever was told is told that it is over".to_owned(),
        ];
        if let Some(post_mortem) = &self.post_mortem {
            let names = list(post_mortem.to.iter().map(Recipient::words), "and");
            let from = post_mortem.from_level;
            let looks = if post_mortem.to.len() == 1 {
                "looks"
            } else {
                "look"
            };
            endings.push(format!("from level {from} on, {names} {looks} back at it"));
        }
        endings
    }
}
