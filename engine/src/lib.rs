//! The pure core of `escalator`: facts and time in, decisions and their reasons out.

pub mod calendar;
pub mod clock;
pub mod condition;
pub mod cycles;
pub mod decision;
pub mod effect;
pub mod emission;
pub mod engine;
pub mod explain;
pub mod expression;
pub mod fact;
pub mod ladder;
pub mod ledger;
pub mod machine;
pub mod message;
pub mod plan;
pub mod reason;
pub mod rules;
pub mod simulate;
pub mod status;
pub mod stopwatch;
pub mod ticket;
pub mod ticket_state;
pub mod time;
pub mod timers;
