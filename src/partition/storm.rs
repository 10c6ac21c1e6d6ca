//! The records of a partition that keep how far its targets' limits are used up, and what was
//! gathered beyond them: one for each piece of a window, beside the states of the tickets.

use escalator_engine::decision::Listener;
use escalator_engine::storms::{DigestItem, Piece, PieceKey};
use escalator_engine::ticket::Text;
use escalator_engine::time::{Duration, Timestamp};
use serde::{Deserialize, Serialize};

/// How keys of such records begin; what follows is a list in JSON.
const PREFIX: &[u8] = b"\xFFstorm";

/// Target, kind, channel; length and beginning of the window in milliseconds; number of the piece.
type Key<'k> = (&'k str, &'k str, &'k str, i64, i64, u32);

#[derive(Serialize, Deserialize)]
struct Value {
    sent: u32,
    last: u32,
    tell_at_ms: Option<i64>,
    items: Vec<DigestItem>,
}

/// The key of a piece.
///
/// # Panics
/// Never: the key consists of numbers and texts.
#[must_use]
pub(super) fn encode_key(key: &PieceKey) -> Vec<u8> {
    let listener = &key.listener;
    let parts: Key<'_> = (
        &listener.to,
        &listener.kind,
        &listener.channel,
        key.per.as_millis(),
        key.start.as_millis(),
        key.number,
    );
    let mut out = PREFIX.to_vec();
    serde_json::to_writer(&mut out, &parts).expect("numbers and texts can be written as JSON");
    out
}

/// The value of a piece.
///
/// # Panics
/// Never: a piece consists of numbers and texts.
#[must_use]
pub(super) fn encode(piece: &Piece) -> Vec<u8> {
    let value = Value {
        sent: piece.sent,
        last: piece.last,
        tell_at_ms: piece.tell_at.map(Timestamp::as_millis),
        items: piece.items.clone(),
    };
    serde_json::to_vec(&value).expect("numbers and texts can be written as JSON")
}

/// Reads a record of the partition; none when it is another kind of record.
///
/// # Errors
/// When a newer release wrote it, or something else did.
pub(super) fn decode(
    key: &[u8],
    value: &[u8],
) -> Result<Option<(PieceKey, Piece)>, serde_json::Error> {
    let Some(parts) = key.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let (to, kind, channel, per_ms, start_ms, number): (Text, Text, Text, i64, i64, u32) =
        serde_json::from_slice(parts)?;
    let value: Value = serde_json::from_slice(value)?;
    let key = PieceKey {
        listener: Listener { to, kind, channel },
        per: Duration::from_millis(per_ms),
        start: Timestamp::from_millis(start_ms),
        number,
    };
    let piece = Piece {
        sent: value.sent,
        last: value.last,
        tell_at: value.tell_at_ms.map(Timestamp::from_millis),
        items: value.items,
    };
    Ok(Some((key, piece)))
}

#[cfg(test)]
mod tests {
    use super::super::meta;
    use super::*;

    #[test]
    fn stored_pieces_are_read_for_ever() {
        let key = b"\xFFstorm[\"noc\",\"team\",\"a \\\"chat\\\"\",3600000,1795424400000,2]";
        let value = br#"{"sent":30,"last":2,"tell_at_ms":1795428000000,"items":[
            {"escalation_event_id":"e1","ticket_id":"T1","purpose":"level"}],"added_later":1}"#;
        let (read, piece) = decode(key, value).unwrap().unwrap();
        assert_eq!(&*read.listener.channel, "a \"chat\"");
        assert_eq!((read.number, piece.sent, piece.last), (2, 30, 2));
        assert_eq!(piece.items.len(), 1);
        assert_eq!(encode_key(&read), key);
        assert_eq!(decode(key, &encode(&piece)).unwrap(), Some((read, piece)));
    }

    #[test]
    fn other_records_of_the_partition_are_none() {
        assert_eq!(decode(meta::KEY, b"{}").unwrap(), None);
        assert!(decode(b"\xFFstorm", b"{}").is_err());
        assert_eq!(PREFIX[0], meta::OWN_KEY);
    }
}
