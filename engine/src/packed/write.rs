//! Writing a state; `read.rs` is its mirror.

mod facts;

use std::sync::Arc;

use super::When;
use super::bits::BitWriter;
use super::sealed::{put_number, unsigned};
use super::words::Words;
use crate::clock::Clock;
use crate::decision::Identity;
use crate::emission::Told;
use crate::facts::Facts;
use crate::ladder::{Acknowledgement, Escalation};
use crate::ledger::{Beginning, Entry};
use crate::machine::{Fired, Hold, Machine};
use crate::rules::PlanRef;
use crate::stopwatch::{Gap, Motion, Stopwatch};
use crate::ticket::{Text, TextField, Ticket};
use crate::ticket_state::{Fold, TicketState, Voiced};
use crate::time::Timestamp;

/// Writes one state, or one fact of it.
struct Writer<'a> {
    bits: BitWriter,
    words: &'a mut Words,
    owner: u32,
    /// The facts, whose instants are referred to by number.
    facts: &'a Facts,
    /// The instant that was written last.
    last: Timestamp,
    /// The identity that was written last.
    identity: Identity,
}

/// Writes a state behind bytes that are there already.
pub(super) fn state(
    state: &TicketState,
    mut bytes: Vec<u8>,
    words: &mut Words,
    owner: u32,
) -> Vec<u8> {
    put_number(&mut bytes, state.facts.len() as u64);
    if let Some(first) = state.facts.at(0) {
        put_number(&mut bytes, unsigned(first.as_millis()));
    }
    let source = state.facts.source();
    let sealed = state.facts.sealed_front();
    let sealed = sealed.and_then(|it| Some((it.len(), it.bytes(words.table())?)));
    let (begin, copied) = sealed.unwrap_or_default();
    bytes.extend_from_slice(copied);
    for place in begin..state.facts.len() {
        let fact = state.facts.fact(place);
        let before = place.checked_sub(1).and_then(|it| state.facts.at(it));
        bytes = facts::behind(bytes, &fact, before, source, words, owner);
    }
    let mut writer = Writer::new(bytes, &state.facts, words, owner);
    writer.head(state, source);
    writer.bits.finish()
}

impl<'a> Writer<'a> {
    fn new(bytes: Vec<u8>, facts: &'a Facts, words: &'a mut Words, owner: u32) -> Self {
        Self {
            bits: BitWriter::behind(bytes),
            words,
            owner,
            facts,
            last: facts.at(0).unwrap_or(Timestamp::from_millis(0)),
            identity: Identity([0; 16]),
        }
    }

    /// Everything but the facts.
    fn head(&mut self, state: &TicketState, source: Option<&Text>) {
        if let Some(source) = source {
            self.text(source);
            self.bits.wide(state.facts.bytes() as u64);
        }
        let evaluated = state.evaluated.min(state.facts.len());
        self.count(state.facts.len() - evaluated);
        self.some(state.fold.as_deref(), |w, fold| w.fold(fold, source));
        let base = match &state.fold {
            Some(fold) => Arc::clone(&fold.machine.ticket),
            None => state.facts.origin(),
        };
        self.machine(&state.machine, &base, source);
        self.list(&state.ledger.entries, Self::entry);
        self.list(&state.ledger.beginnings, Self::beginning);
        self.list(&state.told, Self::told);
        self.some(state.last_voiced.as_ref(), |w, voiced| {
            w.voiced(voiced, state.machine.plan.as_ref());
        });
        self.some(state.reread.as_ref(), |w, reread| {
            w.instant(reread.from);
            w.instant(reread.fact.occurred_at);
            w.fact(&reread.fact, None);
        });
    }

    fn fold(&mut self, fold: &Fold, source: Option<&Text>) {
        self.instant(fold.key.occurred_at);
        self.some(fold.key.version, Self::long);
        self.some(fold.key.event_id.as_ref(), Self::text);
        let hash = fold.key.record_hash.cast_unsigned();
        self.bits.long_bits(hash, 64);
        self.machine(&fold.machine, &Ticket::default(), source);
    }

