//! Reading a state; `write.rs` is its mirror.

mod facts;

use std::sync::Arc;

use super::binary::Bytes;
use super::sealed::{Parts, Place, Sealed};
use super::union::{instant, motion};
use super::words::{Table, Used};
use crate::clock::Clock;
use crate::decision::{Anchor, Identity, Listener};
use crate::effect::EscalatedType;
use crate::emission::Told;
use crate::fact::FactKey;
use crate::facts::Facts;
use crate::ladder::{Acknowledgement, Escalation};
use crate::ledger::{Beginning, Entry, Ledger};
use crate::machine::{Fired, Hold, Machine};
use crate::moment::Entered;
use crate::plan::Nature;
use crate::rules::PlanRef;
use crate::status::StatusCategory;
use crate::stopwatch::{Gap, Motion, Stopwatch};
use crate::ticket::{OwnFields, Text, Ticket};
use crate::ticket_state::{Fold, Reread, TicketState, Voiced};
use crate::time::{Duration, Timestamp};

/// Reads one state, or one fact of it.
pub(super) struct Reader<'a> {
    bytes: Bytes<'a>,
    used: Used<'a>,
    /// The facts, whose instants are referred to by number.
    places: &'a [Place],
    last: Timestamp,
    identity: Identity,
    form: Form,
}

/// In which form a state was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In that of this release.
    Present,
    /// In that of the schema before: it told when the level was moved that subscribers see, and of a
    /// fold no entries; and it had each of what nothing has happened to.
    Former,
}

/// The state that was packed into these bytes, and whether it is one to the last of them. Its facts
/// are not looked at.
pub(super) fn state(packed: &[u8], table: &Arc<Table>, form: Form) -> (TicketState, bool) {
    let parts = Parts::of(packed, table);
    let mut reader = Reader {
        form,
        ..Reader::new(parts.head.clone(), parts.used, Timestamp::from_millis(0))
    };
    let size = reader.bytes.count();
    let unevaluated = reader.bytes.count();
    let source = reader.maybe_part();
    let sealed = parts.seal(table, source.unwrap_or_default());
    reader.places = sealed.as_ref().map_or(&[], Sealed::places);
    reader.last = reader.places.first().map_or(reader.last, |place| place.at);
    let count = reader.places.len();
    let evaluated = count.checked_sub(unevaluated).unwrap_or_else(|| {
        reader.bytes.break_off();
        0
    });
    let source = sealed.as_ref().map(Sealed::source);
    let fold = reader.some(|r| Box::new(r.fold(source)));
    let base = match (&fold, &sealed) {
        (Some(fold), _) => Arc::clone(&fold.machine.ticket),
        (None, Some(sealed)) => Arc::new(sealed.origin()),
        (None, None) => Arc::default(),
    };
    let machine = reader.machine(base, source);
    let emitted = reader.group(|r| r.emitted(machine.plan.as_ref()));
    let (ledger, told, last_voiced) = emitted.unwrap_or_default();
    let reread = reader.some(|r| Reread {
        from: r.instant(),
        fact: {
            let at = r.instant();
            r.bytes.fixed::<1>();
            r.bytes.long();
            Arc::new(r.fact(at, None))
        },
    });
    let is_whole = reader.is_at_end();
    let state = TicketState {
        facts: Facts::sealed(sealed, size),
        evaluated,
        fold,
        machine,
        ledger,
        told,
        last_voiced,
        reread,
    };
    (state, is_whole)
}

impl<'a> Reader<'a> {
    /// A reader of bytes behind an instant.
    pub(super) const fn new(bytes: Bytes<'a>, used: Used<'a>, last: Timestamp) -> Self {
        Self {
            bytes,
            used,
            places: &[],
            last,
            identity: Identity([0; 16]),
            form: Form::Present,
        }
    }

    /// Whether everything was read, and was what it had to be.
    pub(super) const fn is_at_end(&self) -> bool {
        !self.bytes.is_broken() && self.bytes.rest().is_empty()
    }

    fn emitted(&mut self, plan: Option<&PlanRef>) -> (Ledger, Vec<Told>, Option<Voiced>) {
        let ledger = Ledger {
            entries: self.list(Reader::entry),
            beginnings: self.list(Reader::beginning),
        };
        let told = self.list(Reader::told);
        (ledger, told, self.some(|r| r.voiced(plan)))
    }

