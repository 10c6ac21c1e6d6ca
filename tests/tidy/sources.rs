//! Sizes, names and words of the Rust files.

use super::{File, assert_none, rust_files};

/// A file is one noun; what is longer holds two.
const LINES_LIMIT: usize = 500;

/// Words that no line may hold, in two parts so that this file does not hold them, each with the
/// reason.
const BANNED: &[(&str, &str, &str)] = &[
    ("TO", "DO", "do it now, or leave it"),
    ("FIX", "ME", "mend it now"),
    ("db", "g!(", "log it, or leave it out"),
    ("unimplemented", "!(", "leave out what does not work yet"),
    ("#[ig", "nore", "a test that does not run proves nothing"),
    ("#[should_", "panic", "test the value that is returned"),
    ("#[al", "low(", "use #[expect(…, reason = …)]"),
    ("#![al", "low(", "use #![expect(…, reason = …)]"),
];

fn too_long(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > LINES_LIMIT).then(|| format!("{}: {lines} lines; make it two nouns", file.path))
}

fn banned_words(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        for (start, end, reason) in BANNED {
            let word = format!("{start}{end}");
            if line.contains(&word) {
                found.push(format!("{}:{number}: {word}: {reason}", file.path));
            }
        }
    }
    found
}

/// Test names are statements, and a statement does not begin with the word test.
fn prefixed_tests(file: &File) -> Vec<String> {
    let lines = (1..).zip(file.text.lines());
    lines
        .filter(|(_, line)| line.trim_start().starts_with(concat!("fn ", "test_")))
        .map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
        .collect()
}

/// Whether a file begins by saying what it is for; files of tests are for what they test.
fn lacks_module_doc(file: &File) -> bool {
    let is_test = file.path.ends_with("tests.rs") || file.path.contains("/tests/");
    !is_test && !file.text.starts_with("//!")
}

/// Tests that sleep in the hope that something has happened. Only `tests/support/` may, where it asks
/// another process again and again, with an end.
fn sleeping_tests(file: &File) -> Vec<String> {
    let is_test = file.path.ends_with("tests.rs")
        || file.path.starts_with("engine/tests/")
        || (file.path.starts_with("tests/") && !file.path.starts_with("tests/support/"));
    let sleep = concat!("thread::", "sleep");
    let lines = (1..).zip(file.text.lines());
    lines
        .filter(|(_, line)| is_test && line.contains(sleep))
        .map(|(number, _)| {
            format!(
                "{}:{number}: wait for what must happen, with tests/support",
                file.path
            )
        })
        .collect()
}

#[test]
fn files_are_short() {
    let found: Vec<_> = rust_files().iter().filter_map(too_long).collect();
    assert_none(&found);
}

#[test]
fn no_line_holds_a_banned_word() {
    let found: Vec<_> = rust_files().iter().flat_map(banned_words).collect();
    assert_none(&found);
}

#[test]
fn names_of_tests_are_statements() {
    let found: Vec<_> = rust_files().iter().flat_map(prefixed_tests).collect();
    assert_none(&found);
}

#[test]
fn tests_do_not_sleep() {
    let found: Vec<_> = rust_files().iter().flat_map(sleeping_tests).collect();
    assert_none(&found);
}

#[test]
fn every_module_says_what_it_is_for() {
    let files = rust_files();
    let found = files.iter().filter(|file| lacks_module_doc(file));
    let found: Vec<_> = found.map(|file| file.path.clone()).collect();
    assert_none(&found);
}

#[test]
fn the_checks_find_what_they_look_for() {
    let file = |path: &str, text: String| File {
        path: path.to_owned(),
        text,
    };
    assert!(too_long(&file("src/a.rs", "\n".repeat(501))).is_some());
    assert!(too_long(&file("src/a.rs", "\n".repeat(500))).is_none());
    for (start, end, _) in BANNED {
        let line = format!("    {start}{end}");
        assert_eq!(banned_words(&file("src/a.rs", line)).len(), 1);
    }
    let test = format!("    fn {}it_works() {{}}", "test_");
    assert_eq!(prefixed_tests(&file("src/a.rs", test)).len(), 1);
    let sleep = format!("std::{}{}(x)", "thread::", "sleep");
    assert_eq!(sleeping_tests(&file("tests/a.rs", sleep.clone())).len(), 1);
    assert_eq!(sleeping_tests(&file("src/a.rs", sleep)).len(), 0);
    assert!(lacks_module_doc(&file("src/a.rs", "use x;".to_owned())));
}
