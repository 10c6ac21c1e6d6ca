//! Reading a fact, and texts.

use super::super::piece::Piece;
use super::super::union::{change, text};
use super::Reader;
use crate::fact::{Activity, ActivityKind, Fact};
use crate::ticket::{Change, NumberField, OwnFields, Text, TextField, Ticket};
use crate::time::Timestamp;

impl<'a> Reader<'a> {
    /// Whether the fact has this identity.
    pub(in crate::packed) fn is_identity(&mut self, id: Option<&str>, record_hash: i64) -> bool {
        match (self.piece(), id) {
            (Some(own), Some(id)) => own.is(id),
            (None, None) => self.bytes.long() == record_hash,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// The rest of a fact of that instant; `source` is that of a fact that has none of its own.
    pub(in crate::packed) fn fact(&mut self, at: Timestamp, source: Option<&Text>) -> Fact {
        let event_id = self.maybe_part();
        let record_hash = self.bytes.long();
        let (version, own_source) = self.some(Self::origin).unwrap_or_default();
        Fact {
            occurred_at: at,
            event_id,
            record_hash,
            version,
            source: own_source.or_else(|| source.cloned()).unwrap_or_default(),
            created: self.bytes.flag(),
            changes: self.list(Self::change),
            activities: self.list(Self::activity),
        }
    }

    /// What the fact makes of a ticket of which nothing was known.
    pub(in crate::packed) fn first_ticket(&mut self) -> Ticket {
        self.skip_to_changes();
        let (mut ticket, mut own) = (Ticket::default(), OwnFields::NONE);
        self.each(|r| r.take_change(&mut ticket, &mut own));
        ticket.leave_out();
        ticket
    }

    /// Has a ticket take the next change, and notes of which field it is.
    #[inline]
    pub(super) fn take_change(&mut self, ticket: &mut Ticket, own: &mut OwnFields) {
        let kind = self.bytes.long();
        if kind == change::WORD {
            // As nearly all of them are, so nothing is moved about.
            let field = self.one_of(&TextField::ALL);
            own.note_text(field);
            *ticket.text_mut(field) = self.word().cloned();
        } else {
            let change = self.change_of_kind(kind);
            own.note(&change);
            ticket.take(change);
        }
    }

    /// Whether it is a fact of that instant to its last byte.
    pub(in crate::packed) fn is_fact(&mut self, at: Timestamp) -> bool {
        self.last = at;
        self.skip_to_changes();
        self.each(Self::change::<Unread>);
        self.each(Self::activity::<Unread>);
        self.is_at_end()
    }

    fn skip_to_changes(&mut self) {
        self.piece();
        self.bytes.long();
        self.some(Self::origin::<Unread>);
        self.bytes.flag();
    }

    /// Version and source of a fact that has one of them to tell.
    fn origin<T: From<Piece<'a>>>(&mut self) -> (Option<i64>, Option<T>) {
        (self.some(|r| r.bytes.long()), self.maybe_part())
    }

    fn change<T: From<Piece<'a>>>(&mut self) -> Change<T> {
        let kind = self.bytes.long();
        self.change_of_kind(kind)
    }

    fn change_of_kind<T: From<Piece<'a>>>(&mut self, kind: i64) -> Change<T> {
        match kind {
            change::TEXT => Change::Text(self.one_of(&TextField::ALL), self.maybe_part()),
            change::NUMBER => {
                let field = self.one_of(&NumberField::ALL);
                Change::Number(field, self.some(Self::double))
            }
            change::TAGS => Change::Tags(self.list(Self::part)),
            change::LABEL => Change::Label(self.part(), self.maybe_part()),
            change::NO_LABELS => Change::ClearLabels,
            change::WORD => {
                let field = self.one_of(&TextField::ALL);
                Change::Text(field, self.word().map(|word| Piece::Word(word).into()))
            }
            _ => {
                self.bytes.break_off();
                Change::ClearLabels
            }
        }
    }

    #[inline]
    fn activity<T: From<Piece<'a>>>(&mut self) -> Activity<T> {
        let kind = self.one_of(&ActivityKind::ALL);
        let actor = self.maybe_part();
        let terms = self.some(|r| {
            let level = r.some(|r| r.bytes.long());
            (level, r.maybe_instant(), r.maybe_part())
        });
        let (level, until, note) = terms.unwrap_or_default();
        Activity {
            kind,
            actor,
            level,
            until,
            note,
        }
    }

    pub(super) fn part<T: From<Piece<'a>>>(&mut self) -> T {
        let piece = self.piece().unwrap_or_else(|| {
            self.bytes.break_off();
            Piece::Plain("")
        });
        piece.into()
    }

    pub(super) fn maybe_part<T: From<Piece<'a>>>(&mut self) -> Option<T> {
        self.piece().map(T::from)
    }

    #[inline]
    fn piece(&mut self) -> Option<Piece<'a>> {
        match self.bytes.long() {
            text::NONE => None,
            text::WORD => self.word().map(Piece::Word),
            text::PLAIN => Some(Piece::Plain(self.plain())),
            text::NUMBERED => {
                let prefix = self.word().map_or("", |word| &**word);
                Some(Piece::Numbered(prefix, self.bytes.whole()))
            }
            text::UUID => Some(Piece::Uuid(self.bytes.fixed())),
            _ => {
                self.bytes.break_off();
                None
            }
        }
    }

    fn plain(&mut self) -> &'a str {
        str::from_utf8(self.bytes.bytes()).unwrap_or_else(|_| {
            self.bytes.break_off();
            ""
        })
    }

    #[inline]
    fn word(&mut self) -> Option<&'a Text> {
        let place = self.bytes.count();
        let word = self.used.word(place);
        if word.is_none() {
            self.bytes.break_off();
        }
        word
    }
}

/// A text that is passed over.
struct Unread;

impl From<Piece<'_>> for Unread {
    fn from(_: Piece<'_>) -> Self {
        Self
    }
}