    fn fold(&mut self, source: Option<&Text>) -> Fold {
        Fold {
            key: FactKey {
                occurred_at: self.instant(),
                version: self.some(|r| r.bytes.long()),
                event_id: self.maybe_part(),
                record_hash: self.bytes.long(),
            },
            machine: self.machine(Arc::default(), source),
            entries: self.entries(),
        }
    }

    fn entries(&mut self) -> Vec<Entered> {
        match self.form {
            Form::Former => Vec::new(),
            Form::Present => self.list(|r| Entered {
                category: r.one_of(&StatusCategory::ALL),
                at: r.instant(),
            }),
        }
    }

    fn machine(&mut self, base: Arc<Ticket>, source: Option<&Text>) -> Machine {
        let (ticket, own) = self.ticket(base);
        let own_source = self.maybe_part();
        let source = own_source.or_else(|| source.cloned()).unwrap_or_default();
        let created_at = self.maybe_instant();
        let is_partial = self.bytes.flag();
        let has_begun = self.bytes.flag();
        let category = self.one_of(&StatusCategory::ALL);
        let counts = self.some(|r| [(); 4].map(|()| r.number()));
        let [
            reopen_count,
            reassignment_count,
            customer_reply_count,
            escalations,
        ] = counts.unwrap_or_default();
        let mut machine = Machine {
            ticket,
            own,
            source,
            created_at,
            is_partial,
            has_begun,
            category,
            reopen_count,
            reassignment_count,
            customer_reply_count,
            escalations,
            ..Machine::new()
        };
        if self.form == Form::Former {
            machine.last_agent_reply = self.maybe_instant();
            machine.last_customer_reply = self.maybe_instant();
            machine.last_fact_at = self.instant();
            machine.last_due_at = self.instant();
            machine.plan = self.some(Self::plan);
            machine.edited_at = self.instant();
            machine.kept = self.maybe_part();
            machine.restarts = self.list(Self::instant);
            machine.clocks = self.list(Self::clock);
            self.end_of_course(&mut machine);
        } else {
            machine.last_fact_at = self.instant();
            machine.plan = self.some(Self::plan);
            machine.clocks = self.list(Self::clock);
            self.some(|r| r.course(&mut machine));
        }
        machine
    }

    fn course(&mut self, machine: &mut Machine) {
        machine.last_agent_reply = self.maybe_instant();
        machine.last_customer_reply = self.maybe_instant();
        machine.last_due_at = self.instant();
        machine.edited_at = self.instant();
        machine.kept = self.maybe_part();
        machine.restarts = self.list(Self::instant);
        self.end_of_course(machine);
    }

    fn end_of_course(&mut self, machine: &mut Machine) {
        machine.fired = self.list(Self::fired);
        machine.holds = self.list(Self::hold);
        machine.escalation = self.some(Self::escalation);
        machine.done_at = self.maybe_instant();
    }

    /// What a ticket has beside the fields of another one, and which fields these are.
    fn ticket(&mut self, mut ticket: Arc<Ticket>) -> (Arc<Ticket>, OwnFields) {
        let mut own = OwnFields::NONE;
        self.each(|r| r.take_change(Arc::make_mut(&mut ticket), &mut own));
        (ticket, own)
    }

    fn clock(&mut self) -> Clock {
        Clock {
            timeframe: self.part(),
            cycle: self.number(),
            is_answered: self.bytes.flag(),
            watch: self.some(Self::stopwatch),
        }
    }

    fn stopwatch(&mut self) -> Stopwatch {
        let (started_at, summed_to) = (self.instant(), self.instant());
        let sums = self.group(Self::sums);
        let (counted, paused, gaps) = sums.unwrap_or_default();
        Stopwatch {
            started_at,
            summed_to,
            counted,
            paused,
            gaps,
            motion: match self.bytes.long() {
                motion::RUNNING => Motion::Running,
                motion::PAUSED => Motion::Paused {
                    since: self.instant(),
                },
                motion::STOPPED => Motion::Stopped {
                    at: self.instant(),
                    done: self.bytes.flag(),
                },
                _ => {
                    self.bytes.break_off();
                    Motion::Running
                }
            },
        }
    }

