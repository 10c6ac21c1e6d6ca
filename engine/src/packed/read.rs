//! Reading a state; `write.rs` is its mirror.

mod facts;

use std::sync::Arc;

use super::When;
use super::bits::BitReader;
use super::sealed::{Parts, Place, Sealed};
use super::words::Table;
use crate::clock::Clock;
use crate::decision::{Anchor, Identity, Listener};
use crate::effect::EscalatedType;
use crate::emission::Told;
use crate::fact::FactKey;
use crate::facts::Facts;
use crate::ladder::{Acknowledgement, Escalation};
use crate::ledger::{Beginning, Entry, Ledger};
use crate::machine::{Fired, Hold, Machine};
use crate::plan::Nature;
use crate::rules::PlanRef;
use crate::status::StatusCategory;
use crate::stopwatch::{Gap, Motion, Stopwatch};
use crate::ticket::{Change, Text, TextField, Ticket};
use crate::ticket_state::{Fold, Reread, TicketState, Voiced};
use crate::time::{Duration, Timestamp};

/// Reads one state, or one fact of it.
pub(super) struct Reader<'a> {
    bits: BitReader<'a>,
    table: &'a Table,
    /// The facts, whose instants are referred to by number.
    places: &'a [Place],
    last: Timestamp,
    identity: Identity,
}

/// The state that was packed into these bytes.
pub(super) fn state(bytes: &[u8], table: &Arc<Table>) -> TicketState {
    let parts = Parts::of(bytes);
    let mut reader = Reader::new(parts.head, table);
    let (mut source, mut size) = (Text::default(), 0);
    if !parts.is_empty() {
        source = reader.part();
        size = reader.bits.wide() as usize;
    }
    let mut sealed = parts.seal(table, source);
    reader.places = sealed.as_ref().map_or(&[], Sealed::places);
    reader.last = reader.places.first().map_or(reader.last, |place| place.at);
    let count = reader.places.len();
    let evaluated = count - reader.count().min(count);
    let source = sealed.as_ref().map(Sealed::source);
    let fold = reader.some(|r| Box::new(r.fold(source)));
    let origin = match (&fold, &sealed) {
        (Some(fold), _) => Arc::clone(&fold.machine.ticket),
        (None, Some(sealed)) => sealed.make_origin(),
        (None, None) => Arc::default(),
    };
    let machine = reader.machine(&origin, source);
    let ledger = Ledger {
        entries: reader.list(Reader::entry),
        beginnings: reader.list(Reader::beginning),
    };
    let told = reader.list(Reader::told);
    let last_voiced = reader.some(|r| r.voiced(machine.plan.as_ref()));
    let reread = reader.some(|r| Reread {
        from: r.instant(),
        fact: {
            let at = r.instant();
            Arc::new(r.fact(at, None))
        },
    });
    if let (Some(sealed), None) = (&mut sealed, &fold) {
        sealed.set_origin(origin);
    }
    TicketState {
        facts: Facts::sealed(sealed, size),
        evaluated,
        fold,
        machine,
        ledger,
        told,
        last_voiced,
        reread,
    }
}

impl<'a> Reader<'a> {
    const fn new(bytes: &'a [u8], table: &'a Table) -> Self {
        Self {
            bits: BitReader::new(bytes),
            table,
            places: &[],
            last: Timestamp::from_millis(0),
            identity: Identity([0; 16]),
        }
    }

    fn fold(&mut self, source: Option<&Text>) -> Fold {
        Fold {
            key: FactKey {
                occurred_at: self.instant(),
                version: self.some(|r| r.bits.signed()),
                event_id: self.some(Self::part),
                record_hash: self.hash(),
            },
            machine: self.machine(&Arc::default(), source),
        }
    }

    fn machine(&mut self, base: &Arc<Ticket>, source: Option<&Text>) -> Machine {
        let ticket = self.ticket(base);
        let source = self.unless_same(source, Self::part);
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
            kept: self.some(Self::part),
            restarts: self.list(Self::instant),
            clocks: self.list(Self::clock),
            fired: self.list(Self::fired),
            holds: self.list(Self::hold),
            escalations,
            escalation: self.some(Self::escalation),
            done_at: self.some(Self::instant),
        }
    }

    /// What a ticket has beside the fields of another one.
    fn ticket(&mut self, base: &Arc<Ticket>) -> Arc<Ticket> {
        if self.bits.flag() {
            return Arc::clone(base);
        }
        let mut ticket = Ticket::clone(base);
        for field in TextField::ALL {
            if !self.bits.flag() {
                let text = self.some(Self::part);
                ticket.take(Change::Text(field, text));
            }
        }
        for number in [&mut ticket.severity, &mut ticket.satisfaction] {
            if !self.bits.flag() {
                *number = self.some(Self::double);
            }
        }
        if !self.bits.flag() {
            ticket.tags = self.list(Self::part);
        }
        if !self.bits.flag() {
            let labels = self.list(|r| (r.part(), r.part()));
            ticket.labels = labels.into_iter().collect();
        }
        Arc::new(ticket)
    }

    fn clock(&mut self) -> Clock {
        Clock {
            timeframe: self.part(),
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
            timeframe: self.part(),
            cycle: self.number(),
            mark: self.part(),
            at: self.instant(),
        }
    }

    fn hold(&mut self) -> Hold {
        Hold {
            trigger: self.part(),
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
                to: self.part(),
                kind: self.part(),
                channel: self.part(),
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
            name: self.part(),
            revision: self.part(),
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
                self.last = self.places.get(place).map_or(self.last, |it| it.at);
                self.last
            }
            When::Other => {
                let ms = self.last.as_millis().wrapping_add(self.bits.delta());
                self.last = Timestamp::from_millis(ms);
                self.last
            }
        }
    }

    #[inline]
    fn hash(&mut self) -> i64 {
        self.bits.long_bits(64).cast_signed()
    }

    fn double(&mut self) -> f64 {
        f64::from_bits(self.bits.long_bits(64))
    }

    fn number(&mut self) -> u32 {
        self.bits.small() as u32
    }

    #[inline]
    fn count(&mut self) -> usize {
        self.bits.small() as usize
    }

    #[inline]
    fn some<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.bits.flag().then(|| read(self))
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.length()).map(|_| read(self)).collect()
    }

    /// How long a list is.
    #[inline]
    fn length(&mut self) -> usize {
        match self.bits.flag() {
            true => self.count() + 1,
            false => 0,
        }
    }

    fn unless_same<T: Clone>(&mut self, known: Option<&T>, read: impl FnOnce(&mut Self) -> T) -> T {
        match (self.bits.flag(), known) {
            (true, Some(known)) => known.clone(),
            (true, None) | (false, _) => read(self),
        }
    }
}
