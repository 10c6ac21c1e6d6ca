//! Writing a fact, and texts.

use super::super::binary::{put_bytes, put_long};
use super::super::sealed::mark_of;
use super::super::words::USED_MAX;
use super::super::{Numbered, uuid};
use super::Writer;
use crate::fact::{Activity, Fact};
use crate::facts::Facts;
use crate::ticket::{Change, NumberField, Text};

/// A shorter block has its length in one byte.
const SHORT: usize = 64;

/// How a text begins that is a word.
const WORD_BRANCH: u8 = 2;

/// How a change of a text field to a word begins.
const WORD_CHANGE_BRANCH: u8 = 10;

impl Writer<'_> {
    /// The fact at a place behind the one before it, as a block of its own.
    pub(super) fn fact_of(&mut self, facts: &Facts, place: usize, source: Option<&Text>) {
        let fact = facts.fact(place);
        let at = fact.occurred_at;
        let before = place.checked_sub(1).and_then(|it| facts.at(it));
        let after = at
            .as_millis()
            .wrapping_sub(before.unwrap_or(at).as_millis());
        self.last = at;
        self.long(-1);
        let begin = self.body.len();
        self.body.push(0);
        self.fact(&fact, after, source);
        let length = self.body.len() - begin - 1;
        if length < SHORT {
            self.body[begin] = 2 * length as u8;
        } else {
            let mut long = Vec::with_capacity(4);
            put_long(&mut long, length as i64);
            self.body.splice(begin..=begin, long);
        }
    }

    /// A fact but for its instant, so many milliseconds after the one before it.
    pub(super) fn fact(&mut self, fact: &Fact, after: i64, source: Option<&Text>) {
        self.body.push(mark_of(fact));
        self.long(after);
        self.maybe_text(fact.event_id.as_ref());
        self.long(fact.record_hash);
        let own_source = Some(&fact.source).filter(|own| source != Some(*own));
        let is_told = fact.version.is_some() || own_source.is_some();
        self.some(is_told.then_some(fact.version), |w, version| {
            w.some(version, Self::long);
            w.maybe_text(own_source);
        });
        self.flag(fact.created);
        self.list(&fact.changes, Self::change);
        self.list(&fact.activities, Self::activity);
    }

    pub(super) fn change(&mut self, change: &Change) {
        match change {
            Change::Text(field, text) => {
                let begin = self.body.len();
                self.long(0);
                self.long(*field as i64);
                let text_begin = self.body.len();
                self.maybe_text(text.as_ref());
                if self.body[text_begin] == WORD_BRANCH {
                    // The same in a byte less, for most are words.
                    self.body[begin] = WORD_CHANGE_BRANCH;
                    self.body.remove(text_begin);
                }
            }
            Change::Number(field, number) => {
                self.long(1);
                self.long(match field {
                    NumberField::Severity => 0,
                    NumberField::Satisfaction => 1,
                });
                self.some(*number, Self::double);
            }
            Change::Tags(tags) => {
                self.long(2);
                self.list(tags, Self::text);
            }
            Change::Label(name, text) => {
                self.long(3);
                self.text(name);
                self.maybe_text(text.as_ref());
            }
            Change::ClearLabels => self.long(4),
        }
    }

    fn activity(&mut self, activity: &Activity) {
        self.long(activity.kind as i64);
        self.maybe_text(activity.actor.as_ref());
        let Activity {
            level, until, note, ..
        } = activity;
        let is_any = level.is_some() || until.is_some() || note.is_some();
        self.some(is_any.then_some(note.as_ref()), |w, note| {
            w.some(*level, Self::long);
            w.maybe_instant(*until);
            w.maybe_text(note);
        });
    }

    pub(super) fn maybe_text(&mut self, text: Option<&Text>) {
        match text {
            Some(text) => self.text(text),
            None => self.long(0),
        }
    }

    pub(super) fn text(&mut self, text: &Text) {
        let numbered = Numbered::of(text).and_then(|numbered| {
            let word = self.words.find_content(numbered.prefix, self.owner)?;
            Some((self.place_of(word)?, numbered.number))
        });
        if let Some((place, number)) = numbered {
            self.long(3);
            self.count(place);
            self.long(number.cast_signed());
        } else if let Some(uuid) = uuid(text) {
            self.long(4);
            self.body.extend_from_slice(&uuid);
        } else {
            let word = self.words.find(text, self.owner);
            match word.and_then(|number| self.place_of(number)) {
                Some(place) => {
                    self.long(1);
                    self.count(place);
                }
                None => {
                    self.long(2);
                    put_bytes(&mut self.body, text.as_bytes());
                }
            }
        }
    }

    /// The place of a word among those that the state names, if there is one for it.
    fn place_of(&mut self, number: u16) -> Option<usize> {
        let known = self.used.iter().position(|used| *used == number);
        known.or_else(|| {
            let place = self.used.len();
            (place < USED_MAX).then(|| {
                self.used.push(number);
                place
            })
        })
    }
}
