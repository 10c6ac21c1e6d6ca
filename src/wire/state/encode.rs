//! Writing a state.

use escalator_engine::clock::Clock;
use escalator_engine::decision::Anchor;
use escalator_engine::effect::EscalatedType;
use escalator_engine::emission::Told;
use escalator_engine::fact::Activity;
use escalator_engine::facts::{Head, Scribe};
use escalator_engine::ladder::{Acknowledgement, Escalation};
use escalator_engine::ledger::{Beginning, Entry};
use escalator_engine::machine::{Fired, Hold, Machine};
use escalator_engine::packed::Piece;
use escalator_engine::plan::Nature;
use escalator_engine::rules::PlanRef;
use escalator_engine::stopwatch::{Gap, Motion, Stopwatch};
use escalator_engine::ticket::{Change, NumberField, TextField, Ticket};
use escalator_engine::ticket_state::{Fold, TicketState, Voiced};
use escalator_engine::time::Timestamp;

use crate::wire::avro::Writer;
use crate::wire::schema::SchemaName;

/// The positions of the fields in the schema's enum that are not text fields.
const FIELD_SEVERITY: i64 = TextField::ALL.len() as i64;
const FIELD_SATISFACTION: i64 = FIELD_SEVERITY + 1;
const FIELD_TAGS: i64 = FIELD_SEVERITY + 2;
const FIELD_LABEL: i64 = FIELD_SEVERITY + 3;
const FIELD_LABELS: i64 = FIELD_SEVERITY + 4;

/// The value of a ticket's record on the state topic.
///
/// The state must have been advanced since its last fact: a pending re-reading is not stored.
#[must_use]
pub fn encode_state(state: &TicketState) -> Vec<u8> {
    let mut w = Writer::single_object(SchemaName::EscalationState.fingerprint());
    w.items(state.facts.len(), |w| state.facts.dictate(w));
    w.long(state.evaluated as i64);
    machine(&mut w, &state.machine);
    w.nullable(state.fold.as_deref(), fold);
    w.block(state.ledger.entries.iter(), entry);
    w.block(state.told.iter(), told);
    w.nullable(state.last_voiced.as_ref(), voiced);
    w.block(state.ledger.beginnings.iter(), beginning);
    w.finish()
}

impl Scribe for Writer {
    fn head(&mut self, head: Head<'_>) {
        instant(self, head.occurred_at);
        self.nullable(head.version, Self::long);
        self.nullable(head.event_id, piece);
        self.long(head.record_hash);
        piece(self, head.source);
        self.boolean(head.created);
    }

    fn changes<'a>(&mut self, changes: impl ExactSizeIterator<Item = Change<Piece<'a>>>) {
        self.block(changes, change);
    }

    fn activities<'a>(&mut self, activities: impl ExactSizeIterator<Item = Activity<Piece<'a>>>) {
        self.block(activities, activity);
    }
}

#[inline]
fn change(w: &mut Writer, change: Change<Piece<'_>>) {
    let (field, name, text, number, tags) = match change {
        Change::Text(field, text) => (field as i64, None, text, None, Vec::new()),
        Change::Number(NumberField::Severity, number) => {
            (FIELD_SEVERITY, None, None, number, Vec::new())
        }
        Change::Number(NumberField::Satisfaction, number) => {
            (FIELD_SATISFACTION, None, None, number, Vec::new())
        }
        Change::Tags(tags) => (FIELD_TAGS, None, None, None, tags),
        Change::Label(name, text) => (FIELD_LABEL, Some(name), text, None, Vec::new()),
        Change::ClearLabels => (FIELD_LABELS, None, None, None, Vec::new()),
    };
    w.long(field);
    w.nullable(name, piece);
    w.nullable(text, piece);
    w.nullable(number, Writer::double);
    w.block(tags.into_iter(), piece);
}

#[inline]
fn activity(w: &mut Writer, activity: Activity<Piece<'_>>) {
    w.long(activity.kind as i64);
    w.nullable(activity.actor, piece);
    w.nullable(activity.level, Writer::long);
    w.nullable(activity.until, instant);
    w.nullable(activity.note, piece);
}

#[inline]
fn piece(w: &mut Writer, piece: Piece<'_>) {
    w.bytes(piece.bytes());
}

fn machine(w: &mut Writer, machine: &Machine) {
    ticket(w, &machine.ticket);
    w.text(&machine.source);
    w.nullable(machine.created_at, instant);
    w.boolean(machine.is_partial);
    w.boolean(machine.has_begun);
    w.long(machine.category as i64);
    w.long(machine.reopen_count.into());
    w.long(machine.reassignment_count.into());
    w.long(machine.customer_reply_count.into());
    w.nullable(machine.last_agent_reply, instant);
    w.nullable(machine.last_customer_reply, instant);
    instant(w, machine.last_fact_at);
    instant(w, machine.last_due_at);
    w.nullable(machine.plan.as_ref(), plan);
    instant(w, machine.edited_at);
    w.nullable(machine.kept.as_ref(), |w, kept| w.text(kept));
    w.block(machine.restarts.iter(), |w, at| instant(w, *at));
    w.block(machine.clocks.iter(), clock);
    w.block(machine.fired.iter(), fired);
    w.block(machine.holds.iter(), hold);
    w.long(machine.escalations.into());
    w.nullable(machine.escalation.as_ref(), escalation);
    w.nullable(machine.done_at, instant);
}

