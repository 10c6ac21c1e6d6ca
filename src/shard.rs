//! The cycle on one OS thread: poll, decide, one transaction, merge.
