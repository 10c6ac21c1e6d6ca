//! Apache Kafka in processes of its own: one node, shared by all tests of a run, or three.
//!
//! The jars come from Maven once and stay under `target`. A shell stands between the tests and the
//! broker and kills it when its standard input closes, which happens however the tests end.

pub(crate) mod secured;

use std::fs::{self, File};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::wait_until;

/// The version of the broker; the one in `tests/broker/pom.xml`. Releases from 4.3.0 to 4.4.0 lose
/// the end of a transaction whose partition has no leader at the moment (KAFKA-20734).
const VERSION: &str = "4.2.1";

/// A broker on two busy cores is up in 4 to 20 seconds.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// A broker.
pub(crate) struct Broker {
    /// `host:port` for clients.
    pub(crate) address: String,
    /// The port of its second listener, where there is one.
    pub(crate) behind_door: u16,
    heap_mb: u32,
    directory: PathBuf,
    // Its standard input keeps the broker alive.
    watchdog: Option<Child>,
}

/// The broker of this run, started by whoever asks first.
pub(crate) fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(Broker::start)
}

impl Broker {
    /// Starts a broker for one test alone, which may then do to it what others must not see.
    pub(crate) fn start() -> Self {
        Self::start_in(directory(), &More::default())
    }

    fn start_in(directory: PathBuf, more: &More) -> Self {
        let mut broker = Self::format(1, &[Ports::new()], directory, more);
        broker.start_again();
        broker
    }

    /// Starts three brokers that are one cluster, each of them a controller too, so that it outlives
    /// the loss of any one. Those who come through the second listener of a broker are sent to
    /// `doors` for it.
    pub(crate) fn start_three(doors: [u16; 3]) -> [Self; 3] {
        let ports = doors.map(|door| Ports {
            door: Some((free_port(), door)),
            ..Ports::new()
        });
        let mut brokers = std::thread::scope(|scope| {
            let format = |id| {
                let prepare = move || Self::format(id, &ports, directory(), &More::default());
                scope.spawn(prepare)
            };
            [1, 2, 3]
                .map(format)
                .map(|broker| broker.join().expect("storage can be formatted"))
        });
        for broker in &mut brokers {
            broker.spawn();
        }
        for broker in &mut brokers {
            broker.wait_until_up();
        }
        brokers
    }

    /// Prepares the node of this number, from 1, of a cluster with these ports.
    fn format(id: usize, ports: &[Ports], directory: PathBuf, more: &More) -> Self {
        let settings = directory.join("server.properties");
        fs::write(&settings, server_properties(id, ports, &directory, more))
            .expect("the settings can be written");
        format_storage(&jars(), &settings, &directory, &more.formatted);
        let own = ports[id - 1];
        Self {
            address: format!("127.0.0.1:{}", own.clients),
            behind_door: own.door.map_or(0, |(port, _)| port),
            heap_mb: if ports.len() == 1 { 768 } else { 384 },
            watchdog: None,
            directory,
        }
    }

    fn spawn(&mut self) {
        // One that has ended by itself still has its watchdog.
        self.end_watchdog();
        // Nobody is to take its last process for the new one.
        drop(fs::remove_file(self.directory.join("pid")));
        self.watchdog = Some(spawn(&jars(), self.heap_mb, &self.directory));
    }

