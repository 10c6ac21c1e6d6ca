//! Writing a fact, and texts.

use super::super::binary::{put_bytes, put_long};
use super::super::sealed::mark_of;
use super::super::union::{change, text};
use super::super::{Numbered, uuid};
use super::{Writer, own};
use crate::fact::{Activity, Fact};
use crate::facts::Facts;
use crate::ticket::{Change, NumberField, Text, TextField};

/// A shorter block has its length in one byte.
const SHORT: usize = 64;

/// How a text is written.
enum Form<'t> {
    /// As the place of a word.
    Word(usize),
    /// As the place of a word and the number behind it.
    Numbered(usize, u64),
    /// As the bytes of a UUID.
    Uuid([u8; 16]),
    /// As it is.
    Plain(&'t str),
}

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
        let own_source = own(&fact.source, source);
        let is_told = fact.version.is_some() || own_source.is_some();
        self.some(is_told.then_some(fact.version), |w, version| {
            w.some(version, Self::long);
            w.maybe_text(own_source);
        });
        self.flag(fact.created);
        self.list(&fact.changes, Self::change);
        self.list(&fact.activities, Self::activity);
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Text(field, text) => self.text_change(*field, text.as_ref()),
            Change::Number(field, number) => self.number_change(*field, *number),
            Change::Tags(tags) => self.tags_change(tags),
            Change::Label(name, text) => self.label_change(name, text.as_ref()),
            Change::ClearLabels => self.long(change::NO_LABELS),
        }
    }

    pub(super) fn text_change(&mut self, field: TextField, text: Option<&Text>) {
        let form = text.map(|text| self.form(text));
        if let Some(Form::Word(place)) = form {
            // In a byte less, for most are words.
            self.long(change::WORD);
            self.long(field as i64);
            self.count(place);
        } else {
            self.long(change::TEXT);
            self.long(field as i64);
            self.maybe_form(form);
        }
    }

    pub(super) fn number_change(&mut self, field: NumberField, number: Option<f64>) {
        self.long(change::NUMBER);
        self.long(field as i64);
        self.some(number, Self::double);
    }

    pub(super) fn tags_change(&mut self, tags: &[Text]) {
        self.long(change::TAGS);
        self.list(tags, Self::text);
    }

    pub(super) fn label_change(&mut self, name: &Text, text: Option<&Text>) {
        self.long(change::LABEL);
        self.text(name);
        self.maybe_text(text);
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
        let form = text.map(|text| self.form(text));
        self.maybe_form(form);
    }

    pub(super) fn text(&mut self, text: &Text) {
        self.maybe_text(Some(text));
    }

    fn maybe_form(&mut self, form: Option<Form<'_>>) {
        match form {
            None => self.long(text::NONE),
            Some(Form::Word(place)) => {
                self.long(text::WORD);
                self.count(place);
            }
            Some(Form::Numbered(place, number)) => {
                self.long(text::NUMBERED);
                self.count(place);
                self.long(number.cast_signed());
            }
            Some(Form::Uuid(uuid)) => {
                self.long(text::UUID);
                self.body.extend_from_slice(&uuid);
            }
            Some(Form::Plain(text)) => {
                self.long(text::PLAIN);
                put_bytes(self.body, text.as_bytes());
            }
        }
    }

    /// How a text is to be written; the words that it needs become words of the state.
    fn form<'t>(&mut self, text: &'t Text) -> Form<'t> {
        if let Some(numbered) = Numbered::of(text) {
            let word = self.words.find(numbered.prefix, self.owner);
            if let Some(place) = word.and_then(|word| self.named.place_of(word)) {
                return Form::Numbered(place, numbered.number);
            }
        }
        if let Some(uuid) = uuid(text) {
            return Form::Uuid(uuid);
        }
        let word = self.words.find(text, self.owner);
        let place = word.and_then(|word| self.named.place_of(word));
        place.map_or(Form::Plain(text), Form::Word)
    }
}