fn ticket(w: &mut Writer, ticket: &Ticket) {
    for field in TextField::ALL {
        w.nullable(ticket.text(field), |w, text| w.text(text));
    }
    w.nullable(ticket.severity, Writer::double);
    w.nullable(ticket.satisfaction, Writer::double);
    w.block(ticket.tags.iter(), |w, tag| w.text(tag));
    w.block(ticket.labels.iter(), |w, (name, value)| {
        w.text(name);
        w.text(value);
    });
}

fn clock(w: &mut Writer, clock: &Clock) {
    w.text(&clock.timeframe);
    w.long(clock.cycle.into());
    w.boolean(clock.is_answered);
    w.nullable(clock.watch.as_ref(), stopwatch);
}

fn stopwatch(w: &mut Writer, watch: &Stopwatch) {
    instant(w, watch.started_at);
    instant(w, watch.summed_to);
    w.long(watch.counted.as_millis());
    w.long(watch.paused.as_millis());
    w.block(watch.gaps.iter(), gap);
    let (motion, since) = match watch.motion {
        Motion::Running => (0, None),
        Motion::Paused { since } => (1, Some(since)),
        Motion::Stopped { at, done: false } => (2, Some(at)),
        Motion::Stopped { at, done: true } => (3, Some(at)),
    };
    w.long(motion);
    w.nullable(since, instant);
}

fn gap(w: &mut Writer, gap: &Gap) {
    instant(w, gap.from);
    instant(w, gap.to);
    w.boolean(gap.closed);
}

fn fired(w: &mut Writer, fired: &Fired) {
    w.text(&fired.timeframe);
    w.long(fired.cycle.into());
    w.text(&fired.mark);
    instant(w, fired.at);
}

fn hold(w: &mut Writer, hold: &Hold) {
    w.text(&hold.trigger);
    w.nullable(hold.since, instant);
    w.boolean(hold.has_fired);
    w.long(hold.cycle.into());
}

fn escalation(w: &mut Writer, escalation: &Escalation) {
    instant(w, escalation.begun_at);
    w.long(escalation.level.into());
    w.long(escalation.announced_level.into());
    w.long(escalation.highest_level.into());
    nature(w, escalation.nature);
    stopwatch(w, &escalation.waits);
    w.long(escalation.repeats_sent.into());
    w.nullable(escalation.acknowledgement.as_ref(), acknowledgement);
    w.fixed(&escalation.begun_by.0);
    instant(w, escalation.updated_at);
    w.boolean(escalation.is_overdue);
}

fn acknowledgement(w: &mut Writer, acknowledgement: &Acknowledgement) {
    anchor(w, acknowledgement.anchor);
    stopwatch(w, &acknowledgement.watch);
    w.nullable(acknowledgement.until, instant);
}

fn anchor(w: &mut Writer, anchor: Anchor) {
    instant(w, anchor.at);
    w.long(anchor.fact);
}

fn fold(w: &mut Writer, fold: &Fold) {
    instant(w, fold.key.occurred_at);
    w.nullable(fold.key.version, Writer::long);
    w.nullable(fold.key.event_id.as_deref(), Writer::text);
    w.long(fold.key.record_hash);
    machine(w, &fold.machine);
}

fn entry(w: &mut Writer, entry: &Entry) {
    w.fixed(&entry.identity.0);
    decision_type(w, entry.kind);
    w.long(entry.level.into());
    instant(w, entry.decided_at);
    w.boolean(entry.is_taken_back);
    w.boolean(entry.is_correction);
}

fn beginning(w: &mut Writer, beginning: &Beginning) {
    w.fixed(&beginning.identity.0);
    w.long(beginning.ordinal.into());
    w.nullable(beginning.updated, instant);
}

fn told(w: &mut Writer, told: &Told) {
    w.text(&told.listener.to);
    w.text(&told.listener.kind);
    w.text(&told.listener.channel);
    w.long(told.level.into());
}

fn voiced(w: &mut Writer, voiced: &Voiced) {
    plan(w, &voiced.plan);
    w.long(voiced.escalation.into());
    nature(w, voiced.nature);
    w.long(voiced.level.into());
    instant(w, voiced.moved_at);
}

fn plan(w: &mut Writer, plan: &PlanRef) {
    w.text(&plan.name);
    w.text(&plan.revision);
}

fn decision_type(w: &mut Writer, kind: EscalatedType) {
    w.long(kind as i64);
}

fn nature(w: &mut Writer, nature: Nature) {
    w.long(nature as i64);
}

fn instant(w: &mut Writer, at: Timestamp) {
    w.long(at.as_millis());
}
