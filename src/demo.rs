//! A day of tickets at high speed, played to the real service and shown as it happens.

mod case;
mod desk;
mod dice;
mod life;
mod story;
#[cfg(test)]
mod tests;

pub use life::TicketEvent;
pub use story::{Outline, Story, event_file};

/// The plan that is played unless another is named: the one in `plans/`, part of the program so that
/// it runs from anywhere.
pub const SHIPPED_PLAN: &str = include_str!("../plans/itil.yaml");

/// How the shipped plan is called.
pub const SHIPPED_PLAN_PATH: &str = "plans/itil.yaml";
