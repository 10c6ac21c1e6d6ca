//! The rules of the house that the compiler and its lints do not know.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod deploy;
mod events;
mod imports;
mod readme;
mod sources;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};

/// The top of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository as text.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A text file with its path below the top.
struct File {
    path: String,
    text: String,
}

/// Every file below these folders and with this extension, in order.
fn files(folders: &[&str], extension: &str) -> Vec<File> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root().join(folder), extension, &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| File {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(root()).unwrap().display().to_string(),
        })
        .collect()
}

fn collect(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) {
    // A folder that is not there holds no file.
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, extension, paths);
        } else if path.extension().is_some_and(|it| it == extension) {
            paths.push(path);
        }
    }
}

/// Every Rust file of the workspace.
fn rust_files() -> Vec<File> {
    let files = files(&["src", "engine", "tests", "bench"], "rs");
    let built = |file: &File| file.path.contains("/target/");
    files.into_iter().filter(|file| !built(file)).collect()
}

/// Fails with all that was found, one a line.
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
