//! Apache Kafka in a process of its own: one node, shared by all tests of a run.
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
use std::time::{Duration, Instant};

/// The version of the broker; the one in `tests/broker/pom.xml`.
const VERSION: &str = "4.3.0";

/// A broker on two busy cores is up in 4 to 20 seconds.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The broker of this test run.
pub(crate) struct Broker {
    /// `host:port` for clients.
    pub(crate) address: String,
    directory: PathBuf,
    // Its standard input keeps the broker alive.
    watchdog: Child,
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
        let jars = jars();
        let (port, controller) = (free_port(), free_port());
        let settings = directory.join("server.properties");
        let properties = server_properties(port, controller, &directory, more);
        fs::write(&settings, properties).expect("the settings can be written");
        format_storage(&jars, &settings, &directory, &more.formatted);
        let mut broker = Self {
            address: format!("127.0.0.1:{port}"),
            watchdog: spawn(&jars, &directory),
            directory,
        };
        broker.wait_until_up();
        broker
    }

    /// Ends it as a crash does; its data stay.
    pub(crate) fn kill(&mut self) {
        // The shell first: it would remove the data.
        self.watchdog.kill().expect("a child can be killed");
        self.watchdog.wait().expect("a child can be waited for");
        let process = fs::read_to_string(self.directory.join("pid")).expect("it was written");
        let killed = Command::new("kill").args(["-9", process.trim()]).status();
        assert!(killed.expect("`kill` can be started").success());
    }

    /// Starts it again on its data and its port.
    pub(crate) fn start_again(&mut self) {
        self.watchdog = spawn(&jars(), &self.directory);
        self.wait_until_up();
    }

    fn wait_until_up(&mut self) {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(&self.address).is_err() {
            let ended = self.watchdog.try_wait().expect("a child can be asked");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the broker did not come up; the end of its log:\n{}",
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.directory.join("broker.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// What a broker has beyond the usual.
#[derive(Default)]
struct More {
    /// A listener named `SECURE`, as in `,SECURE://host:port`.
    listener: String,
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

fn server_properties(port: u16, controller: u16, directory: &Path, more: &More) -> String {
    let data = directory.join("data");
    let More {
        listener, settings, ..
    } = more;
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port}{listener},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listener}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,\
         SECURE:SASL_SSL\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=4\n\
         group.initial.rebalance.delay.ms=0\n\
         group.min.session.timeout.ms=1000\n\
         group.consumer.min.session.timeout.ms=1000\n\
         group.consumer.session.timeout.ms=6000\n\
         group.consumer.min.heartbeat.interval.ms=500\n\
         group.consumer.heartbeat.interval.ms=1000\n\
         transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n\
         log.cleaner.dedupe.buffer.size=16777216\n\
         log.retention.ms=-1\n\
         {settings}",
        data.display()
    )
}

fn format_storage(jars: &Path, settings: &Path, directory: &Path, more: &[String]) {
    let output = java(jars)
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

fn spawn(jars: &Path, directory: &Path) -> Child {
    let log = File::create(directory.join("broker.log")).expect("the log can be made");
    // `read` ends when the tests end, orderly or not; then the broker is killed and its data go.
    let script = "dir=$1; shift; \"$@\" </dev/null & broker=$!; echo $broker >\"$dir/pid\"; \
                  (while kill -0 $broker 2>/dev/null; do sleep 1; done; kill $$ 2>/dev/null) & \
                  read -r _; kill -9 $broker; wait $broker 2>/dev/null; rm -rf \"$dir\"";
    let broker = java(jars);
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

fn java(jars: &Path) -> Command {
    let mut java = Command::new("java");
    java.args([
        "-Xmx768m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
    ]);
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

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port can be found")
        .port()
}
