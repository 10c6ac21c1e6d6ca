//! The pure core of `escalator`: facts and time in, decisions and their reasons out.

pub mod calendar;
pub mod condition;
pub mod effect;
pub mod fact;
pub mod plan;
pub mod status;
pub mod ticket;
pub mod time;
