//! The files around the code.

use super::{File, assert_none, files, read, root};

#[test]
fn the_top_level_is_complete() {
    for path in [
        ".ci/run",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "clippy.toml",
        "deny.toml",
        "deploy/Dockerfile",
        "docker-compose.yml",
        "engine/clippy.toml",
        "rust-toolchain.toml",
    ] {
        assert!(root().join(path).is_file(), "{path} is missing");
    }
}

/// Lines of prose that hold more than one sentence: a change to one sentence should be a change to
/// one line.
fn crowded_lines(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in (1..).zip(file.text.lines()) {
        let line = line.trim();
        if line.starts_with("```") {
            in_code = !in_code;
        }
        if in_code || line.starts_with(['|', '<']) {
            continue;
        }
        if has_two_sentences(line) {
            found.push(format!("{}:{number}: one sentence a line", file.path));
        }
    }
    found
}

/// Whether a full stop is followed by a capital; numbered items and abbreviations are not sentences.
fn has_two_sentences(line: &str) -> bool {
    line.match_indices(". ").any(|(stop, _)| {
        let before = line[..stop].chars().next_back();
        let after = line[stop + 2..].chars().next();
        before.is_some_and(char::is_lowercase) && after.is_some_and(char::is_uppercase)
    })
}

#[test]
fn prose_has_one_sentence_a_line() {
    let mut documents = files(&["docs"], "md");
    for path in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        if root().join(path).exists() {
            documents.push(File {
                path: path.to_owned(),
                text: read(path),
            });
        }
    }
    let found: Vec<_> = documents.iter().flat_map(crowded_lines).collect();
    assert_none(&found);
}

#[test]
fn two_sentences_are_told_from_one() {
    assert!(has_two_sentences("It stops. Then it starts."));
    assert!(!has_two_sentences("1. Write it, e.g. in a file."));
    assert!(!has_two_sentences(
        "One sentence, with version 2. 3 of them."
    ));
}

/// What CI runs is what the README tells people to run.
#[test]
fn ci_runs_the_readmes_test_command() {
    let command = "cargo test --workspace";
    for path in ["README.md", ".ci/run"] {
        assert!(read(path).lines().any(|line| line == command), "{path}");
    }
}
