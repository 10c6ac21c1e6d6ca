//! What cannot be read goes to the dead letters with its reason, and its neighbours are processed.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::producer::Producer;
use serde_json::Value;

use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::broker::broker;
use crate::support::client::{Seen, Sent, producer, send};
use crate::support::{PATIENCE, wait_until};

/// A poison record: which input it goes to, its key and value, and the reason that is expected.
struct Poison {
    input: &'static str,
    key: Option<&'static str>,
    value: Vec<u8>,
    reason: &'static str,
}

fn created(fields: &str) -> Vec<u8> {
    format!(r#"{{"occurred_at":"2026-11-20T10:00:00Z",{fields}}}"#).into_bytes()
}

fn poisons() -> Vec<Poison> {
    let poison = |input, key, value, reason| Poison {
        input,
        key,
        value,
        reason,
    };
    let large = format!(r#""ticket_id":"T9","note":"{}""#, "x".repeat(10 << 20));
    let deep = format!(
        r#""ticket_id":"T9","ticket":{}"#,
        "[".repeat(10_000) + &"]".repeat(10_000)
    );
    // The fingerprint of TicketUpdated, and a text that says it is longer than the record.
    let mut lying = b"\xC3\x01".to_vec();
    lying.extend(0x3886_edd9_fa72_741d_u64.to_le_bytes());
    lying.extend(b"\xFE\xFF\xFF\xFF\x0FT9");
    let year_9999 = r#"{"ticket_id":"T9","occurred_at":"9999-12-31T23:59:59Z"}"#;
    vec![
        poison(
            "created",
            Some("T9"),
            b"\x07\x91\xF3random\x00\xFF".to_vec(),
            "unreadable",
        ),
        poison("updated", Some("T9"), lying, "unreadable"),
        poison(
            "updated",
            Some("T9"),
            b"\xC3\x0112345678".to_vec(),
            "unknown_schema",
        ),
        poison(
            "created",
            Some("T9"),
            created(r#""ticket_id":"T9","ticket":[1]"#),
            "wrong_type",
        ),
        poison("created", Some("T9"), created(&deep), "wrong_type"),
        poison("created", Some("T9"), created(&large), "too_large"),
        poison(
            "updated",
            Some("T8"),
            created(r#""ticket_id":"T9""#),
            "key_mismatch",
        ),
        poison(
            "created",
            Some("T9"),
            created(r#""ticket":{}"#),
            "wrong_shape",
        ),
        poison(
            "created",
            Some("T9"),
            year_9999.into(),
            "instant_out_of_range",
        ),
        poison(
            "updated",
            Some("T9"),
            b"{\"ticket_id\":\"T9\"".to_vec(),
            "unreadable",
        ),
        poison("updated", Some("T9"), Vec::new(), "empty"),
    ]
}

fn record<'a>(key: Option<&'a str>, value: &'a [u8], at_ms: i64) -> Sent<'a> {
    Sent {
        key: key.map(str::as_bytes),
        value: Some(value),
        timestamp_ms: Some(at_ms),
        headers: vec![("source", b"desk")],
        ..Sent::default()
    }
}

#[test]
fn poison_of_every_kind_becomes_a_dead_letter_and_its_neighbours_are_processed() {
    let site = Site::new(
        TELLS_OF_EVERY_TICKET,
        1,
        "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n",
    );
    let producer = producer(
        &broker().address,
        &[("acks", "all"), ("message.max.bytes", "20000000")],
    );
    let poisons = poisons();
    let mut at_ms = 1_790_000_000_000;
    for (number, poison) in poisons.iter().enumerate() {
        for neighbour in [format!("before-{number}"), format!("after-{number}")] {
            let fields = if poison.input == "created" {
                "ticket"
            } else {
                "changes"
            };
            let value = created(&format!(
                r#""ticket_id":"{neighbour}","{fields}":{{"status":"open"}}"#
            ));
            let input = site.topic(poison.input);
            let near = record(Some(&neighbour), &value, at_ms);
            send(&producer, &input, &[near]);
            if neighbour.starts_with("before") {
                let poison = record(poison.key, &poison.value, at_ms + 1);
                send(&producer, &input, &[poison]);
            }
            at_ms += 2;
        }
    }
    producer.flush(PATIENCE).unwrap();
    let service = site.start("one");
    wait_until("every neighbour", PATIENCE, || {
        let told = service.log().contains("goes on from") && {
            site.read("escalated").len() == 2 * poisons.len()
        };
        told.then_some(())
    });
    assert!(service.stop().success());
    let letters = site.read("dead");
    assert_eq!(letters.len(), poisons.len());
    for poison in &poisons {
        let found = letters.iter().filter(|letter| is_of(letter, poison, &site));
        assert_eq!(found.count(), 1, "{}", poison.reason);
    }
    let notify: Vec<Value> = site
        .read("notify")
        .iter()
        .map(|record| serde_json::from_str(&record.text().1).unwrap())
        .collect();
    assert_eq!(notify.len(), 2 * poisons.len());
    assert_dead_letters_are_told(&site);
}

/// The log has a line for every kind of reason, and nothing of what the records hold.
fn assert_dead_letters_are_told(site: &Site) {
    let log = std::fs::read_to_string(site.path().join("one.log")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = lines
        .filter(|line: &Value| line["dead_letters.reason"].is_string())
        .collect();
    let reasons: BTreeSet<&str> = told
        .iter()
        .map(|line| line["dead_letters.reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, poisons().iter().map(|it| it.reason).collect());
    for line in &told {
        assert_eq!(line["level"], "WARN", "{line}");
        assert!(line["kafka.offset"].is_i64(), "{line}");
    }
    // Names of topics are random letters, which may be those of a ticket.
    let log = log.replace(site.topic("").trim_end_matches('-'), "");
    for content in ["random", "T9", "T8", "before-", "desk"] {
        assert!(!log.contains(content), "{content} is logged: {log}");
    }
}

/// Whether a letter is the copy of a poison record: its own key and timestamp, its value where that
/// fits, and where it came from.
fn is_of(letter: &Seen, poison: &Poison, site: &Site) -> bool {
    let headers: BTreeMap<&str, String> = letter
        .headers
        .iter()
        .map(|(name, value)| {
            let value = value.as_deref().unwrap_or_default();
            (name.as_str(), String::from_utf8_lossy(value).into_owned())
        })
        .collect();
    // The limit of the topic that the service has made is 4 MiB.
    let is_cut = poison.value.len() > 4 << 20;
    let value = letter.value.as_deref().unwrap_or_default();
    let is_its_value = if is_cut {
        value.is_empty() && headers.get("truncated").is_some_and(|cut| cut == "true")
    } else {
        value == poison.value && !headers.contains_key("truncated")
    };
    is_its_value
        && letter.key.as_deref() == poison.key.map(str::as_bytes)
        && headers["reason"] == poison.reason
        && !headers["error"].is_empty()
        && headers["source"] == "desk"
        && headers["topic"] == site.topic(poison.input)
        && headers["partition"] == "0"
        && headers["offset"].parse::<i64>().is_ok()
        && headers["timestamp"] == letter.timestamp_ms.to_string()
}
