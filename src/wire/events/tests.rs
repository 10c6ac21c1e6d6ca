use super::*;

fn read(text: &str) -> Vec<Result<(u64, String), String>> {
    Events::new(text.as_bytes())
        .map(|item| {
            item.map(|(line, fact)| (line, fact.ticket_id.to_string()))
                .map_err(|error| {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    format!("{error}: {}", cause.unwrap_or_default())
                })
        })
        .collect()
}

const CREATED: &str = r#"{"topic":"ticket-created","value":{"ticket_id":"T1","occurred_at":"2100-01-01T00:00:00Z","ticket":{}}}"#;
const UPDATED: &str = r#"{ "value" : {"ticket_id":"T2","occurred_at":"1999-01-01T00:00:00Z"} , "topic": "ticket-updated", "x": 1 }"#;

#[test]
fn lines_are_read_in_the_files_order_with_their_numbers() {
    let text = format!("\u{feff}{CREATED}\n\n  \r\n{UPDATED}\r\n{CREATED}");
    let expected = [(1, "T1"), (4, "T2"), (5, "T1")];
    assert_eq!(
        read(&text),
        expected.map(|(line, id)| Ok((line, id.to_owned())))
    );
}

#[test]
fn the_hash_is_that_of_the_value_as_it_stands_in_the_line() {
    let (_, fact) = Events::new(UPDATED.as_bytes()).next().unwrap().unwrap();
    let value = br#"{"ticket_id":"T2","occurred_at":"1999-01-01T00:00:00Z"}"#;
    assert_eq!(fact.fact.record_hash, record_hash(value));
}

#[test]
fn errors_name_the_line_and_the_reason_and_the_next_line_is_read() {
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    for (bad, words) in [
        ("nonsense", "expected ident"),
        (
            r#"{"topic":"other","value":{}}"#,
            "`topic` is `other`; write `ticket-created` or `ticket-updated`",
        ),
        (
            r#"{"topic":"ticket-update","value":{}}"#,
            "`topic` is `ticket-update`; did you mean `ticket-updated`?",
        ),
        (r#"{"topic":7,"value":{}}"#, "at column 10"),
        (r#"{"topic":"ticket-created"}"#, "missing field `value`"),
        (r#"{"topic":"ticket-created","value":7}"#, "not an object"),
        (
            r#"{"topic":"ticket-created","value":{}}"#,
            "`ticket_id` is missing",
        ),
        (
            r#"{"topic":"ticket-updated","value":{"ticket_id":"T1","occurred_at":"1969-01-01T00:00:00Z"}}"#,
            "before 1970",
        ),
        (&long, "more than 2097152 bytes"),
    ] {
        let items = read(&format!("{CREATED}\n{bad}\n{UPDATED}\n"));
        assert_eq!(items.len(), 3);
        let error = items[1].as_ref().unwrap_err();
        assert!(
            error.contains("line 2 ") && error.contains(words),
            "{error}"
        );
        assert_eq!(items[2], Ok((3, "T2".to_owned())));
    }
}

#[test]
fn a_value_is_as_long_as_one_of_a_record_at_most() {
    // Blanks count, as they do in a record: the value is what stands in the line.
    let value = |bytes: usize| {
        let value = r#"{"ticket_id":"T1","occurred_at":"2026-11-23T10:00:00Z","ticket":{}"#;
        format!("{value}{}}}", " ".repeat(bytes - value.len() - 1))
    };
    let line = |bytes| format!(r#"{{"topic":"ticket-created","value":{}}}"#, value(bytes));
    assert_eq!(read(&line(VALUE_BYTES_MAX)), [Ok((1, "T1".to_owned()))]);
    assert!(read_value(Input::Created, &value(VALUE_BYTES_MAX)).is_ok());

    let lines = format!("{}\n{CREATED}\n", line(VALUE_BYTES_MAX + 1));
    let items = read(&lines);
    let error = items[0].as_ref().unwrap_err();
    assert!(error.contains("line 1 ") && error.contains("the value has 1048577 bytes"));
    assert_eq!(items[1], Ok((2, "T1".to_owned())));
    let refusal = read_value(Input::Created, &value(VALUE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(refusal.reason, DeadLetterReason::TooLarge);
}

#[test]
fn a_failing_reader_ends_the_events() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let mut events = Events::new(io::BufReader::new(Failing));
    let error = events.next().unwrap().unwrap_err();
    assert!(matches!(error, Error::Read { line: 1, .. }));
    assert_eq!(error.line(), 1);
    assert!(events.next().is_none());
}
