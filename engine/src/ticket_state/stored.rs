//! A state from its stored parts.

use super::{Fold, TicketState, Voiced};
use crate::emission::Told;
use crate::facts::Facts;
use crate::ledger::Ledger;
use crate::machine::Machine;

/// The parts of a state that are stored, to build one from.
#[derive(Clone, Debug, Default)]
pub struct StoredState {
    /// See [`TicketState::facts`].
    pub facts: Facts,
    /// See [`TicketState::evaluated`].
    pub evaluated: usize,
    /// See [`TicketState::fold`].
    pub fold: Option<Box<Fold>>,
    /// See [`TicketState::machine`].
    pub machine: Machine,
    /// See [`TicketState::ledger`].
    pub ledger: Ledger,
    /// See [`TicketState::told`].
    pub told: Vec<Told>,
    /// See [`TicketState::last_voiced`].
    pub last_voiced: Option<Voiced>,
}

impl From<StoredState> for TicketState {
    fn from(stored: StoredState) -> Self {
        Self {
            facts: stored.facts,
            evaluated: stored.evaluated,
            fold: stored.fold,
            machine: stored.machine,
            ledger: stored.ledger,
            told: stored.told,
            last_voiced: stored.last_voiced,
            reread: None,
        }
    }
}
