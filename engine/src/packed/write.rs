//! Writing a state; `read.rs` is its mirror.

mod facts;

use std::sync::Arc;

use super::binary::put_long;
use super::union::{change, instant, motion};
use super::words::{Named, USED_MAX, Words};
use crate::clock::Clock;
use crate::decision::Identity;
use crate::emission::Told;
use crate::facts::Facts;
use crate::ladder::{Acknowledgement, Escalation};
use crate::ledger::{Beginning, Entry, Ledger};
use crate::machine::{Fired, Hold, Machine};
use crate::rules::PlanRef;
use crate::stopwatch::{Gap, Motion, Stopwatch};
use crate::ticket::{OwnFields, Text, Ticket};
use crate::ticket_state::{Fold, TicketState, Voiced};
use crate::time::{Duration, Timestamp};

/// A state that names more words has its facts written anew, for some of the words may be those of
/// facts that it no longer has.
const USED_KEPT: usize = USED_MAX / 2;

/// What is used again for the next state.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    named: Named,
    body: Vec<u8>,
}

/// Writes one state, or one fact of it.
struct Writer<'a> {
    body: &'a mut Vec<u8>,
    named: &'a mut Named,
    words: &'a mut Words,
    owner: u32,
    /// The facts, whose instants are referred to by number; none while they are written themselves,
    /// for their numbers change.
    facts: &'a Facts,
    /// The instant that was written last.
    last: Timestamp,
    /// The identity that was written last.
    identity: Identity,
}

/// Writes a state behind bytes that are there already.
pub(super) fn state(
    state: &TicketState,
    bytes: &mut Vec<u8>,
    words: &mut Words,
    scratch: &mut Scratch,
    owner: u32,
) {
    let Scratch { named, body } = scratch;
    body.clear();
    let first = state.facts.at(0).unwrap_or(Timestamp::from_millis(0));
    put_long(body, first.as_millis());
    let table = Arc::clone(words.table());
    let sealed = state.facts.sealed_front();
    let sealed = sealed.and_then(|it| Some((it.len(), it.bytes(&table)?)));
    let sealed = sealed.filter(|(_, (used, _))| used.len() <= USED_KEPT);
    named.reset(sealed.iter().flat_map(|(_, (used, _))| used.numbers()));
    let begin = sealed.map_or(0, |(count, (_, facts))| {
        body.extend_from_slice(facts);
        count
    });
    let mut writer = Writer {
        body,
        named,
        words,
        owner,
        facts: Facts::none(),
        last: first,
        identity: Identity([0; 16]),
    };
    let source = state.facts.source();
    for place in begin..state.facts.len() {
        writer.fact_of(&state.facts, place, source);
    }
    put_long(writer.body, 0);
    writer.facts = &state.facts;
    writer.last = first;
    writer.head(state, source);
    let numbers = named.numbers();
    bytes.reserve_exact(1 + 2 * numbers.len() + body.len());
    bytes.push(numbers.len() as u8);
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(body);
}

/// Whether something has happened to a ticket beside its fields and clocks.
fn has_course(machine: &Machine) -> bool {
    let Machine {
        last_agent_reply,
        last_customer_reply,
        kept,
        escalation,
        done_at,
        ..
    } = machine;
    let instants = [last_agent_reply, last_customer_reply, done_at];
    instants.iter().any(|at| at.is_some())
        || machine.last_due_at != Timestamp::MIN
        || machine.edited_at != Timestamp::MIN
        || kept.is_some()
        || escalation.is_some()
        || !(machine.restarts.is_empty() && machine.fired.is_empty() && machine.holds.is_empty())
}

/// A value, unless it is the one that is known.
fn own<'v, T: PartialEq + ?Sized>(value: &'v T, known: Option<&T>) -> Option<&'v T> {
    (known != Some(value)).then_some(value)
}

