//! A directory with an event file and plans, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A directory with files.
pub(crate) struct Desk(TempDir);

impl Desk {
    /// A directory with an event file `events.jsonl`.
    pub(crate) fn new(events: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("events.jsonl", events);
        desk
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in the directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
        command.env_clear().current_dir(self.0.path());
        command.args(arguments).output().unwrap()
    }
}

/// What a program that worked printed; it told nothing else.
pub(crate) fn good(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(told, "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Compares with a stored text; `UPDATE=1` stores the present one.
pub(crate) fn assert_stored(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/printed");
    let path = path.join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        stored, text,
        "{name} differs; run with UPDATE=1 and read the difference"
    );
}
