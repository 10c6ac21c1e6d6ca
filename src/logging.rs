//! Structured logs: readable on a terminal, JSON for machines.