impl Writer<'_> {
    /// Everything but the facts.
    fn head(&mut self, state: &TicketState, source: Option<&Text>) {
        self.count(state.facts.bytes());
        self.count(state.facts.len() - state.evaluated.min(state.facts.len()));
        // Of one that is not named nothing is kept.
        self.maybe_text(source.filter(|source| !source.is_empty()));
        self.some(state.fold.as_deref(), |w, fold| w.fold(fold, source));
        match &state.fold {
            Some(fold) => self.machine(&state.machine, source, || Arc::clone(&fold.machine.ticket)),
            None => self.machine(&state.machine, source, || Arc::new(state.facts.origin())),
        }
        let has_emitted = state.last_voiced.is_some()
            || state.ledger != Ledger::default()
            || !state.told.is_empty();
        self.some(has_emitted.then_some(state), Self::emitted);
        self.some(state.reread.as_ref(), |w, reread| {
            w.instant(reread.from);
            w.instant(reread.fact.occurred_at);
            w.fact(&reread.fact, 0, None);
        });
    }

    fn emitted(&mut self, state: &TicketState) {
        self.list(&state.ledger.entries, Self::entry);
        self.list(&state.ledger.beginnings, Self::beginning);
        self.list(&state.told, Self::told);
        self.some(state.last_voiced.as_ref(), |w, voiced| {
            w.voiced(voiced, state.machine.plan.as_ref());
        });
    }

    fn fold(&mut self, fold: &Fold, source: Option<&Text>) {
        self.instant(fold.key.occurred_at);
        self.some(fold.key.version, Self::long);
        self.maybe_text(fold.key.event_id.as_ref());
        self.long(fold.key.record_hash);
        self.machine(&fold.machine, source, Arc::default);
        self.list(&fold.entries, |w, entered| {
            w.long(entered.category as i64);
            w.instant(entered.at);
        });
    }

    fn machine(
        &mut self,
        machine: &Machine,
        source: Option<&Text>,
        base: impl FnOnce() -> Arc<Ticket>,
    ) {
        self.ticket(machine, base);
        self.maybe_text(own(&machine.source, source));
        self.maybe_instant(machine.created_at);
        self.flag(machine.is_partial);
        self.flag(machine.has_begun);
        self.long(machine.category as i64);
        let counts = [
            machine.reopen_count,
            machine.reassignment_count,
            machine.customer_reply_count,
            machine.escalations,
        ];
        let is_any = counts.iter().any(|count| *count > 0);
        self.some(is_any.then_some(counts), |w, counts| {
            for count in counts {
                w.number(count);
            }
        });
        self.instant(machine.last_fact_at);
        self.some(machine.plan.as_ref(), Self::plan);
        self.list(&machine.clocks, Self::clock);
        self.some(has_course(machine).then_some(machine), Self::course);
    }

    fn course(&mut self, machine: &Machine) {
        self.maybe_instant(machine.last_agent_reply);
        self.maybe_instant(machine.last_customer_reply);
        self.instant(machine.last_due_at);
        self.instant(machine.edited_at);
        self.maybe_text(machine.kept.as_ref());
        self.list(&machine.restarts, |w, at| w.instant(*at));
        self.list(&machine.fired, Self::fired);
        self.list(&machine.holds, Self::hold);
        self.some(machine.escalation.as_ref(), Self::escalation);
        self.maybe_instant(machine.done_at);
    }

    /// What makes its ticket of another one.
    fn ticket(&mut self, machine: &Machine, base: impl FnOnce() -> Arc<Ticket>) {
        let Machine { ticket, own, .. } = machine;
        let own = if own.are_unknown() {
            OwnFields::between(ticket, &base())
        } else {
            *own
        };
        let labels = own.has_labels().then_some(&ticket.labels);
        let count = own.texts().count()
            + own.numbers().count()
            + usize::from(own.has_tags())
            + labels.map_or(0, |labels| 1 + labels.len());
        if count > 0 {
            self.count(count);
        }
        for field in own.texts() {
            self.text_change(field, ticket.text(field));
        }
        for field in own.numbers() {
            self.number_change(field, ticket.number(field));
        }
        if own.has_tags() {
            self.tags_change(&ticket.tags);
        }
        if let Some(labels) = labels {
            self.long(change::NO_LABELS);
            for (name, value) in labels {
                self.label_change(name, Some(value));
            }
        }
        self.long(0);
    }

    fn clock(&mut self, clock: &Clock) {
        self.text(&clock.timeframe);
        self.number(clock.cycle);
        self.flag(clock.is_answered);
        self.some(clock.watch.as_ref(), Self::stopwatch);
    }

    fn stopwatch(&mut self, watch: &Stopwatch) {
        self.instant(watch.started_at);
        self.instant(watch.summed_to);
        let zero = Duration::from_millis(0);
        let has_sums = watch.counted != zero || watch.paused != zero || !watch.gaps.is_empty();
        self.some(has_sums.then_some(watch), |w, watch| {
            w.long(watch.counted.as_millis());
            w.long(watch.paused.as_millis());
            w.list(&watch.gaps, Self::gap);
        });
        match watch.motion {
            Motion::Running => self.long(motion::RUNNING),
            Motion::Paused { since } => {
                self.long(motion::PAUSED);
                self.instant(since);
            }
            Motion::Stopped { at, done } => {
                self.long(motion::STOPPED);
                self.instant(at);
                self.flag(done);
            }
        }
    }

    fn gap(&mut self, gap: &Gap) {
        self.instant(gap.from);
        self.instant(gap.to);
        self.flag(gap.closed);
    }

    fn fired(&mut self, fired: &Fired) {
        self.text(&fired.timeframe);
        self.number(fired.cycle);
        self.text(&fired.mark);
        self.instant(fired.at);
    }

    fn hold(&mut self, hold: &Hold) {
        self.text(&hold.trigger);
        self.maybe_instant(hold.since);
        self.flag(hold.has_fired);
        self.number(hold.cycle);
    }

    fn escalation(&mut self, escalation: &Escalation) {
        self.instant(escalation.begun_at);
        self.number(escalation.level);
        self.number(escalation.announced_level);
        self.number(escalation.highest_level);
        self.long(escalation.nature as i64);
        self.stopwatch(&escalation.waits);
        self.number(escalation.repeats_sent);
        self.some(escalation.acknowledgement.as_ref(), Self::acknowledgement);
        self.identity(escalation.begun_by);
        self.instant(escalation.updated_at);
        self.flag(escalation.is_overdue);
    }

    fn acknowledgement(&mut self, acknowledgement: &Acknowledgement) {
        self.instant(acknowledgement.anchor.at);
        self.long(acknowledgement.anchor.fact);
        self.stopwatch(&acknowledgement.watch);
        self.maybe_instant(acknowledgement.until);
    }

    fn entry(&mut self, entry: &Entry) {
        self.identity(entry.identity);
        self.long(entry.kind as i64);
        self.number(entry.level);
        self.instant(entry.decided_at);
        self.flag(entry.is_taken_back);
        self.flag(entry.is_correction);
    }

    fn beginning(&mut self, beginning: &Beginning) {
        self.identity(beginning.identity);
        self.number(beginning.ordinal);
        self.maybe_instant(beginning.updated);
    }

    fn told(&mut self, told: &Told) {
        self.text(&told.listener.to);
        self.text(&told.listener.kind);
        self.text(&told.listener.channel);
        self.number(told.level);
    }

    fn voiced(&mut self, voiced: &Voiced, plan: Option<&PlanRef>) {
        self.some(own(&voiced.plan, plan), Self::plan);
        self.number(voiced.escalation);
        self.long(voiced.nature as i64);
        self.number(voiced.level);
    }

    fn plan(&mut self, plan: &PlanRef) {
        self.text(&plan.name);
        self.text(&plan.revision);
    }

    fn identity(&mut self, identity: Identity) {
        let is_other = identity != self.identity;
        self.some(is_other.then_some(identity), |w, identity| {
            w.identity = identity;
            w.body.extend_from_slice(&identity.0);
        });
    }

    fn instant(&mut self, at: Timestamp) {
        self.maybe_instant((at != Timestamp::MIN).then_some(at));
    }

    fn maybe_instant(&mut self, at: Option<Timestamp>) {
        let Some(at) = at else {
            return self.long(instant::NONE);
        };
        if at == self.last {
            return self.long(instant::SAME);
        }
        if let Some(place) = self.facts.place_at(at) {
            self.long(instant::OF_FACT);
            self.count(place);
        } else {
            self.long(instant::AFTER);
            self.long(at.as_millis().wrapping_sub(self.last.as_millis()));
        }
        self.last = at;
    }

    fn double(&mut self, value: f64) {
        self.body.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    fn long(&mut self, value: i64) {
        put_long(self.body, value);
    }

    #[inline]
    fn flag(&mut self, value: bool) {
        self.body.push(u8::from(value));
    }

    #[inline]
    fn number(&mut self, value: u32) {
        self.long(value.into());
    }

    #[inline]
    fn count(&mut self, value: usize) {
        self.long(value as i64);
    }

    #[inline]
    fn some<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.long(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<'i, T>(&mut self, items: &'i [T], mut write: impl FnMut(&mut Self, &'i T)) {
        if !items.is_empty() {
            self.count(items.len());
            for item in items {
                write(self, item);
            }
        }
        self.long(0);
    }
}
