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
            packer.pack(&state, owner).to_vec()
        })
        .collect();
    assert!(packed[0].len() > SUBJECT.len());
    assert!(packed[7].len() < 50, "{}", packed[7].len());
    for (number, bytes) in (0..).zip(&packed) {
        assert_eq!(packer.unpack(bytes), state(number, SUBJECT));
    }
}

#[test]
fn what_one_ticket_has_again_and_again_is_no_word() {
    let mut packer = Packer::default();
    let state = state(1, SUBJECT);
    for _ in 0..10 {
        assert!(packer.pack(&state, 1).len() > SUBJECT.len());
    }
}