    /// Without it the broker and its data outlive whatever happens to either.
    fn end_watchdog(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            watchdog.kill().expect("a child can be killed");
            watchdog.wait().expect("a child can be waited for");
        }
    }

    /// Ends it as a crash does; its data stay.
    pub(crate) fn kill(&mut self) {
        // The shell first: it would remove the data.
        self.end_watchdog();
        self.signal("-9");
    }

    /// Ends it in good order; its data stay.
    pub(crate) fn stop(&mut self) {
        self.end_watchdog();
        self.signal("-TERM");
        let process = self.process();
        wait_until("the end of the broker", START_TIMEOUT, || {
            (!is_alive(&process)).then_some(())
        });
    }

    /// Whether its process is there.
    pub(crate) fn is_running(&mut self) -> bool {
        let watchdog = self.watchdog.as_mut();
        let is_watched =
            watchdog.is_some_and(|child| child.try_wait().expect("a child can be asked").is_none());
        // It tells its number a moment after its start.
        let process = fs::read_to_string(self.directory.join("pid")).unwrap_or_default();
        is_watched && (process.is_empty() || is_alive(process.trim()))
    }

    /// Sends a signal such as `-STOP` to the broker itself.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.process()])
            .status();
        assert!(sent.expect("`kill` can be started").success());
    }

    /// Its process id.
    pub(crate) fn process(&self) -> String {
        let process = fs::read_to_string(self.directory.join("pid")).expect("it was written");
        process.trim().to_owned()
    }

    /// Starts it again on its data and its port.
    pub(crate) fn start_again(&mut self) {
        self.spawn();
        self.wait_until_up();
    }

    fn wait_until_up(&mut self) {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(&self.address).is_err() {
            assert!(
                self.is_running() && Instant::now() < deadline,
                "the broker did not come up; the end of its log:\n{}",
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The last lines that it has logged.
    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// What it has logged since its last start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("broker.log")).unwrap_or_default()
    }
}

/// Whether a process is there and has not ended.
fn is_alive(process: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    // The state follows the name, which stands in brackets.
    let state = stat
        .ok()
        .and_then(|stat| Some(stat.rsplit_once(") ")?.1.chars().next()));
    !matches!(state.flatten(), None | Some('Z' | 'X'))
}

/// Where one node listens.
#[derive(Clone, Copy)]
struct Ports {
    clients: u16,
    controller: u16,
    /// A second listener, and the port that is told to those who come there.
    door: Option<(u16, u16)>,
}

impl Ports {
    fn new() -> Self {
        Self {
            clients: free_port(),
            controller: free_port(),
            door: None,
        }
    }
}

/// What a broker has beyond the usual.
#[derive(Default)]
struct More {
    /// Listeners named `SECURE` and `CERTIFIED`, as in `,SECURE://host:port`.
    listeners: String,
    /// Lines of its settings.
    settings: String,
    /// Arguments with which its storage is formatted.
    formatted: Vec<String>,
}

/// A directory for a broker's data and settings; the broker's shell removes it.
fn directory() -> PathBuf {
    tempfile::Builder::new()
        .prefix("escalator-kafka-")
        .tempdir()
        .expect("a temporary directory can be made")
        .keep()
}

fn server_properties(id: usize, nodes: &[Ports], directory: &Path, more: &More) -> String {
    let own = nodes[id - 1];
    let clients = own.clients;
    let mut listeners = format!(
        "PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{}",
        own.controller
    );
    let mut advertised = format!("PLAINTEXT://127.0.0.1:{clients}");
    if let Some((port, told)) = own.door {
        listeners += &format!(",DOOR://127.0.0.1:{port}");
        advertised += &format!(",DOOR://127.0.0.1:{told}");
    }
    listeners += &more.listeners;
    advertised += &more.listeners;
    let settings = &more.settings;
    let voters: Vec<String> = (1..)
        .zip(nodes)
        .map(|(id, node)| format!("{id}@127.0.0.1:{}", node.controller))
        .collect();
    let voters = voters.join(",");
    let copies = nodes.len();
    // A majority: with three, any one may be lost.
    let copies_min = copies / 2 + 1;
    // One of several that is silent for this long loses its partitions; nine seconds would only make
    // the tests longer.
    let session_ms = if copies == 1 { 9_000 } else { 4_000 };
    format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         controller.quorum.voters={voters}\n\
         listeners={listeners}\n\
         advertised.listeners={advertised}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DOOR:PLAINTEXT,\
         SECURE:SASL_SSL,CERTIFIED:SSL\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\n\
         broker.session.timeout.ms={session_ms}\n\
         broker.heartbeat.interval.ms=500\n\
         auto.create.topics.enable=false\n\
         default.replication.factor={copies}\n\
         min.insync.replicas={copies_min}\n\
         offsets.topic.replication.factor={copies}\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor={copies}\n\
         transaction.state.log.min.isr={copies_min}\n\
         transaction.state.log.num.partitions=4\n\
         group.initial.rebalance.delay.ms=0\n\
         group.min.session.timeout.ms=1000\n\
         group.consumer.min.session.timeout.ms=1000\n\
         group.consumer.session.timeout.ms=6000\n\
         group.consumer.min.heartbeat.interval.ms=500\n\
         group.consumer.heartbeat.interval.ms=1000\n\
         transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n\
         log.cleaner.dedupe.buffer.size=16777216\n\
         log.cleaner.backoff.ms=1000\n\
         log.segment.delete.delay.ms=1000\n\
         log.retention.ms=-1\n\
         {settings}",
        directory.join("data").display()
    )
}

