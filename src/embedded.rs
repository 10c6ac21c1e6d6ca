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
//! Nor does it ever expire a member of a group that is gone without a word, and all others would wait
//! for that one. So the front says for such a member that it leaves, as soon as its connection ends.

use std::io::{self, BufReader, BufWriter};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use kafka_protocol::messages::{
    ApiKey, GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::{Decodable, StrBytes, decode_request_header_from_buffer};
use noida::kafka::codec::{read_frame, write_frame};
use noida::kafka::connection::handle_connection;
use noida::kafka::engine::Engine;

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
    let (engine, groups) = (engine.clone(), engine.clone());
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
        let mut membership = Membership::default();
        carry_requests(&client, &to_broker, &mut membership).ok();
        if let Some(leaving) = membership.0 {
            groups.handle_leave_group(&leaving, 0);
        }
        to_broker.shutdown(Shutdown::Both).ok();
    }))?;
    Ok(())
}

fn carry_requests(
    client: &TcpStream,
    to_broker: &TcpStream,
    membership: &mut Membership,
) -> io::Result<()> {
    let (mut client, mut to_broker) = (BufReader::new(client), BufWriter::new(to_broker));
    let mut pace = FetchPace::default();
    while let Some(request) = read_frame(&mut client)? {
        if request.starts_with(&FETCH) {
            std::thread::sleep(pace.wait(Instant::now()));
        }
        membership.note(&request);
        write_frame(&mut to_broker, &request)?;
    }
    Ok(())
}

/// How the member of a group leaves that a connection is of, if it is of one.
#[derive(Debug, Default)]
struct Membership(Option<LeaveGroupRequest>);

impl Membership {
    /// Takes from a request whose connection this is.
    fn note(&mut self, request: &BytesMut) {
        let number = request.first_chunk().map(|key| i16::from_be_bytes(*key));
        let key = number.and_then(|number| ApiKey::try_from(number).ok());
        if key == Some(ApiKey::LeaveGroup) {
            self.0 = None;
        } else if let Some(key) = key
            && let Some((group_id, member_id)) = member(key, &mut request.clone())
            // Who asks for the first time has no name yet.
            && !member_id.is_empty()
        {
            let leaving = LeaveGroupRequest::default().with_group_id(group_id);
            self.0 = Some(leaving.with_member_id(member_id));
        }
    }
}

/// The group and the member that a request of this kind names, if it is one of a member.
fn member(key: ApiKey, request: &mut BytesMut) -> Option<(GroupId, StrBytes)> {
    let is_of_member = matches!(
        key,
        ApiKey::JoinGroup | ApiKey::SyncGroup | ApiKey::Heartbeat
    );
    let header = is_of_member.then(|| decode_request_header_from_buffer(request));
    let version = header?.ok()?.request_api_version;
    if key == ApiKey::JoinGroup {
        let request = JoinGroupRequest::decode(request, version).ok()?;
        Some((request.group_id, request.member_id))
    } else if key == ApiKey::SyncGroup {
        let request = SyncGroupRequest::decode(request, version).ok()?;
        Some((request.group_id, request.member_id))
    } else {
        let request = HeartbeatRequest::decode(request, version).ok()?;
        Some((request.group_id, request.member_id))
    }
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
