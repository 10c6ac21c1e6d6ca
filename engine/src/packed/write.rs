//! Writing a state; `read.rs` is its mirror.

mod fields;

use super::bits::BitWriter;
use super::words::Words;
use crate::clock::Clock;
use crate::decision::Identity;
use crate::emission::Told;
use crate::fact::{Activity, Fact};
use crate::ladder::{Acknowledgement, Escalation};
use crate::ledger::{Beginning, Entry};
use crate::machine::{Fired, Hold, Machine};
use crate::rules::PlanRef;
use crate::stopwatch::{Gap, Motion, Stopwatch};
use crate::ticket::{Change, NumberField, Text, TextField, Ticket};
use crate::ticket_state::{Fold, TicketState, Voiced};
use crate::time::Timestamp;

use super::{FIELD_BITS, Field, INSTANTS_MAX, TextForm, When};

/// Writes one state.
pub(super) struct Writer<'a> {
    bits: BitWriter,
    words: &'a mut Words,
    owner: u32,
    /// The instants of the facts so far.
    instants: Vec<Timestamp>,
    /// The instant that was written last.
    last: Timestamp,
    /// The identity that was written last.
    identity: Identity,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: Vec<u8>, words: &'a mut Words, owner: u32) -> Self {
        Self {
            bits: BitWriter::new(bytes),
            words,
            owner,
            instants: Vec::new(),
            last: Timestamp::from_millis(0),
            identity: Identity([0; 16]),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bits.finish()
    }

    pub(super) fn state(&mut self, state: &TicketState) {
        let begin = state.facts.first().map(|fact| fact.occurred_at);
        self.last = begin.unwrap_or(self.last);
        self.long(self.last.as_millis());
        self.count(state.facts.len());
        let mut source = None;
        for fact in &state.facts {
            self.fact(fact, source);
            source = Some(&fact.source);
        }
        let evaluated = state.evaluated.min(state.facts.len());
        self.count(state.facts.len() - evaluated);
        self.some(state.fold.as_deref(), Self::fold);
        let base = state.fold.as_ref().map(|fold| &*fold.machine.ticket);
        self.machine(&state.machine, base, &state.facts[..evaluated]);
        self.list(&state.ledger.entries, Self::entry);
        self.list(&state.ledger.beginnings, Self::beginning);
        self.list(&state.told, Self::told);
        self.some(state.last_voiced.as_ref(), |w, voiced| {
            w.voiced(voiced, state.machine.plan.as_ref());
        });
        self.some(state.reread.as_ref(), |w, reread| {
            w.instant(reread.from);
            w.fact(&reread.fact, None);
        });
    }

    fn fact(&mut self, fact: &Fact, source: Option<&Text>) {
        self.delta(fact.occurred_at);
        if self.instants.len() < INSTANTS_MAX {
            self.instants.push(fact.occurred_at);
        }
        self.some(fact.version, Self::long);
        self.some(fact.event_id.as_ref(), Self::text);
        self.bits.long_bits(fact.record_hash.cast_unsigned(), 64);
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

    fn fold(&mut self, fold: &Fold) {
        self.instant(fold.key.occurred_at);
        self.some(fold.key.version, Self::long);
        self.some(fold.key.event_id.as_ref(), Self::text);
        let hash = fold.key.record_hash.cast_unsigned();
        self.bits.long_bits(hash, 64);
        self.machine(&fold.machine, None, &[]);
    }

    fn machine(
        &mut self,
        machine: &Machine,
        base: Option<&Ticket>,
        facts: &[std::sync::Arc<Fact>],
    ) {
        let is_made = fields::are_made_of(&machine.ticket, base, facts);
        self.bits.flag(is_made);
        if !is_made {
            self.ticket(&machine.ticket);
        }
        let source = facts.last().map(|fact| &fact.source);
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

    fn ticket(&mut self, ticket: &Ticket) {
        for field in TextField::ALL {
            self.some(ticket.text(field), Self::text);
        }
        self.some(ticket.severity, Self::double);
        self.some(ticket.satisfaction, Self::double);
        self.list(&ticket.tags, Self::text);
        self.count(ticket.labels.len());
        for (name, value) in &ticket.labels {
            self.text(name);
            self.text(value);
        }
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
        } else if let Some(place) = self.instants.iter().position(|known| *known == at) {
            self.when(When::OfFact);
            self.count(place);
            self.last = at;
        } else {
            self.when(When::Other);
            self.delta(at);
        }
    }

    fn when(&mut self, when: When) {
        self.bits.bits(when as u32, 2);
    }

    /// An instant by how much it is later than the last one; many are in whole seconds.
    fn delta(&mut self, at: Timestamp) {
        let ms = at.as_millis().wrapping_sub(self.last.as_millis());
        self.last = at;
        let is_whole = ms % 1_000 == 0;
        self.bits.flag(is_whole);
        self.bits.signed(if is_whole { ms / 1_000 } else { ms });
    }

    fn text(&mut self, text: &Text) {
        if let Some(numbered) = super::Numbered::of(text) {
            self.bits.bits(TextForm::Numbered as u32, 2);
            self.content(numbered.prefix);
            self.bits.wide(numbered.number);
        } else if let Some(uuid) = super::uuid(text) {
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
            self.bits.bits(TextForm::Bytes as u32, 2);
            self.count(text.len());
            self.bits.fixed(text.as_bytes());
        }
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
