//! The broker inside the process, behind `run --embedded` and `demo`.
//!
//! It keeps everything in memory and ends with the process. It serves one process well; failover
//! between processes needs a real cluster, because it never expires a member that crashed.

use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;

static BROKER: OnceLock<SocketAddr> = OnceLock::new();

/// Starts the broker on a free port of the loopback interface, or answers with the one that was
/// started before: it cannot be stopped, so there is one for a process.
///
/// # Errors
/// When no port can be bound.
pub fn start() -> io::Result<SocketAddr> {
    if let Some(address) = BROKER.get() {
        return Ok(*address);
    }
    let address = noida::kafka::spawn("127.0.0.1:0")?;
    Ok(*BROKER.get_or_init(|| address))
}
