//! Whole clusters in one thread under one seed: the real cycle of several instances against a model
//! of Kafka, with everything that may go wrong.
//!
//! ```text
//! seed ──► schedule: what is written, what goes wrong
//!      └─► world: one virtual time; processes take turns, and may die or sleep inside of any call
//!            ├─ process: the real shard over a connection to the model, and its transaction under way
//!            ├─ cluster: logs, transactions with late markers, the group
//!            └─ auditor: every committed transaction against an oracle in one thread
//! ```
//!
//! A schedule that fails is made shorter until nothing can be left out.

mod auditor;
mod cluster;
mod connection;
mod dice;
mod flight;
mod group;
mod happening;
mod hunt;
mod lanes;
mod launch;
mod oracle;
mod planted;
mod process;
mod reached;
mod restorer;
mod schedule;
mod tests;
mod topic_log;
mod workload;
mod world;