    fn machine(&mut self, machine: &Machine, base: &Ticket, source: Option<&Text>) {
        self.ticket(&machine.ticket, base);
        self.unless_same(&machine.source, source, Self::text);
        self.some(machine.created_at, Self::instant);
        self.bits.flag(machine.is_partial);
        self.bits.flag(machine.has_begun);
        self.bits.bits(machine.category as u32, 3);
        let counts = [
            machine.reopen_count,
            machine.reassignment_count,
            machine.customer_reply_count,
            machine.escalations,
        ];
        let is_any = counts.iter().any(|count| *count > 0);
        self.bits.flag(is_any);
        if is_any {
            for count in counts {
                self.number(count);
            }
        }
        self.some(machine.last_agent_reply, Self::instant);
        self.some(machine.last_customer_reply, Self::instant);
        self.instant(machine.last_fact_at);
        self.instant(machine.last_due_at);
        self.some(machine.plan.as_ref(), Self::plan);
        self.instant(machine.edited_at);
        self.some(machine.kept.as_ref(), Self::text);
        self.list(&machine.restarts, |w, at| w.instant(*at));
        self.list(&machine.clocks, Self::clock);
        self.list(&machine.fired, Self::fired);
        self.list(&machine.holds, Self::hold);
        self.some(machine.escalation.as_ref(), Self::escalation);
        self.some(machine.done_at, Self::instant);
    }

    /// What a ticket has beside the fields of another one.
    fn ticket(&mut self, ticket: &Ticket, base: &Ticket) {
        let bits = |number: Option<f64>| number.map(f64::to_bits);
        let numbers = |of: &Ticket| [of.severity, of.satisfaction];
        let is_same = std::ptr::eq(ticket, base)
            || (ticket == base && numbers(ticket).map(bits) == numbers(base).map(bits));
        self.bits.flag(is_same);
        if is_same {
            return;
        }
        for field in TextField::ALL {
            self.unless_same(&ticket.text(field), Some(&base.text(field)), |w, text| {
                w.some(*text, Self::text);
            });
        }
        for (number, known) in numbers(ticket).into_iter().zip(numbers(base)) {
            self.unless_same(&bits(number), Some(&bits(known)), |w, _| {
                w.some(number, Self::double);
            });
        }
        self.unless_same(&ticket.tags, Some(&base.tags), |w, tags| {
            w.list(tags, Self::text);
        });
        self.unless_same(&ticket.labels, Some(&base.labels), |w, labels| {
            let labels: Vec<_> = labels.iter().collect();
            w.list(&labels, |w, (name, value)| {
                w.text(name);
                w.text(value);
            });
        });
    }

    fn clock(&mut self, clock: &Clock) {
        self.text(&clock.timeframe);
        self.number(clock.cycle);
        self.bits.flag(clock.is_answered);
        self.some(clock.watch.as_ref(), Self::stopwatch);
    }

    fn stopwatch(&mut self, watch: &Stopwatch) {
        self.instant(watch.started_at);
        self.instant(watch.summed_to);
        self.long(watch.counted.as_millis());
        self.long(watch.paused.as_millis());
        self.list(&watch.gaps, Self::gap);
        let (motion, since) = match watch.motion {
            Motion::Running => (0, None),
            Motion::Paused { since } => (1, Some(since)),
            Motion::Stopped { at, done: false } => (2, Some(at)),
            Motion::Stopped { at, done: true } => (3, Some(at)),
        };
        self.bits.bits(motion, 2);
        if let Some(since) = since {
            self.instant(since);
        }
    }

    fn gap(&mut self, gap: &Gap) {
        self.instant(gap.from);
        self.instant(gap.to);
        self.bits.flag(gap.closed);
    }

    fn fired(&mut self, fired: &Fired) {
        self.text(&fired.timeframe);
        self.number(fired.cycle);
        self.text(&fired.mark);
        self.instant(fired.at);
    }

