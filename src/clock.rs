//! The wall clock as something that is handed down.
//!
//! Only the command line has a real one; everything else takes whatever it is given, so that a
//! test decides what time it is.

use escalator_engine::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}
