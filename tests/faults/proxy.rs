//! A way to a broker on which things go wrong: requests are late, answers are lost, connections
//! break or carry nothing any more.
//!
//! It knows just enough of Kafka's protocol to tell one kind of request from another. Every request
//! is a length and then kind, version and number; every answer a length and then the number.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::support::broker::free_port;
use crate::support::pass;

/// Larger than any record of the tests.
const FRAME_BYTES_MAX: usize = 64 << 20;

/// The kinds of requests that are told apart, by their number in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub(crate) enum Api {
    Produce = 0,
    AddPartitionsToTxn = 24,
    AddOffsetsToTxn = 25,
    EndTxn = 26,
    TxnOffsetCommit = 28,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// Every request comes so much later.
    Delay(Duration),
    /// Requests of this kind come so much later, and with them what is behind them on their connection.
    Hold(Api, Duration),
    /// The answers to requests of this kind are lost, and their connections with them.
    LoseAnswers(Api),
    /// Connections are accepted and carry nothing, now and ever after; nobody is told.
    Mute,
}

/// A way to one broker.
pub(crate) struct Proxy {
    /// The port that clients are to come to.
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    trouble: Mutex<Trouble>,
    connections: Mutex<Vec<Arc<Connection>>>,
    met: AtomicUsize,
}

struct Connection {
    ends: [TcpStream; 2],
    is_mute: AtomicBool,
    /// The kinds of the requests that are not answered yet, by their numbers.
    pending: Mutex<HashMap<i32, i16>>,
}

impl Proxy {
    /// Opens a port; nobody is there behind it before [`Proxy::lead_to`].
    pub(crate) fn open() -> (Self, TcpListener) {
        let port = free_port();
        let door = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let state = State {
            trouble: Mutex::new(Trouble::None),
            connections: Mutex::default(),
            met: AtomicUsize::new(0),
        };
        let state = Arc::new(state);
        (Self { port, state }, door)
    }

    /// Leads those who come to a broker's port, as long as the tests run.
    pub(crate) fn lead_to(&self, door: TcpListener, broker: u16) {
        let state = Arc::clone(&self.state);
        std::thread::spawn(move || {
            for client in door.incoming().flatten() {
                // A broker that is away: the client is sent off, as by its host.
                if let Ok(server) = TcpStream::connect(("127.0.0.1", broker)) {
                    drop(state.connect(client, server));
                }
            }
        });
    }

    /// Makes something go wrong from now on; connections that are there are not spared.
    pub(crate) fn set(&self, trouble: Trouble) {
        *lock(&self.state.trouble) = trouble;
        if trouble == Trouble::Mute {
            for connection in &*lock(&self.state.connections) {
                connection.is_mute.store(true, Ordering::Release);
            }
        }
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        for connection in lock(&self.state.connections).drain(..) {
            connection.cut();
        }
    }

    /// How many requests and answers were late or lost so far.
    pub(crate) fn met(&self) -> usize {
        self.state.met.load(Ordering::Acquire)
    }
}

impl State {
    fn connect(self: &Arc<Self>, client: TcpStream, server: TcpStream) -> io::Result<()> {
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        let connection = Arc::new(Connection {
            ends: [client.try_clone()?, server.try_clone()?],
            is_mute: AtomicBool::new(*lock(&self.trouble) == Trouble::Mute),
            pending: Mutex::default(),
        });
        let mut connections = lock(&self.connections);
        connections.retain(|known| Arc::strong_count(known) > 1);
        connections.push(Arc::clone(&connection));
        drop(connections);

        let (late, due) = channel();
        let to_server = server.try_clone()?;
        let ended = Arc::clone(&connection);
        std::thread::spawn(move || {
            drop(carry_late(&due, to_server));
            ended.cut();
        });
        let (state, requests) = (Arc::clone(self), Arc::clone(&connection));
        std::thread::spawn(move || {
            drop(state.carry_requests(&requests, client, &late));
            // What is on its way still arrives; then the thread above cuts the connection.
        });
        let state = Arc::clone(self);
        std::thread::spawn(move || {
            drop(state.carry_answers(&connection, server));
            connection.cut();
        });
        Ok(())
    }

    fn carry_requests(
        &self,
        connection: &Connection,
        mut client: TcpStream,
        late: &Sender<(Instant, Vec<u8>)>,
    ) -> io::Result<()> {
        loop {
            let frame = read_frame(&mut client)?;
            let (Some(api), Some(number)) = (i16_at(&frame, 4), i32_at(&frame, 8)) else {
                return Ok(());
            };
            let wait = match *lock(&self.trouble) {
                Trouble::Delay(wait) => Some(wait),
                Trouble::Hold(held, wait) if held as i16 == api => Some(wait),
                _ if connection.is_mute.load(Ordering::Acquire) => {
                    self.meet();
                    continue;
                }
                Trouble::None | Trouble::Hold(..) | Trouble::LoseAnswers(_) | Trouble::Mute => None,
            };
            if wait.is_some() {
                self.meet();
            }
            lock(&connection.pending).insert(number, api);
            let due = Instant::now() + wait.unwrap_or_default();
            if late.send((due, frame)).is_err() {
                return Ok(());
            }
        }
    }

    fn carry_answers(&self, connection: &Connection, mut server: TcpStream) -> io::Result<()> {
        let mut client = connection.ends[0].try_clone()?;
        loop {
            let frame = read_frame(&mut server)?;
            let number = i32_at(&frame, 4);
            let api = number.and_then(|number| lock(&connection.pending).remove(&number));
            if connection.is_mute.load(Ordering::Acquire) {
                self.meet();
                continue;
            }
            if let Trouble::LoseAnswers(lost) = *lock(&self.trouble)
                && api == Some(lost as i16)
            {
                self.meet();
                return Ok(());
            }
            client.write_all(&frame)?;
        }
    }

    fn meet(&self) {
        self.met.fetch_add(1, Ordering::AcqRel);
    }
}

impl Connection {
    fn cut(&self) {
        for end in &self.ends {
            // The other side may have been first.
            drop(end.shutdown(Shutdown::Both));
        }
    }
}

/// Hands on what has its time, in order.
fn carry_late(due: &Receiver<(Instant, Vec<u8>)>, mut server: TcpStream) -> io::Result<()> {
    for (at, frame) in due {
        pass(at.saturating_duration_since(Instant::now()));
        server.write_all(&frame)?;
    }
    Ok(())
}

/// A length and as many bytes, together.
fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    stream.read_exact(&mut frame)?;
    let length = i32_at(&frame, 0).and_then(|length| usize::try_from(length).ok());
    let length = length.filter(|length| *length <= FRAME_BYTES_MAX);
    let length = length.ok_or(io::ErrorKind::InvalidData)?;
    frame.resize(4 + length, 0);
    stream.read_exact(&mut frame[4..])?;
    Ok(frame)
}

fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(i16::from_be_bytes(bytes.try_into().ok()?))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(i32::from_be_bytes(bytes.try_into().ok()?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panics ends its connection and leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
