//! The settings of the service that is shown: as `run --embedded` has them, but for a few.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::settings::{self, Settings, Sources};

/// The partitions of each topic: enough to have several at work, few enough for two cores.
pub(super) const PARTITIONS: i32 = 4;

/// The settings for this broker.
///
/// # Errors
/// Never, unless the settings of the service change and these do not.
pub(super) fn settings(broker: SocketAddr, http: SocketAddr) -> Result<Settings, settings::Error> {
    let sources = Sources {
        file: None,
        // What is set for a service of production on this machine is not meant for this one.
        environment: BTreeMap::new(),
        flags: vec![
            ("kafka.brokers", broker.to_string()),
            ("instance", "demo".to_owned()),
            ("topics.create", true.to_string()),
            ("topics.partitions", PARTITIONS.to_string()),
            ("output.format", "json".to_owned()),
            ("standby.copies", 0.to_string()),
            ("http.listen", http.to_string()),
        ],
        host_name: String::new(),
        terminal: false,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    Ok(settings::load(&sources)?.settings)
}
