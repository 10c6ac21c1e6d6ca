//! Reading a state that an earlier release has stored.
//!
//! The structs mirror the schemas, with a default for every field; they are what keeps old versions
//! readable while the engine's own types move on.

mod clocks;
mod facts;
mod word;

use std::sync::Arc;

use escalator_engine::clock::Clock;
use escalator_engine::decision::Listener;
use escalator_engine::effect::EscalatedType;
use escalator_engine::emission::Told;
use escalator_engine::ladder::Escalation;
use escalator_engine::ledger::{Beginning, Entry, Ledger};
use escalator_engine::machine::{Fired, Hold, Machine};
use escalator_engine::plan::Nature;
use escalator_engine::rules::PlanRef;
use escalator_engine::status::StatusCategory;
use escalator_engine::ticket::OwnFields;
use escalator_engine::ticket_state::{Fold, StoredState, TicketState, Voiced};
use escalator_engine::time::Timestamp;
use serde::Deserialize;
use serde::de::Error as _;

use self::clocks::{ClockRecord, EscalationRecord, FiredRecord, HoldRecord};
use self::facts::{FactRecord, KeyRecord, TicketRecord};
use self::word::{IdentityRecord, Word};
use super::avro::AvroError;
use crate::wire::schema::Parsed;

/// Reads a state by a former schema.
pub(super) fn state(schema: &Parsed, datum: &[u8]) -> Result<TicketState, AvroError> {
    let state: State = schema.read(datum)?;
    if state.evaluated > state.facts.len() {
        return Err(AvroError::custom("more facts are evaluated than kept"));
    }
    Ok(StoredState::from(state).into())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    facts: Vec<FactRecord>,
    evaluated: usize,
    machine: MachineRecord,
    fold: Option<FoldRecord>,
    ledger: Vec<EntryRecord>,
    told: Vec<ToldRecord>,
    last_voiced: Option<VoicedRecord>,
    beginnings: Vec<BeginningRecord>,
}

impl From<State> for StoredState {
    fn from(state: State) -> Self {
        Self {
            facts: state
                .facts
                .into_iter()
                .map(|f| Arc::new(f.into()))
                .collect::<Vec<_>>()
                .into(),
            evaluated: state.evaluated,
            fold: state.fold.map(|fold| Box::new(fold.into())),
            machine: state.machine.into(),
            ledger: Ledger {
                entries: state.ledger.into_iter().map(Entry::from).collect(),
                beginnings: state.beginnings.into_iter().map(Beginning::from).collect(),
            },
            told: state.told.into_iter().map(Told::from).collect(),
            last_voiced: state.last_voiced.map(Voiced::from),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FoldRecord {
    key: KeyRecord,
    machine: MachineRecord,
}

impl From<FoldRecord> for Fold {
    fn from(fold: FoldRecord) -> Self {
        Self {
            key: fold.key.into(),
            machine: fold.machine.into(),
            entries: Vec::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MachineRecord {
    ticket: TicketRecord,
    source: Word,
    created_at: Option<Timestamp>,
    is_partial: bool,
    has_begun: bool,
    category: Option<StatusCategory>,
    reopen_count: u32,
    reassignment_count: u32,
    customer_reply_count: u32,
    last_agent_reply: Option<Timestamp>,
    last_customer_reply: Option<Timestamp>,
    last_fact_at: Timestamp,
    last_due_at: Timestamp,
    plan: Option<PlanRecord>,
    edited_at: Timestamp,
    kept: Option<Word>,
    restarts: Vec<Timestamp>,
    clocks: Vec<ClockRecord>,
    fired: Vec<FiredRecord>,
    holds: Vec<HoldRecord>,
    escalations: u32,
    escalation: Option<EscalationRecord>,
    done_at: Option<Timestamp>,
}

impl From<MachineRecord> for Machine {
    fn from(machine: MachineRecord) -> Self {
        Self {
            ticket: Arc::new(machine.ticket.into()),
            own: OwnFields::default(),
            source: machine.source.0,
            created_at: machine.created_at,
            is_partial: machine.is_partial,
            has_begun: machine.has_begun,
            category: machine.category.unwrap_or(StatusCategory::Open),
            reopen_count: machine.reopen_count,
            reassignment_count: machine.reassignment_count,
            customer_reply_count: machine.customer_reply_count,
            last_agent_reply: machine.last_agent_reply,
            last_customer_reply: machine.last_customer_reply,
            last_fact_at: machine.last_fact_at,
            last_due_at: machine.last_due_at,
            plan: machine.plan.map(PlanRef::from),
            edited_at: machine.edited_at,
            kept: machine.kept.map(|kept| kept.0),
            restarts: machine.restarts,
            clocks: machine.clocks.into_iter().map(Clock::from).collect(),
            fired: machine.fired.into_iter().map(Fired::from).collect(),
            holds: machine.holds.into_iter().map(Hold::from).collect(),
            escalations: machine.escalations,
            escalation: machine.escalation.map(Escalation::from),
            done_at: machine.done_at,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PlanRecord {
    name: Word,
    revision: Word,
}

impl From<PlanRecord> for PlanRef {
    fn from(plan: PlanRecord) -> Self {
        Self {
            name: plan.name.0,
            revision: plan.revision.0,
        }
    }
}

#[derive(Deserialize)]
struct EntryRecord {
    identity: IdentityRecord,
    kind: EscalatedType,
    #[serde(default)]
    level: u32,
    #[serde(default)]
    decided_at: Timestamp,
    #[serde(default)]
    is_taken_back: bool,
    #[serde(default)]
    is_correction: bool,
}

impl From<EntryRecord> for Entry {
    fn from(entry: EntryRecord) -> Self {
        Self {
            identity: entry.identity.0,
            kind: entry.kind,
            level: entry.level,
            decided_at: entry.decided_at,
            is_taken_back: entry.is_taken_back,
            is_correction: entry.is_correction,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BeginningRecord {
    identity: IdentityRecord,
    ordinal: u32,
    updated: Option<Timestamp>,
}

impl From<BeginningRecord> for Beginning {
    fn from(beginning: BeginningRecord) -> Self {
        Self {
            identity: beginning.identity.0,
            ordinal: beginning.ordinal,
            updated: beginning.updated,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldRecord {
    to: Word,
    kind: Word,
    channel: Word,
    level: u32,
}

impl From<ToldRecord> for Told {
    fn from(told: ToldRecord) -> Self {
        Self {
            listener: Listener {
                to: told.to.0,
                kind: told.kind.0,
                channel: told.channel.0,
            },
            level: told.level,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VoicedRecord {
    plan: PlanRecord,
    escalation: u32,
    nature: Nature,
    level: u32,
}

impl From<VoicedRecord> for Voiced {
    fn from(voiced: VoicedRecord) -> Self {
        Self {
            plan: voiced.plan.into(),
            escalation: voiced.escalation,
            nature: voiced.nature,
            level: voiced.level,
        }
    }
}
