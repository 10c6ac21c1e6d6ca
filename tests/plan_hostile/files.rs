//! Files that hold no text, directories that hold no plans, and links to somewhere else.

use std::fs;

use super::*;

#[test]
fn bytes_that_are_no_text_are_refused_at_their_place() {
    let not_utf_8 = |place| {
        let remedy = "help: save the file in the encoding UTF-8";
        refusal("error[E0101]: the file is not UTF-8", place, remedy)
    };
    let utf_16: Vec<u8> = "\u{feff}version: 1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for (name, bytes, refusal) in [
        (
            "latin 1",
            b"version: 1\nplans: [{ name: caf\xe9 }]\n".to_vec(),
            not_utf_8("plan.yaml:2:20"),
        ),
        ("UTF-16", utf_16, not_utf_8("plan.yaml:1:1")),
        ("a binary file", every_byte, not_utf_8("plan.yaml:2:118")),
        (
            "ten megabytes",
            format!("version: 1 # {}\n", "x".repeat(10 * MIB)).into_bytes(),
            refusal(
                "error[E0102]: the file is larger than 1 MiB",
                "plan.yaml:1:1",
                "help: split the plans over several files",
            ),
        ),
        (
            "a zero byte",
            b"version: 1\0\n".to_vec(),
            refusal(
                "error[E0101]: this is not YAML",
                "plan.yaml:1:11",
                "help: check indentation",
            ),
        ),
        (
            "a tag that runs something",
            b"plans: !!python/object:os.system [a]\n".to_vec(),
            refusal("unsupported tag", "plan.yaml:1:", "help: check indentation"),
        ),
        (
            "a key that is a list",
            b"? [a, b]\n: 1\n".to_vec(),
            refusal(
                "error[E0101]: a key is a list or a map",
                "plan.yaml:1:3",
                "help: write a single word before the colon",
            ),
        ),
        (
            "a merge of what nothing declares",
            b"base: &b { within: 4h }\nplans: [{ name: p, timeframes: { update: { <<: *b } } }]\n"
                .to_vec(),
            refusal(
                "error[E0104]: unknown key `base`",
                "plan.yaml:1:1",
                "help: the keys here are",
            ),
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plan.yaml");
        fs::write(&path, bytes).unwrap();
        assert_refused(name, Sources::read(&path).unwrap(), &refusal);
    }
}

#[test]
fn a_directory_that_is_none_of_plans_is_not_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let comment = format!("version: 1\n#{}\n", "x".repeat(MIB - 100));
    for number in 0..9 {
        fs::write(directory.path().join(format!("{number}.yaml")), &comment).unwrap();
    }
    let error = Sources::read(directory.path()).unwrap_err().to_string();
    assert!(error.contains("4.yaml have more than 4 MiB"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_out_of_the_directory_lead_to_nothing() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.ics");
    fs::write(
        &secret,
        "BEGIN:VCALENDAR\nX-SECRET:hunter2\nEND:VCALENDAR\n",
    )
    .unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&secret, directory.path().join("a.ics")).unwrap();
    let plan = format!(
        "calendars: {{ c: {{ time_zone: UTC, hours: {{ mon: [\"08:00-12:00\"] }}, holidays: [\n\
         {{ ics: a.ics }}, {{ ics: ../secret.ics }}, {{ ics: {} }}] }} }}\n",
        secret.display()
    );
    fs::write(directory.path().join("plan.yaml"), plan).unwrap();
    let checked = check(Sources::read(directory.path()).unwrap());
    let report = checked.report(false);
    assert_eq!(report.matches("error[E0608]").count(), 3, "{report}");
    assert_eq!(
        report.matches("lies outside of the directory").count(),
        3,
        "{report}"
    );
    assert_eq!(
        report.matches("help: copy it beside the plan file").count(),
        3,
        "{report}"
    );
    assert!(!report.contains("hunter2"), "{report}");
}
