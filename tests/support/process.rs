//! The `escalator` binary as a child of the tests.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

use super::{PATIENCE, wait_until};

/// A running `escalator`; killed when it goes out of scope.
pub(crate) struct Escalator {
    child: Child,
    log: PathBuf,
}

impl Escalator {
    /// Starts the binary with these arguments; what it prints goes to a file in `directory`.
    pub(crate) fn start(directory: &Path, name: &str, arguments: &[&str]) -> Self {
        Self::start_with(directory, name, arguments, &[])
    }

    /// The same, with these variables in its environment.
    pub(crate) fn start_with(
        directory: &Path,
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let log = directory.join(format!("{name}.log"));
        let output = File::options()
            .append(true)
            .create(true)
            .open(&log)
            .expect("the log can be opened");
        let child = Command::new(env!("CARGO_BIN_EXE_escalator"))
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file handle can be copied"))
            .stderr(output)
            .spawn()
            .expect("the binary can be started");
        Self { child, log }
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What it answers over HTTP, where its log says that it listens, to a request line and headers
    /// such as `GET /metrics`; none before it does.
    pub(crate) fn ask(&self, request: &str, headers: &str) -> Option<String> {
        let log = self.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let address = lines
            .filter_map(|line| line["http.address"].as_str().map(str::to_owned))
            .next_back()?;
        // One that listens everywhere does so on loopback.
        let mut stream = TcpStream::connect(address.replace("0.0.0.0", "127.0.0.1")).ok()?;
        let request =
            format!("{request} HTTP/1.1\r\nHost: it\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Ends it as a crash does: nothing is committed, nobody is told.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&mut self) {
        self.signal("-TERM");
    }

    /// Asks it to look at its files again.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Sends it a signal such as `-STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let asked = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .expect("`kill` can be started");
        assert!(
            asked.success(),
            "the child had ended before: {}",
            self.log()
        );
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_until("the end of the process", PATIENCE, || self.ended())
    }
}

impl Drop for Escalator {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