fn format_storage(jars: &Path, settings: &Path, directory: &Path, more: &[String]) {
    let output = java(jars, 256)
        .arg("kafka.tools.StorageTool")
        .args(["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"])
        .arg(settings)
        .args(more)
        .env("LOG_DIR", directory)
        .output()
        .expect("`java` can be started: install a JDK of version 17 or newer");
    assert!(
        output.status.success(),
        "formatting the broker's storage failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn spawn(jars: &Path, heap_mb: u32, directory: &Path) -> Child {
    let log = File::create(directory.join("broker.log")).expect("the log can be made");
    // `read` ends when the tests end, orderly or not; then the broker is killed and its data go.
    let script = "dir=$1; shift; \"$@\" </dev/null & broker=$!; echo $broker >\"$dir/pid\"; \
                  (while kill -0 $broker 2>/dev/null; do sleep 1; done; kill $$ 2>/dev/null) & \
                  read -r _; kill -9 $broker; wait $broker 2>/dev/null; rm -rf \"$dir\"";
    let broker = java(jars, heap_mb);
    let mut command = Command::new("sh");
    command.args(["-c", script, "watchdog"]).arg(directory);
    command.arg(broker.get_program()).args(broker.get_args());
    command
        .arg("kafka.Kafka")
        .arg(directory.join("server.properties"))
        .env("LOG_DIR", directory)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a file handle can be copied"))
        .stderr(log)
        .spawn()
        .expect("a shell can be started")
}

/// Runs a program of `tests/broker`; answers with what it prints.
///
/// # Errors
/// What it told when it failed.
pub(crate) fn run_program<'a>(
    program: &str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = java(&jars(), 256)
        .arg(root.join("tests/broker").join(program))
        .args(arguments)
        .output()
        .expect("`java` can be started");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

fn java(jars: &Path, heap_mb: u32) -> Command {
    let mut java = Command::new("java");
    java.arg(format!("-Xmx{heap_mb}m"));
    java.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
    java.arg(format!("{}/*", jars.display()));
    java
}

/// The directory with the broker's jars; brings them from Maven when they are not there yet.
fn jars() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let jars = root.join("target").join(format!("kafka-jars-{VERSION}"));
    fs::create_dir_all(root.join("target")).expect("`target` can be made");
    // Several test processes may run at once; the lock goes with the process.
    let lock = File::create(root.join("target/kafka-jars.lock")).expect("a lock can be made");
    lock.lock().expect("a lock can be taken");
    let complete = jars.join("complete");
    if complete.exists() {
        return jars;
    }
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(root.join("tests/broker/pom.xml"))
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", jars.display()))
        .output()
        .expect("`mvn` can be started: install Maven");
    assert!(
        output.status.success(),
        "Maven could not bring the broker's jars:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    File::create(&complete)
        .and_then(|mut file| file.write_all(VERSION.as_bytes()))
        .expect("the mark of completeness can be written");
    jars
}

/// A port that nobody listens on, below those that systems give to whoever connects: what listens
/// there can go away and come back.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test processes that run at once begin far from each other.
    let begin = std::process::id().wrapping_mul(7_919);
    let found = (0..COUNT).find_map(|_| {
        let nth = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + nth % COUNT).ok()?;
        TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    });
    found.expect("a free port can be found")
}
