//! Why a day cannot be played to its end.

use std::time::Duration;

use super::watcher;
use crate::{kafka, service, settings};

/// The service is ready within a second or two; on a machine that is busy with a build it takes
/// some more.
pub(super) const READY_PATIENCE: Duration = Duration::from_secs(60);

/// Why the demonstration could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no broker.
    #[error("the embedded broker cannot be started")]
    Broker(#[source] std::io::Error),
    /// The settings are refused.
    #[error("the settings of the service are refused")]
    Settings(#[from] settings::Error),
    /// The service did not start, or did not go on.
    #[error("the service cannot go on")]
    Service(#[from] service::Error),
    /// The service ended by itself without saying why.
    #[error("the service ended before the day did")]
    Ended,
    /// The service is not ready, and not going to be.
    #[error("the service was not ready within {} seconds", READY_PATIENCE.as_secs())]
    NotReady,
    /// The day cannot be written.
    #[error("the day's events cannot be written")]
    Writing(#[source] kafka::Error),
    /// What comes of it cannot be read.
    #[error("what the service writes cannot be followed")]
    Watching(#[from] watcher::Error),
    /// A thread cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[source] std::io::Error),
}
