use super::*;

const INPUTS: [(&str, i32); 2] = [("ticket-created", 4), ("ticket-updated", 4)];

fn text(value: &str) -> Option<Vec<u8>> {
    Some(value.as_bytes().to_vec())
}

/// A letter as the service writes it, with these headers before its own.
fn letter(original: &[(&str, &str)], more: &[(&str, &str)]) -> Record {
    let own = [
        ("reason", "wrong_type"),
        ("error", "field `x` must be a text"),
        ("topic", "ticket-updated"),
        ("partition", "3"),
        ("offset", "42"),
        ("timestamp", "1700000000000"),
    ];
    let headers = original.iter().chain(&own).chain(more);
    Record {
        input: 0,
        partition: 3,
        offset: 7,
        timestamp_ms: 1_700_000_000_000,
        key: text("T1"),
        value: text("{}"),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), text(value)))
            .collect(),
    }
}

#[test]
fn a_replay_is_the_record_as_it_was_and_names_its_letter() {
    let letter = letter(&[("traceparent", "00-1")], &[]);
    let record = replay(&letter, &INPUTS).unwrap();
    assert_eq!((&*record.topic, record.partition), ("ticket-updated", 3));
    assert_eq!((record.key, record.value), (text("T1"), text("{}")));
    assert_eq!(record.timestamp_ms, Some(1_700_000_000_000));
    let expected = [
        ("traceparent".to_owned(), text("00-1")),
        ("replayed".to_owned(), text("3:7")),
    ];
    assert_eq!(record.headers, expected);
}

#[test]
fn a_replay_of_a_replay_names_the_later_letter_only() {
    let letter = letter(&[("replayed", "3:1"), ("traceparent", "00-1")], &[]);
    let record = replay(&letter, &INPUTS).unwrap();
    let marks = record.headers.iter().filter(|(name, _)| name == REPLAYED);
    assert_eq!(
        marks.collect::<Vec<_>>(),
        [&("replayed".to_owned(), text("3:7"))]
    );
}

#[test]
fn what_cannot_be_replayed_says_why() {
    let cut = letter(&[], &[("truncated", "true")]);
    let refused = replay(&cut, &INPUTS).unwrap_err();
    assert!(refused.to_string().contains("offset 42"), "{refused}");
    let mut foreign = letter(&[], &[]);
    foreign.headers.pop();
    assert_eq!(replay(&foreign, &INPUTS).unwrap_err(), Unfit::Foreign);
    assert_eq!(Letter::of(&foreign).about, None);
    let refused = replay(&letter(&[], &[]), &[("orders", 4)]).unwrap_err();
    assert!(
        refused.to_string().contains("`ticket-updated`"),
        "{refused}"
    );
}

#[test]
fn a_letter_of_a_partition_that_is_no_more_says_so() {
    let inputs = [("ticket-created", 4), ("ticket-updated", 3)];
    let refused = replay(&letter(&[], &[]), &inputs).unwrap_err();
    let words = "`ticket-updated` has no partition 3 now, only 3";
    assert!(refused.to_string().contains(words), "{refused}");
    let gone = [("ticket-updated", 0)];
    let refused = replay(&letter(&[], &[]), &gone).unwrap_err();
    assert!(refused.to_string().contains("does not exist"), "{refused}");
}

#[test]
fn neither_a_second_failure_nor_its_first_is_replayed_unnamed() {
    let first = Letter::of(&letter(&[], &[]));
    let mut second = letter(&[("replayed", "3:7")], &[]);
    second.offset = 9;
    let second = Letter::of(&second);
    let mut failures = SecondFailures::default();
    assert_eq!(failures.objection(&first), None);
    failures.note(&first);
    failures.note(&second);
    let objection = failures.objection(&first).unwrap();
    assert!(objection.ends_with("as 3:9"), "{objection}");
    let objection = failures.objection(&second).unwrap();
    assert!(objection.ends_with("failure of 3:7"), "{objection}");
}

#[test]
fn a_mark_of_somebody_else_is_no_second_failure() {
    // Not a letter, of another partition, itself, and one that comes later.
    for foreign in ["yes", "", "2:1", "3:7", "3:8"] {
        let letter = letter(&[("replayed", foreign)], &[]);
        assert_eq!(Letter::of(&letter).replayed(), None, "{foreign}");
        let record = replay(&letter, &INPUTS).unwrap();
        let expected = [
            ("replayed".to_owned(), text(foreign)),
            ("replayed".to_owned(), text("3:7")),
        ];
        assert_eq!(record.headers, expected, "it is kept as it was");
    }
}

#[test]
fn letters_are_named_by_partition_and_offset() {
    let position: Position = "3:42".parse().unwrap();
    assert_eq!((position.partition, position.offset), (3, 42));
    assert_eq!(position.to_string(), "3:42");
    for text in ["", "3", "3:", ":3", "3:-1", "-1:3", "3:4:5", "9999999999:1"] {
        assert!(text.parse::<Position>().is_err(), "{text}");
    }
}