    fn hold(&mut self, hold: &Hold) {
        self.text(&hold.trigger);
        self.some(hold.since, Self::instant);
        self.bits.flag(hold.has_fired);
        self.number(hold.cycle);
    }

    fn escalation(&mut self, escalation: &Escalation) {
        self.instant(escalation.begun_at);
        self.number(escalation.level);
        self.number(escalation.announced_level);
        self.number(escalation.highest_level);
        self.bits.bits(escalation.nature as u32, 1);
        self.stopwatch(&escalation.waits);
        self.number(escalation.repeats_sent);
        self.some(escalation.acknowledgement.as_ref(), Self::acknowledgement);
        self.identity(escalation.begun_by);
        self.instant(escalation.updated_at);
        self.bits.flag(escalation.is_overdue);
    }

    fn acknowledgement(&mut self, acknowledgement: &Acknowledgement) {
        self.instant(acknowledgement.anchor.at);
        self.bits
            .long_bits(acknowledgement.anchor.fact.cast_unsigned(), 64);
        self.stopwatch(&acknowledgement.watch);
        self.some(acknowledgement.until, Self::instant);
    }

    fn entry(&mut self, entry: &Entry) {
        self.identity(entry.identity);
        self.bits.bits(entry.kind as u32, 3);
        self.number(entry.level);
        self.instant(entry.decided_at);
        self.bits.flag(entry.is_taken_back);
        self.bits.flag(entry.is_correction);
    }

    fn beginning(&mut self, beginning: &Beginning) {
        self.identity(beginning.identity);
        self.number(beginning.ordinal);
        self.some(beginning.updated, Self::instant);
    }

    fn told(&mut self, told: &Told) {
        self.text(&told.listener.to);
        self.text(&told.listener.kind);
        self.text(&told.listener.channel);
        self.number(told.level);
    }

    fn voiced(&mut self, voiced: &Voiced, plan: Option<&PlanRef>) {
        self.unless_same(&voiced.plan, plan, Self::plan);
        self.number(voiced.escalation);
        self.bits.bits(voiced.nature as u32, 1);
        self.number(voiced.level);
        self.instant(voiced.moved_at);
    }

    fn plan(&mut self, plan: &PlanRef) {
        self.text(&plan.name);
        self.text(&plan.revision);
    }

    fn identity(&mut self, identity: Identity) {
        let is_last = identity == self.identity;
        self.bits.flag(is_last);
        if !is_last {
            self.identity = identity;
            self.bits.fixed(&identity.0);
        }
    }

    fn instant(&mut self, at: Timestamp) {
        if at == self.last {
            self.when(When::Last);
        } else if at == Timestamp::MIN {
            self.when(When::Never);
        } else if let Some(place) = self.facts.place_at(at) {
            self.when(When::OfFact);
            self.count(place);
            self.last = at;
        } else {
            self.when(When::Other);
            self.bits
                .delta(at.as_millis().wrapping_sub(self.last.as_millis()));
            self.last = at;
        }
    }

    fn when(&mut self, when: When) {
        self.bits.bits(when as u32, 2);
    }

    fn double(&mut self, value: f64) {
        self.bits.long_bits(value.to_bits(), 64);
    }

    fn long(&mut self, value: i64) {
        self.bits.signed(value);
    }

    fn number(&mut self, value: u32) {
        self.bits.small(value.into());
    }

    fn count(&mut self, value: usize) {
        self.bits.small(value as u64);
    }

    fn some<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bits.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<'i, T>(&mut self, items: &'i [T], mut write: impl FnMut(&mut Self, &'i T)) {
        self.bits.flag(!items.is_empty());
        if let Some((_, rest)) = items.split_first() {
            self.count(rest.len());
            for item in items {
                write(self, item);
            }
        }
    }

    /// A value, unless it is another one that is known when it is read.
    fn unless_same<T: PartialEq>(
        &mut self,
        value: &T,
        known: Option<&T>,
        write: impl FnOnce(&mut Self, &T),
    ) {
        let is_same = known == Some(value);
        self.bits.flag(is_same);
        if !is_same {
            write(self, value);
        }
    }
}
