//! Faults that a test plants into the service, to show that it would be found.
//!
//! Outside of tests no fault is ever planted, and the compiler leaves nothing of them.

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A restore reads to the last stable offset instead of the high watermark.
    #[cfg(test)]
    RestoreToStable,
    /// A restore does not wait for the transactions below its end.
    #[cfg(test)]
    PassFence,
    /// Offsets are committed without the generation of the group.
    #[cfg(test)]
    NoGeneration,
    /// A transaction is committed although the group refused its offsets.
    #[cfg(test)]
    CommitRefused,
    /// A producer is used again after an unknown outcome.
    #[cfg(test)]
    KeepProducer,
}

/// Whether this fault is planted.
#[cfg(not(test))]
pub(crate) const fn is(_fault: Fault) -> bool {
    false
}

/// Whether this fault is planted.
#[cfg(test)]
pub(crate) fn is(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// Plants a fault into everything that this thread runs, in the place of the one before.
#[cfg(test)]
pub(crate) fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

#[cfg(test)]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Fault>> = const { std::cell::Cell::new(None) };
}
