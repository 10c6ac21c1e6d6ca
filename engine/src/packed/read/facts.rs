//! Reading a fact, and texts.

use super::super::piece::Piece;
use super::super::words::Table;
use super::super::{FIELD_BITS, Field, TextForm, numbered_text, uuid_text};
use super::Reader;
use crate::fact::{Activity, ActivityKind, Fact};
use crate::facts::{Head, Scribe};
use crate::ticket::{Change, NumberField, Text, TextField, Ticket};
use crate::time::Timestamp;

impl<'a> Reader<'a> {
    /// For a fact of that instant.
    pub(in crate::packed) fn of_fact(body: &'a [u8], table: &'a Table, at: Timestamp) -> Self {
        let mut reader = Self::new(body, table);
        reader.bits.delta();
        reader.last = at;
        reader
    }

    /// Whether the fact has this identity.
    pub(in crate::packed) fn is_identity(&mut self, id: Option<&str>, record_hash: i64) -> bool {
        match (self.bits.flag(), id) {
            (true, Some(id)) => self.piece().bytes() == id.as_bytes(),
            (false, None) => self.hash() == record_hash,
            (true, None) | (false, Some(_)) => false,
        }
    }

    /// The rest of a fact of that instant; `source` is that of a fact that has none of its own.
    pub(in crate::packed) fn fact(&mut self, at: Timestamp, source: Option<&'a Text>) -> Fact {
        let head = self.head(at, source);
        Fact {
            occurred_at: at,
            version: head.version,
            event_id: head.event_id.map(Text::from),
            record_hash: head.record_hash,
            source: head.source.into(),
            created: head.created,
            changes: self.list(Self::change),
            activities: self.list(Self::activity),
        }
    }

    /// Has the same written down.
    #[inline]
    pub(in crate::packed) fn dictate(
        &mut self,
        at: Timestamp,
        source: &'a Text,
        scribe: &mut impl Scribe,
    ) {
        scribe.head(self.head(at, Some(source)));
        let changes = self.length();
        scribe.changes((0..changes).map(|_| self.change()));
        let activities = self.length();
        scribe.activities((0..activities).map(|_| self.activity()));
    }

    /// What the fact makes of a ticket of which nothing was known.
    pub(in crate::packed) fn origin(&mut self, at: Timestamp, source: &'a Text) -> Ticket {
        self.head(at, Some(source));
        let changes = self.length();
        Ticket::made_of((0..changes).map(|_| self.change()))
    }

    #[inline]
    fn head(&mut self, at: Timestamp, source: Option<&'a Text>) -> Head<'a> {
        Head {
            occurred_at: at,
            event_id: self.some(Self::piece),
            record_hash: self.hash(),
            version: self.some(|r| r.bits.signed()),
            source: match (self.bits.flag(), source) {
                (true, Some(source)) => Piece::Word(source),
                (true, None) | (false, _) => self.piece(),
            },
            created: self.bits.flag(),
        }
    }

    #[inline]
    fn change<T: From<Piece<'a>>>(&mut self) -> Change<T> {
        let number = self.bits.bits(FIELD_BITS);
        if let Some(field) = TextField::ALL.get(number as usize) {
            return Change::Text(*field, self.some(Self::part));
        }
        match Field::of(number) {
            Field::Severity => Change::Number(NumberField::Severity, self.some(Self::double)),
            Field::Satisfaction => {
                Change::Number(NumberField::Satisfaction, self.some(Self::double))
            }
            Field::Tags => Change::Tags(self.list(Self::part)),
            Field::Label => Change::Label(self.part(), self.some(Self::part)),
            Field::Labels => Change::ClearLabels,
        }
    }

    #[inline]
    fn activity<T: From<Piece<'a>>>(&mut self) -> Activity<T> {
        Activity {
            kind: ActivityKind::ALL[self.bits.bits(3) as usize],
            actor: self.some(Self::part),
            level: self.some(|r| r.bits.signed()),
            until: self.some(Self::instant),
            note: self.some(Self::part),
        }
    }

    pub(super) fn part<T: From<Piece<'a>>>(&mut self) -> T {
        self.piece().into()
    }

    #[inline]
    fn piece(&mut self) -> Piece<'a> {
        match self.form() {
            TextForm::Numbered => {
                let prefix = self.prefix();
                let number = self.bits.wide();
                Piece::Made(numbered_text(prefix, number))
            }
            TextForm::Uuid => {
                let mut uuid = [0; 16];
                self.bits.fixed(&mut uuid);
                Piece::Made(uuid_text(uuid))
            }
            TextForm::Word => self.word().map_or(Piece::Plain(&[]), Piece::Word),
            TextForm::Plain => Piece::Plain(self.plain()),
        }
    }

    /// What stands before a number: a word, or as it is.
    #[inline]
    fn prefix(&mut self) -> &'a [u8] {
        match self.form() {
            TextForm::Word => self.word().map_or(&[], |word| word.as_bytes()),
            TextForm::Numbered | TextForm::Uuid | TextForm::Plain => self.plain(),
        }
    }

    #[inline]
    fn word(&mut self) -> Option<&'a Text> {
        let number = match self.bits.bits(4) {
            0 => 0,
            length => self.bits.bits(length - 1) | 1 << (length - 1),
        };
        self.table.word(number as usize)
    }

    #[inline]
    fn plain(&mut self) -> &'a [u8] {
        let length = self.count();
        self.bits.aligned(length)
    }

    #[inline]
    fn form(&mut self) -> TextForm {
        TextForm::of(self.bits.bits(2))
    }
}
