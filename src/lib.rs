//! The shell of `escalator`: everything that touches the outside.
//!
//! Decisions are made in the crate `escalator-engine`, which is handed facts and time and answers
//! with effects. The modules here carry records to it and its effects away, exactly once.

pub mod backtest;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod dead_letters;
#[cfg(feature = "embedded")]
pub mod demo;
pub mod edits;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod http;
pub mod kafka;
pub mod logging;
pub mod mapping;
pub mod mapping_test;
pub mod memory;
pub mod metrics;
pub mod offline;
pub mod partition;
pub mod plan_diff;
pub mod plan_file;
pub mod plan_graph;
pub mod plan_test;
pub mod rebuild;
pub mod record;
pub mod registry;
pub mod report;
pub mod service;
pub mod settings;
pub mod shard;
#[cfg(test)]
mod stored;
pub mod wire;
mod yaml;
