//! Bytes that nobody meant to send.

use proptest::prelude::*;

use super::*;

/// Values that begin like each format, and mutations of good ones.
fn any_value() -> impl Strategy<Value = Vec<u8>> {
    let json = updated(json!({
        "changes": {"status": "open", "tags": ["a"], "labels": {"b": null}, "severity": 1.5},
        "unset": ["queue"], "activities": [{"kind": "escalate", "level": 1}],
    }));
    let mut avro = json.clone();
    avro["occurred_at"] = json!(1_795_424_400_000_i64);
    let avro = single_object(SchemaName::TicketUpdated, &avro);
    let good = prop_oneof![Just(json.to_string().into_bytes()), Just(avro)];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 0..6);
    let mutated = (good, edits).prop_map(|(mut bytes, edits)| {
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    });
    let framed = prop::collection::vec(any::<u8>(), 0..200).prop_map(|datum| {
        [
            &[0xc3, 1][..],
            &SchemaName::TicketUpdated.fingerprint(),
            &datum,
        ]
        .concat()
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), framed, mutated]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_a_fact_or_a_refusal_with_words(value in any_value()) {
        match decode(&record(Input::Updated, &value), NOW) {
            Ok(decoded) => {
                prop_assert!(!decoded.fact.ticket_id.is_empty());
                prop_assert!(decoded.fact.fact.occurred_at <= NOW.plus_millis(86_400_000));
            }
            Err(refusal) => prop_assert!(!refusal.error.is_empty()),
        }
    }
}
