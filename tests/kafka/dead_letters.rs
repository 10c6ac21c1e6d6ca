//! Dead letters are listed, shown, and replayed to where they came from; a second failure is known.

use rdkafka::producer::Producer;
use serde_json::{Value, json};

use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::broker::broker;
use crate::support::client::{self, Seen, Sent, producer, unique};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

/// A field of another type than it must have.
const POISON: &[u8] = br#"{"ticket_id":"T1","occurred_at":"2026-09-21T10:00:00Z","ticket":[1]}"#;

const AT_MS: i64 = 1_790_000_000_000;

/// Runs `dlq` with the settings of a site; answers with its exit code and what it printed.
fn dlq(site: &Site, arguments: &[&str]) -> (i32, String) {
    let config = site.path().join("escalator.toml");
    let settings = ["--config", config.to_str().unwrap()];
    let arguments = [&["dlq"], arguments, &settings].concat();
    let mut command = Escalator::start(site.path(), &unique("dlq"), &arguments);
    let code = command.wait().code().unwrap();
    (code, command.log())
}

fn dlq_json(site: &Site, arguments: &[&str]) -> Value {
    let (code, printed) = dlq(site, &[arguments, &["--output", "json"]].concat());
    assert_eq!(code, 0, "{printed}");
    serde_json::from_str(&printed).unwrap()
}

fn send(site: &Site, input: &str, key: &str, value: &[u8]) {
    let sent = Sent {
        partition: 1,
        key: Some(key.as_bytes()),
        value: Some(value),
        timestamp_ms: Some(AT_MS),
        headers: vec![("traceparent", b"00-1")],
    };
    let producer = producer(
        &broker().address,
        &[("acks", "all"), ("message.max.bytes", "20000000")],
    );
    client::send(&producer, &site.topic(input), &[sent]);
    producer.flush(PATIENCE).unwrap();
}

/// A site, and its service that serves.
fn started() -> (Site, Escalator) {
    let site = Site::new(
        TELLS_OF_EVERY_TICKET,
        2,
        "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n",
    );
    let service = site.start("one");
    wait_until("the start", PATIENCE, || {
        service.log().contains("goes on from").then_some(())
    });
    (site, service)
}

fn wait_for_letters(site: &Site, count: usize) -> Vec<Seen> {
    wait_until("the dead letters", PATIENCE, || {
        Some(site.read("dead")).filter(|letters| letters.len() == count)
    })
}

fn header<'a>(record: &'a Seen, name: &str) -> Option<&'a [u8]> {
    let found = record.headers.iter().find(|(own, _)| own == name)?;
    found.1.as_deref()
}

#[test]
fn a_letter_is_listed_shown_replayed_and_recognised_when_it_fails_again() {
    let (site, service) = started();
    let (_, printed) = dlq(&site, &["list"]);
    assert_eq!(printed, "there are no such dead letters\n");
    send(&site, "created", "T\x1b1", POISON);
    send(&site, "updated", "T2", b"{sealed");
    // More than the letters' topic takes: the letter has no value.
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(9 << 20));
    send(&site, "updated", "T3", large.as_bytes());
    let letters = wait_for_letters(&site, 3);
    let place = |key: &str| {
        let found = letters.iter().find(|letter| letter.text().0 == key);
        format!("1:{}", found.unwrap().offset)
    };
    let [first, second, cut] = ["T\x1b1", "T2", "T3"].map(place);
    assert_listed(&site, &first);
    assert_shown(&site, &second);

    // Nothing happens in a rehearsal, and what was cut off cannot be replayed.
    let (code, printed) = dlq(&site, &["replay", "--all", "--dry-run"]);
    assert_eq!(code, 1, "{printed}");
    let count = "2 dead letters to be replayed, 0 left out, 1 refused";
    assert!(printed.contains(count), "{printed}");
    assert!(printed.contains(&format!("{cut} cannot be replayed: its value was left out")));
    assert_eq!(site.read("created").len(), 1);

    let replayed = dlq_json(&site, &["replay", "--reason", "wrong_type"]);
    assert_eq!(
        (&replayed["replayed"], &replayed["dry_run"]),
        (&json!(1), &json!(false))
    );
    let letters = wait_for_letters(&site, 4);
    assert_replayed(&site, POISON, &first);
    assert_second_failure_is_left_out(&site, &letters, &first);
    assert!(service.stop().success());
}

