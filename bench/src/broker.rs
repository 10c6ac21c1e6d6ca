//! A real Kafka of one node, from the jars that the project's tests use.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::Process;

const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Kafka's own defaults of `kafka-server-start.sh`.
const JVM: [&str; 5] = [
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
];

/// The broker, which ends with the bench.
pub struct Broker {
    /// `host:port` for clients.
    pub address: String,
    /// Its process.
    pub process: Process,
}

impl Broker {
    /// Starts one on an empty directory below `work`; its jars are at `project`.
    pub fn start(project: &Path, work: &Path) -> Result<Self> {
        let jars = jars(project)?;
        let directory = work.join("kafka");
        fs::create_dir_all(&directory)?;
        let (port, controller) = (free_port()?, free_port()?);
        let settings = directory.join("server.properties");
        fs::write(&settings, properties(port, controller, &directory))?;
        let output = java(&jars)
            .arg("kafka.tools.StorageTool")
            .args(["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"])
            .arg(&settings)
            .env("LOG_DIR", &directory)
            .output()
            .context("starting `java`: install a JDK of version 17 or newer")?;
        if !output.status.success() {
            bail!(
                "formatting the broker's storage: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let mut command = java(&jars);
        command
            .arg("kafka.Kafka")
            .arg(&settings)
            .env("LOG_DIR", &directory);
        let mut broker = Self {
            address: format!("127.0.0.1:{port}"),
            process: Process::start(&mut command, &directory.join("broker.log"))?,
        };
        let since = Instant::now();
        while TcpStream::connect(&broker.address).is_err() {
            broker.process.check().context("starting the broker")?;
            if since.elapsed() > START_TIMEOUT {
                bail!("the broker did not come up:\n{}", broker.process.log_tail());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(broker)
    }
}

fn properties(port: u16, controller: u16, directory: &Path) -> String {
    let data = directory.join("data");
    let data = data.display();
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={data}\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=4\n\
         group.initial.rebalance.delay.ms=0\n\
         transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n\
         log.cleaner.dedupe.buffer.size=16777216\n\
         log.retention.ms=-1\n\
         log.segment.delete.delay.ms=1000\n"
    )
}

fn java(jars: &Path) -> Command {
    let mut java = Command::new("java");
    java.args(JVM)
        .args(["-cp", &format!("{}/*", jars.display())]);
    java
}

/// The broker's jars; brought from Maven once, and shared with the tests.
fn jars(project: &Path) -> Result<PathBuf> {
    let pom = project.join("tests/broker/pom.xml");
    let text = fs::read_to_string(&pom).with_context(|| format!("reading {}", pom.display()))?;
    let version = text.split("<artifactId>kafka_2.13</artifactId>").nth(1);
    let version = version.and_then(|rest| rest.split("<version>").nth(1)?.split('<').next());
    let version = version.context("tests/broker/pom.xml names no version of kafka_2.13")?;
    let jars = project.join("target").join(format!("kafka-jars-{version}"));
    if jars.join("complete").exists() {
        return Ok(jars);
    }
    let status = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", jars.display()))
        .status()
        .context("starting `mvn`: install Maven")?;
    if !status.success() {
        bail!("Maven could not bring the broker's jars");
    }
    fs::write(jars.join("complete"), version)?;
    Ok(jars)
}

/// A port that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