    fn sums(&mut self) -> (Duration, Duration, Vec<Gap>) {
        let [counted, paused] = [(); 2].map(|()| Duration::from_millis(self.bytes.long()));
        (counted, paused, self.list(Self::gap))
    }

    fn gap(&mut self) -> Gap {
        Gap {
            from: self.instant(),
            to: self.instant(),
            closed: self.bytes.flag(),
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
            since: self.maybe_instant(),
            has_fired: self.bytes.flag(),
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
            is_overdue: self.bytes.flag(),
        }
    }

    fn acknowledgement(&mut self) -> Acknowledgement {
        Acknowledgement {
            anchor: Anchor {
                at: self.instant(),
                fact: self.bytes.long(),
            },
            watch: self.stopwatch(),
            until: self.maybe_instant(),
        }
    }

    fn entry(&mut self) -> Entry {
        Entry {
            identity: self.identity(),
            kind: self.one_of(&EscalatedType::ALL),
            level: self.number(),
            decided_at: self.instant(),
            is_taken_back: self.bytes.flag(),
            is_correction: self.bytes.flag(),
        }
    }

    fn beginning(&mut self) -> Beginning {
        Beginning {
            identity: self.identity(),
            ordinal: self.number(),
            updated: self.maybe_instant(),
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
        let own_plan = self.some(Self::plan);
        Voiced {
            plan: own_plan.or_else(|| plan.cloned()).unwrap_or_else(|| {
                self.bytes.break_off();
                PlanRef {
                    name: Text::default(),
                    revision: Text::default(),
                }
            }),
            escalation: self.number(),
            nature: self.nature(),
            level: {
                let level = self.number();
                if self.form == Form::Former {
                    // When it was moved there.
                    self.instant();
                }
                level
            },
        }
    }

    fn plan(&mut self) -> PlanRef {
        PlanRef {
            name: self.part(),
            revision: self.part(),
        }
    }

    fn nature(&mut self) -> Nature {
        self.one_of(&[Nature::Problem, Nature::Opportunity])
    }

    fn identity(&mut self) -> Identity {
        if let Some(identity) = self.some(|r| r.bytes.fixed()) {
            self.identity = Identity(identity);
        }
        self.identity
    }

    /// An instant; far in the past, where there is none.
    fn instant(&mut self) -> Timestamp {
        self.maybe_instant().unwrap_or(Timestamp::MIN)
    }

    fn maybe_instant(&mut self) -> Option<Timestamp> {
        match self.bytes.long() {
            instant::NONE => return None,
            instant::SAME => {}
            instant::OF_FACT => {
                let place = self.bytes.count();
                match self.places.get(place) {
                    Some(place) => self.last = place.at,
                    None => self.bytes.break_off(),
                }
            }
            instant::AFTER => {
                let ms = self.last.as_millis().wrapping_add(self.bytes.long());
                self.last = Timestamp::from_millis(ms);
            }
            _ => self.bytes.break_off(),
        }
        Some(self.last)
    }

    #[inline]
    fn double(&mut self) -> f64 {
        f64::from_le_bytes(self.bytes.fixed())
    }

    #[inline]
    fn number(&mut self) -> u32 {
        self.bytes.whole()
    }

    /// One of those that are told apart by number.
    #[inline]
    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let number = self.bytes.count();
        all.get(number).copied().unwrap_or_else(|| {
            self.bytes.break_off();
            all[0]
        })
    }

    #[inline]
    fn some<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match self.bytes.long() {
            0 => None,
            1 => Some(read(self)),
            _ => {
                self.bytes.break_off();
                None
            }
        }
    }

    /// What is there together or not at all; in the former form it always is.
    #[inline]
    fn group<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match self.form {
            Form::Former => Some(read(self)),
            Form::Present => self.some(read),
        }
    }

    #[inline]
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        self.each(|r| items.push(read(r)));
        items
    }

    /// Has all items of an array read.
    #[inline]
    fn each<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) {
        while let Some(count) = self.bytes.block() {
            for _ in 0..count {
                read(self);
                if self.bytes.is_broken() {
                    return;
                }
            }
        }
    }
}