/// A value that is longer than one may be, though its topics take it.
#[test]
fn a_large_letter_is_replayed_as_long_as_its_topic_takes_it() {
    let (site, service) = started();
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(2 << 20));
    send(&site, "updated", "T1", large.as_bytes());
    wait_for_letters(&site, 1);
    let replayed = dlq_json(&site, &["replay", "--all"]);
    assert_eq!(replayed["replayed"], 1, "{replayed}");
    wait_for_letters(&site, 2);

    client::limit_records(&broker().address, &site.topic("updated"), 1_048_588);
    send(&site, "updated", "T2", b"{sealed");
    let letters = wait_for_letters(&site, 3);
    let place = |key: &str| {
        let mut found = letters.iter().filter(|letter| letter.text().0 == key);
        format!("1:{}", found.next_back().unwrap().offset)
    };
    let [large, small] = ["T1", "T2"].map(place);
    let (code, printed) = dlq(&site, &["replay", &large, &small]);
    assert_eq!(code, 1, "{printed}");
    let refused = format!("{large} cannot be replayed: its topic takes no record of so many bytes");
    assert!(printed.contains(&refused), "{printed}");
    assert!(
        printed.contains("1 dead letter replayed, 0 left out, 1 refused"),
        "{printed}"
    );
    wait_for_letters(&site, 4);
    assert!(service.stop().success());
}

fn assert_listed(site: &Site, first: &str) {
    let listed = dlq_json(site, &["list"]);
    let counts = json!({ "too_large": 1, "unreadable": 1, "wrong_type": 1 });
    assert_eq!(listed["counts"], counts);
    let of_reason = dlq_json(site, &["list", "--reason", "wrong_type"]);
    let line = &of_reason["letters"][0];
    let expected = json!({
        "letter": first, "reason": "wrong_type", "topic": site.topic("created"), "partition": 1,
        "offset": 0, "timestamp": "2026-09-21T14:13:20Z", "key": "T\\u{1b}1",
        "value_bytes": POISON.len(), "truncated": false, "replayed": null,
        "second_failure": false, "failed_again_as": null, "error": line["error"],
    });
    assert_eq!(line, &expected);
    assert_eq!(of_reason["letters"].as_array().unwrap().len(), 1);
    let (code, printed) = dlq(site, &["list", "--limit", "1"]);
    assert_eq!(code, 0, "{printed}");
    let last = "3 dead letters: 1 too_large, 1 unreadable, 1 wrong_type; the latest 1";
    assert!(printed.contains(last), "{printed}");
}

fn assert_shown(site: &Site, letter: &str) {
    let (code, printed) = dlq(site, &["show", letter]);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("traceparent"), "{printed}");
    assert!(!printed.contains("sealed"), "{printed}");
    let shown = dlq_json(site, &["show", letter, "--value", "text"]);
    assert_eq!(shown["value"], "{sealed");
    assert_eq!(
        shown["headers"],
        json!([{ "name": "traceparent", "value": "00-1" }])
    );
    let (code, printed) = dlq(site, &["show", "1:4711"]);
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("there is no dead letter 1:4711"),
        "{printed}"
    );
}

/// The second failure of a letter is marked, and neither it nor the first is replayed by itself.
fn assert_second_failure_is_left_out(site: &Site, letters: &[Seen], first: &str) {
    let marked = |letter: &&Seen| header(letter, "replayed").is_some();
    let again = letters.iter().find(marked).unwrap();
    assert_eq!(header(again, "replayed"), Some(first.as_bytes()));
    assert_eq!(header(again, "reason"), Some(&b"wrong_type"[..]));
    let again = format!("1:{}", again.offset);
    let listed = dlq_json(site, &["list", "--reason", "wrong_type"]);
    let both = listed["letters"].as_array().unwrap().iter();
    let both = both.map(|line| {
        (
            &line["letter"],
            &line["second_failure"],
            &line["failed_again_as"],
        )
    });
    let expected = json!([[first, false, again], [again, true, null]]);
    assert_eq!(
        serde_json::to_value(both.collect::<Vec<_>>()).unwrap(),
        expected
    );
    let left = dlq_json(site, &["replay", "--reason", "wrong_type"]);
    assert_eq!(
        (&left["replayed"], &left["left_out"]),
        (&json!(0), &json!(2))
    );
    let named = dlq_json(site, &["replay", &again]);
    assert_eq!(named["replayed"], 1, "{named}");
    let letters = wait_for_letters(site, 5);
    let marks = letters
        .iter()
        .filter_map(|letter| header(letter, "replayed"));
    assert_eq!(marks.filter(|mark| *mark == again.as_bytes()).count(), 1);
}

/// The record stands in its input once more, as it was, with the letter's name on it.
fn assert_replayed(site: &Site, value: &[u8], letter: &str) {
    let records = site.read("created");
    let [original, replayed] = &records[..] else {
        panic!("there are {} records", records.len());
    };
    assert_eq!(replayed.value.as_deref(), Some(value));
    assert_eq!(replayed.key, original.key);
    assert_eq!(replayed.partition, original.partition);
    assert_eq!(replayed.timestamp_ms, AT_MS);
    assert_eq!(header(replayed, "traceparent"), Some(&b"00-1"[..]));
    assert_eq!(header(replayed, "replayed"), Some(letter.as_bytes()));
    assert_eq!(replayed.headers.len(), 2, "{:?}", replayed.headers);
}

#[test]
fn a_topic_that_is_not_there_is_trouble_with_a_remedy() {
    let site = Site::new(TELLS_OF_EVERY_TICKET, 1, "");
    let (code, printed) = dlq(&site, &["list"]);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("does not exist; run `"), "{printed}");
}
