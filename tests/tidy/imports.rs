//! Who may name whom: the directions of imports, and who may touch the outside.

use super::{File, assert_none, files, read};

/// A name, the files that may use it, and what the others do instead.
struct Rule {
    name: &'static str,
    allowed: &'static [&'static str],
    instead: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        name: "rdkafka",
        allowed: &["src/kafka"],
        instead: "go through crate::kafka",
    },
    Rule {
        name: "rdkafka_sys",
        allowed: &["src/kafka"],
        instead: "go through crate::kafka",
    },
    Rule {
        name: "apache_avro",
        allowed: &["src/wire"],
        instead: "go through crate::wire",
    },
    Rule {
        name: "ureq",
        allowed: &["src/registry"],
        instead: "go through crate::registry",
    },
    Rule {
        name: "config::Config",
        allowed: &["src/settings", "src/cli"],
        instead: "go through crate::settings",
    },
    Rule {
        name: "config::File",
        allowed: &["src/settings"],
        instead: "go through crate::settings",
    },
    Rule {
        name: "config::Environment",
        allowed: &["src/settings"],
        instead: "go through crate::settings",
    },
    Rule {
        name: "prometheus",
        allowed: &["src/metrics"],
        instead: "go through crate::metrics",
    },
    Rule {
        name: "anyhow",
        allowed: &["src/main.rs", "src/cli"],
        instead: "say what can fail with an Error of the module",
    },
    Rule {
        name: "SystemTime::now",
        allowed: &["src/main.rs", "src/cli"],
        instead: "take a Clock",
    },
    Rule {
        name: "Timestamp::now",
        allowed: &["src/main.rs", "src/cli"],
        instead: "take a Clock",
    },
    Rule {
        name: "Zoned::now",
        allowed: &["src/main.rs", "src/cli"],
        instead: "take a Clock",
    },
    Rule {
        name: "env::var",
        allowed: &["src/main.rs", "src/cli"],
        instead: "take a setting",
    },
    Rule {
        name: "env::vars",
        allowed: &["src/main.rs", "src/cli"],
        instead: "take a setting",
    },
    Rule {
        name: "env::vars_os",
        allowed: &["src/main.rs", "src/cli"],
        instead: "take a setting",
    },
    Rule {
        name: "libmimalloc_sys",
        allowed: &["src/memory.rs"],
        instead: "go through crate::memory",
    },
    Rule {
        name: "libc",
        allowed: &["src/memory.rs"],
        instead: "find a safe way",
    },
    Rule {
        name: "unsafe",
        allowed: &[
            "src/kafka/native.rs",
            "src/kafka/native/offsets.rs",
            "src/memory.rs",
            "tests/bad_input/counting.rs",
        ],
        instead: "put the call behind a safe function in src/kafka/native.rs or beside it",
    },
    Rule {
        name: "crate::kafka",
        allowed: &[
            "src/kafka",
            "src/shard",
            "src/service",
            "src/demo",
            "src/cli",
            "src/embedded",
        ],
        instead: "take bytes",
    },
    Rule {
        name: "crate::cli",
        allowed: &["src/cli"],
        instead: "be called by it",
    },
];

/// A pair of modules that do not know each other.
const STRANGERS: &[(&str, &str)] = &[
    ("src/kafka", "crate::wire"),
    ("src/wire", "crate::kafka"),
    ("src/wire", "crate::registry"),
    ("src/partition", "crate::registry"),
    ("src/settings", "crate::kafka"),
    ("src/settings", "crate::http"),
    ("src/metrics", "crate::http"),
    ("src/http", "crate::kafka"),
    ("src/http", "crate::service"),
    ("src/plan_file", "crate::wire"),
    ("src/partition", "crate::kafka"),
];

/// What a pure core has no use for.
const NOT_IN_THE_ENGINE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::io",
    "SystemTime",
    "Instant::now",
    "tokio",
    "tracing",
    "rdkafka",
    "escalator::",
];

/// Whether a path is a module's file or below its folder.
fn belongs(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}

/// Whether a line of code, not of comment, has this name as a whole word.
fn names(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(start, _)| {
        let before = code[..start].chars().next_back();
        let after = code[start + name.len()..].chars().next();
        !before.is_some_and(part_of_a_word) && !after.is_some_and(part_of_a_word)
    })
}

fn uses(file: &File, name: &str, instead: &str) -> Vec<String> {
    let lines = (1..).zip(file.text.lines());
    lines
        .filter(|(_, line)| names(line, name))
        .map(|(number, _)| format!("{}:{number}: names {name}; {instead}", file.path))
        .collect()
}

#[test]
fn only_its_owner_names_a_library_or_the_outside() {
    let mut found = Vec::new();
    for file in files(&["src"], "rs") {
        for rule in RULES {
            if !rule
                .allowed
                .iter()
                .any(|module| belongs(&file.path, module))
            {
                found.extend(uses(&file, rule.name, rule.instead));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn modules_that_do_not_know_each_other_stay_strangers() {
    let mut found = Vec::new();
    for file in files(&["src"], "rs") {
        for (module, stranger) in STRANGERS {
            if belongs(&file.path, module) {
                found.extend(uses(&file, stranger, "whoever needs both joins them"));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn the_engine_touches_nothing() {
    let mut found = Vec::new();
    for file in files(&["engine/src"], "rs") {
        for name in NOT_IN_THE_ENGINE {
            found.extend(uses(&file, name, "the engine is handed what it needs"));
        }
    }
    assert_none(&found);
    let manifest = read("engine/Cargo.toml");
    for library in ["tokio", "rdkafka", "tracing", "prometheus", "escalator "] {
        let depends = manifest.lines().any(|line| line.starts_with(library));
        assert!(!depends, "the engine depends on {library}");
    }
}

#[test]
fn a_name_is_found_as_a_whole_word_in_code() {
    assert!(names("use rdkafka::Message;", "rdkafka"));
    assert!(!names("use rdkafka_sys as sys;", "rdkafka"));
    assert!(!names("let librdkafka = 1;", "rdkafka"));
    assert!(!names("/// What rdkafka does.", "rdkafka"));
    assert!(names("    std::env::var(x) // why", "env::var"));
    assert!(belongs("src/kafka.rs", "src/kafka"));
    assert!(belongs("src/kafka/native.rs", "src/kafka"));
    assert!(!belongs("src/kafkaesque.rs", "src/kafka"));
}
