//! The broker inside the process, behind `run --embedded` and `demo`.
//!
//! It keeps everything in memory and ends with the process.
//!
//! ```text
//! client ──► front, which holds fetches back ──► broker
//!        ◄───────────────────────────────────────┘
//! ```
//!
//! The library's broker answers a fetch at once, also when there is nothing to fetch, whatever the
//! client says about waiting. An idle consumer would ask some ten thousand times a second and keep a
//! core busy. So a front takes the connections, hands every request on as it is, and lets a fetch
//! wait a moment after the one before.
//!
//! Nor does it ever expire a member of a group, or a transaction, whose process is gone without a word,
//! and all others would wait for that one. So the front says what is left to say when a connection
//! ends: that the member leaves, and that the transaction is aborted.

mod farewell;

use std::io::{self, BufReader, BufWriter};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use noida::kafka::codec::{read_frame, write_frame};
use noida::kafka::connection::handle_connection;
use noida::kafka::engine::Engine;

use self::farewell::Farewell;

static BROKER: OnceLock<SocketAddr> = OnceLock::new();

/// A connection fetches again no sooner than this after its last fetch: it is not felt as a delay,
/// and makes of ten thousand empty answers a second two hundred.
const FETCH_EVERY: Duration = Duration::from_millis(5);

/// The number of fetches in Kafka's protocol.
const FETCH: [u8; 2] = [0, 1];

/// Starts the broker on a free port of the loopback interface, or answers with the one that was
/// started before: it cannot be stopped, so there is one for a process.
///
/// # Errors
/// When no port can be bound.
pub fn start() -> io::Result<SocketAddr> {
    if let Some(address) = BROKER.get() {
        return Ok(*address);
    }
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (front, back) = (TcpListener::bind(any_port)?, TcpListener::bind(any_port)?);
    let address = front.local_addr()?;
    // Clients are sent to the front, whatever they ask.
    let engine = Engine::new(address.ip().to_string(), address.port().into());
    engine.spawn_log_cleaner();
    std::thread::Builder::new()
        .name("broker".to_owned())
        .spawn(move || {
            for client in front.incoming().flatten() {
                if let Err(error) = connect(client, &back, &engine) {
                    tracing::warn!(%error, "a connection to the embedded broker failed");
                }
            }
        })?;
    Ok(*BROKER.get_or_init(|| address))
}

/// Puts a client through to the broker.
fn connect(client: TcpStream, back: &TcpListener, engine: &Engine) -> io::Result<()> {
    let to_broker = TcpStream::connect(back.local_addr()?)?;
    let from_client = loop {
        let (stream, peer) = back.accept()?;
        // Others can reach the port, too.
        if peer == to_broker.local_addr()? {
            break stream;
        }
    };
    for stream in [&client, &to_broker, &from_client] {
        stream.set_nodelay(true)?;
    }
    let (engine, broker) = (engine.clone(), engine.clone());
    let (answers, to_client) = (to_broker.try_clone()?, client.try_clone()?);
    let spawn = |work: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new()
            .name("broker".to_owned())
            .spawn(work)
    };
    spawn(Box::new(move || handle_connection(from_client, engine)))?;
    spawn(Box::new(move || {
        // Either end may be gone; then there is nothing left to carry, and the other shall know.
        io::copy(&mut &answers, &mut &to_client).ok();
        to_client.shutdown(Shutdown::Both).ok();
    }))?;
    spawn(Box::new(move || {
        let mut farewell = Farewell::default();
        carry_requests(&client, &to_broker, &mut farewell).ok();
        farewell.say(&broker);
        to_broker.shutdown(Shutdown::Both).ok();
    }))?;
    Ok(())
}

fn carry_requests(
    client: &TcpStream,
    to_broker: &TcpStream,
    farewell: &mut Farewell,
) -> io::Result<()> {
    let (mut client, mut to_broker) = (BufReader::new(client), BufWriter::new(to_broker));
    let mut pace = FetchPace::default();
    while let Some(request) = read_frame(&mut client)? {
        if request.starts_with(&FETCH) {
            std::thread::sleep(pace.wait(Instant::now()));
        }
        farewell.note(&request);
        write_frame(&mut to_broker, &request)?;
    }
    Ok(())
}

/// When a connection may fetch again.
#[derive(Debug, Default)]
struct FetchPace {
    next: Option<Instant>,
}

impl FetchPace {
    /// How long a fetch that came now has to wait.
    fn wait(&mut self, now: Instant) -> Duration {
        let wait = self
            .next
            .map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        self.next = Some(now + wait + FETCH_EVERY);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_waits_for_its_turn_and_no_longer() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let mut pace = FetchPace::default();
        for (now, wait_ms) in [(0, 0), (1, 4), (7, 3), (30, 0), (33, 2)] {
            let wait = Duration::from_millis(wait_ms);
            assert_eq!(pace.wait(at(now)), wait, "at {now} ms");
        }
    }
}
