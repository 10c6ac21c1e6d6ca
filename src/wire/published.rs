//! What was published, as far as it takes to know a decision again.

use escalator_engine::time::Timestamp;
use serde::Deserialize;

use super::avro;
use super::schema::SchemaName;

/// The identity and the instant of a decision that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The id of the `escalated` event.
    pub id: String,
    /// When it was decided, had there been no delay.
    pub decided_at: Timestamp,
}

#[derive(Deserialize)]
struct InJson {
    id: String,
    fired_at: String,
    lateness_ms: i64,
}

#[derive(Deserialize)]
struct InAvro {
    id: String,
    fired_at: i64,
    lateness_ms: i64,
}

/// Reads the value of a record on the topic `escalated`, in whichever format it was written; none
/// when it is no such event.
#[must_use]
pub fn published(value: &[u8]) -> Option<Published> {
    let (id, fired_at, lateness_ms) = if value.first() == Some(&b'{') {
        let event: InJson = serde_json::from_slice(value).ok()?;
        let fired_at = Timestamp::parse(&event.fired_at).ok()?;
        (event.id, fired_at, event.lateness_ms)
    } else {
        let known = SchemaName::Escalated.known();
        let datum = match value.strip_prefix(&avro::SINGLE_OBJECT) {
            Some(framed) => framed.strip_prefix(&SchemaName::Escalated.fingerprint())?,
            None => value.strip_prefix(&[0])?.get(4..)?,
        };
        let event: InAvro = known.parsed.read(datum).ok()?;
        let fired_at = Timestamp::from_millis(event.fired_at);
        (event.id, fired_at, event.lateness_ms)
    };
    Some(Published {
        id,
        decided_at: fired_at.plus_millis(-lateness_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::golden;

    #[test]
    fn an_event_is_known_again_in_every_format() {
        let none = || unreachable!("stored records are there");
        let json = published(&golden("escalated.1.json", none)).unwrap();
        let single = golden("escalated.1.avro", none);
        let confluent = [&[0, 0, 0, 0, 7][..], &single[10..]].concat();
        assert_eq!(published(&single).as_ref(), Some(&json));
        assert_eq!(published(&confluent).as_ref(), Some(&json));
        assert_eq!(published(b"\xC3\x01"), None);
        assert_eq!(published(b""), None);
    }
}
