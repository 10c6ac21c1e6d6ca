use super::*;
use crate::plan_file::{Sources, check};

/// A set with one plan of that name.
fn set(name: &str) -> PlanSet {
    let text = format!("version: 1\nplans: [ {{ name: {name} }} ]\n");
    check(Sources::from_text("plan.yaml", &text))
        .into_set()
        .unwrap()
}

/// A record of the log, as the broker hands it out.
fn record_at(offset: i64, at_ms: i64, set: &PlanSet, is_activation: bool) -> Record {
    let record = record("edits", set, is_activation);
    Record {
        input: 0,
        partition: 0,
        offset,
        timestamp_ms: at_ms,
        key: record.key,
        value: record.value,
        headers: record.headers,
    }
}

/// A log of plans by name, with their instants, and whether they are activated.
fn log(records: &[(i64, &str, bool)]) -> EditLog {
    let mut log = EditLog::default();
    for (offset, (at_ms, name, is_activation)) in (0..).zip(records) {
        let taken = log.take(&record_at(offset, *at_ms, &set(name), *is_activation));
        assert!(!matches!(taken, Taken::Refused(_)), "{taken:?}");
    }
    log
}

/// Instants and plans of the edits.
fn edits(log: &EditLog) -> Vec<(i64, String)> {
    let name = |edit: &Edit| {
        log.set(&edit.hash).unwrap().revision().plans[0]
            .name
            .to_string()
    };
    let edits = log.edits().iter();
    edits
        .map(|edit| (edit.at.as_millis(), name(edit)))
        .collect()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

#[test]
fn a_revision_that_was_seen_comes_back_by_activation_only() {
    let log = log(&[
        (10, "a", false),
        (20, "b", false),
        (30, "a", false),
        (40, "b", true),
        (50, "a", true),
        (60, "b", false),
    ]);
    let expected = [(10, "a"), (20, "b"), (50, "a")].map(|(at, name)| (at, name.to_owned()));
    assert_eq!(edits(&log), expected);
    assert_eq!(log.next(), 6);
    assert!(log.in_force().unwrap().is_activation);
    let rules = log.rules().unwrap();
    let name = |ms| rules.at(at(ms)).plans[0].name.to_string();
    let names = [0, 10, 19, 20, 49, 50, 99].map(name);
    assert_eq!(names, ["a", "a", "a", "b", "b", "a", "a"]);
}

#[test]
fn what_is_read_back_is_the_revision_that_was_written() {
    let written = set("a");
    let mut log = EditLog::default();
    log.take(&record_at(0, 1, &written, false));
    let hash = &written.revision().id;
    assert_eq!(log.set(hash).unwrap().revision(), written.revision());
    assert_eq!(log.set(hash).unwrap().content(), written.content());
}

#[test]
fn the_order_of_the_log_stands_above_a_clock_that_goes_back() {
    let log = log(&[
        (10, "a", false),
        (50, "b", false),
        (40, "c", false),
        (51, "d", false),
    ]);
    let expected = [(10, "a"), (50, "b"), (51, "c"), (52, "d")];
    assert_eq!(
        edits(&log),
        expected.map(|(at, name)| (at, name.to_owned()))
    );
    let rules = log.rules().unwrap();
    assert_eq!(*rules.at(at(52)).plans[0].name, *"d");
}

#[test]
fn what_cannot_be_used_is_refused_by_name_and_the_log_goes_on() {
    let mut log = log(&[(10, "a", false)]);
    let sound = record_at(1, 20, &set("b"), false);
    let hash = String::from_utf8(sound.key.clone().unwrap()).unwrap();
    let nonsense = r#"{"version":1,"plans":[{"nmae":"b"}]}"#;
    let unreadable = plan_file::hash(nonsense);
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    let cases = [
        (None, sound.value.clone(), "its key is not the hash"),
        (sound.key.clone(), None, hash.as_str()),
        (sound.key.clone(), bytes("{}"), hash.as_str()),
        (bytes(&unreadable), bytes(nonsense), unreadable.as_str()),
    ];
    for (offset, (key, value, named)) in (1..).zip(cases) {
        let record = Record {
            offset,
            key,
            value,
            ..sound.clone()
        };
        match log.take(&record) {
            Taken::Refused(refusal) => assert!(refusal.to_string().contains(named), "{refusal}"),
            Taken::Edited(_) | Taken::Repeated => panic!("{named} was not refused"),
        }
    }
    let sound = Record { offset: 5, ..sound };
    assert!(matches!(log.take(&sound), Taken::Edited(_)));
    assert_eq!((log.edits().len(), log.next()), (2, 6));
}

#[test]
fn a_revision_is_found_by_the_beginning_of_its_hash() {
    let two = log(&[(10, "a", false), (20, "b", false)]);
    let hash = two.edits()[1].hash.to_string();
    assert_eq!(*two.find(first_digits(&hash)).unwrap().revision().id, *hash);
    assert_eq!(
        two.find("").unwrap_err(),
        FindError::Unknown(String::new()),
        "nothing is no beginning"
    );
    let unknown = FindError::Unknown("xyz".to_owned());
    assert_eq!(two.find("xyz").unwrap_err(), unknown);
    // Seventeen hashes begin with sixteen digits.
    let names: Vec<String> = (0..17).map(|number| format!("p{number}")).collect();
    let records: Vec<_> = names.iter().map(|name| (1, name.as_str(), false)).collect();
    let many = log(&records);
    let firsts = many.edits().iter().map(|edit| edit.hash[..1].to_owned());
    let ambiguous = firsts
        .filter(|first| matches!(many.find(first), Err(FindError::Ambiguous { .. })))
        .count();
    assert!(ambiguous >= 2);
}
