use std::sync::Arc;

use super::Packer;
use crate::fact::Fact;
use crate::ticket::{Change, Text, TextField};
use crate::ticket_state::TicketState;
use crate::time::Timestamp;

fn state(number: u64, subject: &str) -> TicketState {
    let mut state = TicketState::default();
    let fact = Fact {
        occurred_at: Timestamp::from_millis(1_795_424_400_000),
        version: None,
        event_id: Some(format!("event-{number}").into()),
        record_hash: 7,
        source: Text::default(),
        created: true,
        changes: vec![Change::Text(TextField::Subject, Some(subject.into()))],
        activities: Vec::new(),
    };
    state.accept(Arc::new(fact), Timestamp::MIN);
    state
}

const SUBJECT: &str = "laptop does not boot after the update of last night";

#[test]
fn what_many_tickets_have_is_kept_once() {
    let mut packer = Packer::default();
    let packed: Vec<Vec<u8>> = (0..8)
        .map(|owner| {
            let state = state(owner.into(), SUBJECT);
            packer.pack(&state, Vec::new(), owner)
        })
        .collect();
    assert!(packed[0].len() > SUBJECT.len());
    assert!(packed[7].len() < 50, "{}", packed[7].len());
    for (number, bytes) in (0..).zip(&packed) {
        assert_eq!(packer.unpack(bytes), state(number, SUBJECT));
    }
}

#[test]
fn facts_that_were_there_before_stay_as_they_were_packed() {
    let mut packer = Packer::default();
    let first = state(1, SUBJECT);
    let packed = packer.pack(&first, Vec::new(), 1);
    // Their subject becomes a word.
    for owner in 2..8 {
        let _ = packer.pack(&state(owner.into(), SUBJECT), Vec::new(), owner);
    }
    let mut grown = packer.unpack(&packed);
    let next = state(9, SUBJECT).facts.fact(0);
    grown.accept(Arc::clone(&next), Timestamp::MIN);
    let again = packer.pack(&grown, Vec::new(), 1);
    let text = SUBJECT.as_bytes();
    let place = |bytes: &[u8]| bytes.windows(text.len()).position(|it| it == text);
    assert_eq!(place(&again), place(&packed));
    assert!(
        again.len() < packed.len() + 40,
        "the next one names the word"
    );
    assert_eq!(packer.unpack(&again), grown);
    // The first can go without the others.
    let mut rest = packer.unpack(&again);
    rest.facts.remove(0);
    let packed = packer.pack(&rest, Vec::new(), 1);
    assert_eq!(place(&packed), None);
    assert_eq!(packer.unpack(&packed).facts, vec![next].into());
    // Words are those of one packer.
    let mut other = Packer::default();
    let elsewhere = other.pack(&grown, Vec::new(), 1);
    assert_eq!(other.unpack(&elsewhere), grown);
}

#[test]
fn facts_of_any_size_find_their_end() {
    let mut packer = Packer::default();
    for size in [0, 200, 254, 255, 256, 300, 100_000] {
        let mut large = state(1, &"x".repeat(size));
        large.accept(state(2, "small").facts.fact(0), Timestamp::MIN);
        let packed = packer.pack(&large, Vec::new(), 1);
        assert_eq!(packer.unpack(&packed), large, "{size}");
    }
}

#[test]
fn what_one_ticket_has_again_and_again_is_no_word() {
    let mut packer = Packer::default();
    let state = state(1, SUBJECT);
    for _ in 0..10 {
        assert!(packer.pack(&state, Vec::new(), 1).len() > SUBJECT.len());
    }
}
