//! Writing a fact, and texts.

use super::super::sealed::{LONG, mark_of};
use super::super::words::Words;
use super::super::{FIELD_BITS, Field, Numbered, TextForm, uuid};
use super::Writer;
use crate::fact::{Activity, Fact};
use crate::facts::Facts;
use crate::ticket::{Change, NumberField, Text};
use crate::time::Timestamp;

/// Puts a fact behind another one.
pub(super) fn behind(
    mut bytes: Vec<u8>,
    fact: &Fact,
    before: Option<Timestamp>,
    source: Option<&Text>,
    words: &mut Words,
    owner: u32,
) -> Vec<u8> {
    let begin = bytes.len();
    bytes.extend([LONG, mark_of(fact)]);
    let mut writer = Writer::new(bytes, Facts::none(), words, owner);
    let before = before.unwrap_or(fact.occurred_at);
    let at = fact.occurred_at;
    writer
        .bits
        .delta(at.as_millis().wrapping_sub(before.as_millis()));
    writer.last = at;
    writer.fact(fact, source);
    let mut bytes = writer.bits.finish();
    let length = bytes.len() - begin - 2;
    match u8::try_from(length) {
        Ok(length) if length < LONG => bytes[begin] = length,
        Ok(_) | Err(_) => {
            let length = u32::try_from(length).expect("a record is shorter");
            bytes.splice(begin + 1..begin + 1, length.to_le_bytes());
        }
    }
    bytes
}

impl Writer<'_> {
    /// A fact but for its instant.
    pub(super) fn fact(&mut self, fact: &Fact, source: Option<&Text>) {
        self.some(fact.event_id.as_ref(), Self::text);
        self.bits.long_bits(fact.record_hash.cast_unsigned(), 64);
        self.some(fact.version, Self::long);
        self.unless_same(&fact.source, source, Self::text);
        self.bits.flag(fact.created);
        self.list(&fact.changes, Self::change);
        self.list(&fact.activities, Self::activity);
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Text(field, text) => {
                self.bits.bits(*field as u32, FIELD_BITS);
                self.some(text.as_ref(), Self::text);
            }
            Change::Number(field, number) => {
                self.field(match field {
                    NumberField::Severity => Field::Severity,
                    NumberField::Satisfaction => Field::Satisfaction,
                });
                self.some(*number, Self::double);
            }
            Change::Tags(tags) => {
                self.field(Field::Tags);
                self.list(tags, Self::text);
            }
            Change::Label(name, text) => {
                self.field(Field::Label);
                self.text(name);
                self.some(text.as_ref(), Self::text);
            }
            Change::ClearLabels => self.field(Field::Labels),
        }
    }

    fn field(&mut self, field: Field) {
        self.bits.bits(field as u32, FIELD_BITS);
    }

    fn activity(&mut self, activity: &Activity) {
        self.bits.bits(activity.kind as u32, 3);
        self.some(activity.actor.as_ref(), Self::text);
        self.some(activity.level, Self::long);
        self.some(activity.until, Self::instant);
        self.some(activity.note.as_ref(), Self::text);
    }

    pub(super) fn text(&mut self, text: &Text) {
        if let Some(numbered) = Numbered::of(text) {
            self.bits.bits(TextForm::Numbered as u32, 2);
            self.content(numbered.prefix);
            self.bits.wide(numbered.number);
        } else if let Some(uuid) = uuid(text) {
            self.bits.bits(TextForm::Uuid as u32, 2);
            self.bits.fixed(&uuid);
        } else {
            let word = self.words.find(text, self.owner);
            self.word(word, text);
        }
    }

    /// The beginning of a numbered text.
    fn content(&mut self, text: &str) {
        let word = self.words.find_content(text, self.owner);
        self.word(word, text);
    }

    fn word(&mut self, word: Option<u16>, text: &str) {
        if let Some(number) = word {
            self.bits.bits(TextForm::Word as u32, 2);
            let length = u16::BITS - number.leading_zeros();
            self.bits.bits(length, 4);
            let below = length.saturating_sub(1);
            self.bits
                .bits(u32::from(number) & !(u32::MAX << below), below);
        } else {
            self.bits.bits(TextForm::Plain as u32, 2);
            self.count(text.len());
            self.bits.aligned(text.as_bytes());
        }
    }
}
