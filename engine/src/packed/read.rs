//! Reading a state; `write.rs` is its mirror.

use std::sync::Arc;

use super::bits::BitReader;
use super::words::Words;
use super::{FIELD_BITS, Field, INSTANTS_MAX, Numbered, TextForm, When};
use crate::clock::Clock;
use crate::decision::{Anchor, Identity, Listener};
use crate::effect::EscalatedType;
use crate::emission::Told;
use crate::fact::{Activity, ActivityKind, Fact, FactKey};
use crate::ladder::{Acknowledgement, Escalation};
use crate::ledger::{Beginning, Entry, Ledger};
use crate::machine::{Fired, Hold, Machine};
use crate::plan::Nature;
use crate::rules::PlanRef;
use crate::status::StatusCategory;
use crate::stopwatch::{Gap, Motion, Stopwatch};
use crate::ticket::{Change, NumberField, Text, TextField, Ticket};
use crate::ticket_state::{Fold, Reread, TicketState, Voiced};
use crate::time::{Duration, Timestamp};

/// Reads one state.
pub(super) struct Reader<'a> {
    bits: BitReader<'a>,
    words: &'a Words,
    instants: Vec<Timestamp>,
    last: Timestamp,
    identity: Identity,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], words: &'a Words) -> Self {
        Self {
            bits: BitReader::new(bytes),
            words,
            instants: Vec::new(),
            last: Timestamp::from_millis(0),
            identity: Identity([0; 16]),
        }
    }

    pub(super) fn state(mut self) -> TicketState {
        self.last = Timestamp::from_millis(self.bits.signed());
        let count = self.count();
        let mut facts: Vec<Arc<Fact>> = Vec::with_capacity(count);
        for place in 0..count {
            let source = place.checked_sub(1).map(|before| &facts[before].source);
            let fact = self.fact(source);
            facts.push(Arc::new(fact));
        }
        let evaluated = count - self.count().min(count);
        let fold = self.some(|r| Box::new(r.fold()));
        let base = fold.as_ref().map(|fold| &fold.machine.ticket);
        let machine = self.machine(base, &facts[..evaluated]);
        let ledger = Ledger {
            entries: self.list(Self::entry),
            beginnings: self.list(Self::beginning),
        };
        let told = self.list(Self::told);
        let last_voiced = self.some(|r| r.voiced(machine.plan.as_ref()));
        let reread = self.some(|r| Reread {
            from: r.instant(),
            fact: Arc::new(r.fact(None)),
        });
        TicketState {
            facts,
            evaluated,
            fold,
            machine,
            ledger,
            told,
            last_voiced,
            reread,
        }
    }

    fn fact(&mut self, source: Option<&Text>) -> Fact {
        let occurred_at = self.delta();
        if self.instants.len() < INSTANTS_MAX {
            self.instants.push(occurred_at);
        }
        Fact {
            occurred_at,
            version: self.some(|r| r.bits.signed()),
            event_id: self.some(Self::text),
            record_hash: self.hash(),
            source: self.unless_same(source, Self::text),
            created: self.bits.flag(),
            changes: self.list(Self::change),
            activities: self.list(Self::activity),
        }
    }

    fn change(&mut self) -> Change {
        let number = self.bits.bits(FIELD_BITS);
        if let Some(field) = TextField::ALL.get(number as usize) {
            return Change::Text(*field, self.some(Self::text));
        }
        match Field::of(number) {
            Field::Severity => Change::Number(NumberField::Severity, self.some(Self::double)),
            Field::Satisfaction => {
                Change::Number(NumberField::Satisfaction, self.some(Self::double))
            }
            Field::Tags => Change::Tags(self.list(Self::text)),
            Field::Label => Change::Label(self.text(), self.some(Self::text)),
            Field::Labels => Change::ClearLabels,
        }
    }

    fn activity(&mut self) -> Activity {
        Activity {
            kind: ActivityKind::ALL[self.bits.bits(3) as usize],
            actor: self.some(Self::text),
            level: self.some(|r| r.bits.signed()),
            until: self.some(Self::instant),
            note: self.some(Self::text),
        }
    }

    fn fold(&mut self) -> Fold {
        Fold {
            key: FactKey {
                occurred_at: self.instant(),
                version: self.some(|r| r.bits.signed()),
                event_id: self.some(Self::text),
                record_hash: self.hash(),
            },
            machine: self.machine(None, &[]),
        }
    }

    fn machine(&mut self, base: Option<&Arc<Ticket>>, facts: &[Arc<Fact>]) -> Machine {
        let ticket = if self.bits.flag() {
            made_of(base, facts)
        } else {
            Arc::new(self.ticket())
        };
        let source = facts.last().map(|fact| &fact.source);
        let source = self.unless_same(source, Self::text);
        let created_at = self.some(Self::instant);
        let is_partial = self.bits.flag();
        let has_begun = self.bits.flag();
        let category = StatusCategory::ALL[self.bits.bits(3).min(6) as usize];
        let counts = if self.bits.flag() {
            [(); 4].map(|()| self.number())
        } else {
            [0; 4]
        };
        let [
            reopen_count,
            reassignment_count,
            customer_reply_count,
            escalations,
        ] = counts;
        Machine {
            ticket,
            source,
            created_at,
            is_partial,
            has_begun,
            category,
            reopen_count,
            reassignment_count,
            customer_reply_count,
            last_agent_reply: self.some(Self::instant),
            last_customer_reply: self.some(Self::instant),
            last_fact_at: self.instant(),
            last_due_at: self.instant(),
            plan: self.some(Self::plan),
            edited_at: self.instant(),
            kept: self.some(Self::text),
            restarts: self.list(Self::instant),
            clocks: self.list(Self::clock),
            fired: self.list(Self::fired),
            holds: self.list(Self::hold),
            escalations,
            escalation: self.some(Self::escalation),
            done_at: self.some(Self::instant),
        }
    }

    fn ticket(&mut self) -> Ticket {
        let mut ticket = Ticket::default();
        for field in TextField::ALL {
            if let Some(text) = self.some(Self::text) {
                ticket.merge(&[Change::Text(field, Some(text))]);
            }
        }
        ticket.severity = self.some(Self::double);
        ticket.satisfaction = self.some(Self::double);
        ticket.tags = self.list(Self::text);
        for _ in 0..self.count() {
            let name = self.text();
            ticket.labels.insert(name, self.text());
        }
        ticket
    }

    fn clock(&mut self) -> Clock {
        Clock {
            timeframe: self.text(),
            cycle: self.number(),
            is_answered: self.bits.flag(),
            watch: self.some(Self::stopwatch),
        }
    }

    fn stopwatch(&mut self) -> Stopwatch {
        Stopwatch {
            started_at: self.instant(),
            summed_to: self.instant(),
            counted: Duration::from_millis(self.bits.signed()),
            paused: Duration::from_millis(self.bits.signed()),
            gaps: self.list(Self::gap),
            motion: match self.bits.bits(2) {
                0 => Motion::Running,
                1 => Motion::Paused {
                    since: self.instant(),
                },
                done => Motion::Stopped {
                    at: self.instant(),
                    done: done == 3,
                },
            },
        }
    }

    fn gap(&mut self) -> Gap {
        Gap {
            from: self.instant(),
            to: self.instant(),
            closed: self.bits.flag(),
        }
    }

    fn fired(&mut self) -> Fired {
        Fired {
            timeframe: self.text(),
            cycle: self.number(),
            mark: self.text(),
            at: self.instant(),
        }
    }

    fn hold(&mut self) -> Hold {
        Hold {
            trigger: self.text(),
            since: self.some(Self::instant),
            has_fired: self.bits.flag(),
            cycle: self.number(),
        }
    }

    fn escalation(&mut self) -> Escalation {
        Escalation {
            begun_at: self.instant(),
            level: self.number(),
            announced_level: self.number(),
            highest_level: self.number(),
            nature: self.nature(),
            waits: self.stopwatch(),
            repeats_sent: self.number(),
            acknowledgement: self.some(Self::acknowledgement),
            begun_by: self.identity(),
            updated_at: self.instant(),
            is_overdue: self.bits.flag(),
        }
    }

    fn acknowledgement(&mut self) -> Acknowledgement {
        Acknowledgement {
            anchor: Anchor {
                at: self.instant(),
                fact: self.hash(),
            },
            watch: self.stopwatch(),
            until: self.some(Self::instant),
        }
    }

    fn entry(&mut self) -> Entry {
        Entry {
            identity: self.identity(),
            kind: EscalatedType::ALL[self.bits.bits(3).min(6) as usize],
            level: self.number(),
            decided_at: self.instant(),
            is_taken_back: self.bits.flag(),
            is_correction: self.bits.flag(),
        }
    }

    fn beginning(&mut self) -> Beginning {
        Beginning {
            identity: self.identity(),
            ordinal: self.number(),
            updated: self.some(Self::instant),
        }
    }

    fn told(&mut self) -> Told {
        Told {
            listener: Listener {
                to: self.text(),
                kind: self.text(),
                channel: self.text(),
            },
            level: self.number(),
        }
    }

    fn voiced(&mut self, plan: Option<&PlanRef>) -> Voiced {
        Voiced {
            plan: self.unless_same(plan, Self::plan),
            escalation: self.number(),
            nature: self.nature(),
            level: self.number(),
            moved_at: self.instant(),
        }
    }

    fn plan(&mut self) -> PlanRef {
        PlanRef {
            name: self.text(),
            revision: self.text(),
        }
    }

    fn nature(&mut self) -> Nature {
        match self.bits.flag() {
            false => Nature::Problem,
            true => Nature::Opportunity,
        }
    }

    fn identity(&mut self) -> Identity {
        if !self.bits.flag() {
            self.bits.fixed(&mut self.identity.0);
        }
        self.identity
    }

    fn instant(&mut self) -> Timestamp {
        match When::of(self.bits.bits(2)) {
            When::Last => self.last,
            When::Never => Timestamp::MIN,
            When::OfFact => {
                let place = self.count();
                self.last = self.instants.get(place).copied().unwrap_or(self.last);
                self.last
            }
            When::Other => self.delta(),
        }
    }

    fn delta(&mut self) -> Timestamp {
        let unit = if self.bits.flag() { 1_000 } else { 1 };
        let ms = self.bits.signed().wrapping_mul(unit);
        self.last = Timestamp::from_millis(self.last.as_millis().wrapping_add(ms));
        self.last
    }

    fn text(&mut self) -> Text {
        match TextForm::of(self.bits.bits(2)) {
            TextForm::Numbered => {
                let prefix = self.text();
                Numbered {
                    prefix: &prefix,
                    number: self.bits.wide(),
                }
                .text()
            }
            TextForm::Uuid => {
                let mut uuid = [0; 16];
                self.bits.fixed(&mut uuid);
                super::uuid_text(uuid)
            }
            TextForm::Word => {
                let length = self.bits.bits(4);
                let number = match length {
                    0 => 0,
                    length => self.bits.bits(length - 1) | 1 << (length - 1),
                };
                self.words.word(number as u16)
            }
            TextForm::Bytes => {
                let mut bytes = vec![0; self.count()];
                self.bits.fixed(&mut bytes);
                String::from_utf8(bytes).unwrap_or_default().into()
            }
        }
    }

    fn hash(&mut self) -> i64 {
        self.bits.long_bits(64).cast_signed()
    }

    fn double(&mut self) -> f64 {
        f64::from_bits(self.bits.long_bits(64))
    }

    fn number(&mut self) -> u32 {
        self.bits.small() as u32
    }

    fn count(&mut self) -> usize {
        self.bits.small() as usize
    }

    fn some<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.bits.flag().then(|| read(self))
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        if !self.bits.flag() {
            return Vec::new();
        }
        let count = self.count() + 1;
        (0..count).map(|_| read(self)).collect()
    }

    fn unless_same<T: Clone>(&mut self, known: Option<&T>, read: impl FnOnce(&mut Self) -> T) -> T {
        match (self.bits.flag(), known) {
            (true, Some(known)) => known.clone(),
            (true, None) | (false, _) => read(self),
        }
    }
}

/// What the changes of facts make of a ticket.
fn made_of(base: Option<&Arc<Ticket>>, facts: &[Arc<Fact>]) -> Arc<Ticket> {
    let mut ticket = base.cloned().unwrap_or_default();
    if !facts.is_empty() {
        let made = Arc::make_mut(&mut ticket);
        for fact in facts {
            made.merge(&fact.changes);
        }
    }
    ticket
}
