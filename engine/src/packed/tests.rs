use std::sync::Arc;

use super::Packer;
use crate::fact::Fact;
use crate::ticket::{Change, TextField};
use crate::ticket_state::TicketState;
use crate::time::Timestamp;

fn state(number: u64, subject: &str) -> TicketState {
    let mut state = TicketState::default();
    let fact = Fact {
        event_id: Some(format!("event-{number}").into()),
        created: true,
        changes: vec![Change::Text(TextField::Subject, Some(subject.into()))],
        ..Fact::bare(Timestamp::from_millis(1_795_424_400_000), 7)
    };
    state.accept(Arc::new(fact), Timestamp::MIN);
    state
}

fn pack(packer: &mut Packer, state: &TicketState, owner: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    packer.pack(state, &mut bytes, owner);
    bytes
}

const SUBJECT: &str = "laptop does not boot after the update of last night";

#[test]
fn what_many_tickets_have_is_kept_once() {
    let mut packer = Packer::default();
    let packed: Vec<Vec<u8>> = (0..8)
        .map(|owner| pack(&mut packer, &state(owner.into(), SUBJECT), owner))
        .collect();
    assert!(packed[0].len() > SUBJECT.len());
    assert!(
        packed[7].len() < packed[0].len() - SUBJECT.len() / 2,
        "{}",
        packed[7].len()
    );
    for (number, bytes) in (0..).zip(&packed) {
        assert_eq!(packer.unpack(bytes), state(number, SUBJECT));
    }
}

#[test]
fn facts_that_were_there_before_stay_as_they_were_packed() {
    let mut packer = Packer::default();
    let first = state(1, SUBJECT);
    let packed = pack(&mut packer, &first, 1);
    // Their subject becomes a word.
    for owner in 2..8 {
        pack(&mut packer, &state(owner.into(), SUBJECT), owner);
    }
    let mut grown = packer.unpack(&packed);
    let next = state(9, SUBJECT).facts.fact(0);
    grown.accept(Arc::clone(&next), Timestamp::MIN);
    let again = pack(&mut packer, &grown, 1);
    let text = SUBJECT.as_bytes();
    let place = |bytes: &[u8]| {
        let body = &bytes[1 + 2 * usize::from(bytes[0])..];
        body.windows(text.len()).position(|it| it == text)
    };
    assert_eq!(place(&again), place(&packed));
    assert!(
        again.len() < packed.len() + 40,
        "the next one names the word"
    );
    assert_eq!(packer.unpack(&again), grown);
    // The first can go without the others.
    let mut rest = packer.unpack(&again);
    rest.facts.remove(0);
    let packed = pack(&mut packer, &rest, 1);
    assert_eq!(place(&packed), None);
    assert_eq!(packer.unpack(&packed).facts, vec![next].into());
    // Words are those of one packer.
    let mut other = Packer::default();
    let elsewhere = pack(&mut other, &grown, 1);
    assert_eq!(other.unpack(&elsewhere), grown);
}

#[test]
fn facts_of_any_size_find_their_end() {
    let mut packer = Packer::default();
    for size in [0, 200, 254, 255, 256, 300, 100_000] {
        let mut large = state(1, &"x".repeat(size));
        large.accept(state(2, "small").facts.fact(0), Timestamp::MIN);
        let packed = pack(&mut packer, &large, 1);
        assert_eq!(packer.unpack(&packed), large, "{size}");
    }
}

#[test]
fn what_one_ticket_has_again_and_again_is_no_word() {
    let mut packer = Packer::default();
    let state = state(1, SUBJECT);
    for _ in 0..10 {
        assert!(pack(&mut packer, &state, 1).len() > SUBJECT.len());
    }
}

#[test]
fn a_stored_state_is_taken_in_by_other_packers() {
    let mut packer = Packer::default();
    let mut stored = Vec::new();
    for number in 0..8 {
        let mut grown = state(number, SUBJECT);
        grown.accept(state(number + 10, SUBJECT).facts.fact(0), Timestamp::MIN);
        let packed = pack(&mut packer, &grown, number as u32);
        stored.push((packer.stored(&packed, b"framing"), grown));
    }
    let mut other = Packer::default();
    for (stored, state) in &stored {
        let mut packed = b"before".to_vec();
        let datum = stored.strip_prefix(b"framing").unwrap();
        let restored = other.restored(datum, &mut packed, 0).unwrap();
        assert_eq!(&restored, state);
        assert_eq!(&other.unpack(&packed[6..]), state);
        assert_eq!(&other.stored(&packed[6..], b"framing"), stored);
        for end in 0..datum.len() {
            let cut = other.restored(&datum[..end], &mut Vec::new(), 0);
            assert_eq!(cut, Err(super::BrokenState), "{end}");
        }
    }
}

/// A fact with such tags.
fn tagged(number: u64, tags: impl Iterator<Item = u64>) -> Arc<Fact> {
    let mut fact = Arc::unwrap_or_clone(state(number, SUBJECT).facts.fact(0));
    fact.changes = vec![Change::Tags(
        tags.map(|tag| format!("tag-{tag}x").into()).collect(),
    )];
    Arc::new(fact)
}

#[test]
fn words_that_no_fact_names_any_more_do_not_pile_up() {
    let mut packer = Packer::default();
    let tags = 0..2_000;
    for tag in tags.clone() {
        packer.words.learn(&format!("tag-{tag}x"));
    }
    let mut kept = TicketState::default();
    for number in tags {
        kept.accept(tagged(number, number..number + 3), Timestamp::MIN);
        if kept.facts.len() > 10 {
            kept.facts.remove(0);
        }
        let packed = pack(&mut packer, &kept, 1);
        let words = usize::from(packed[0]);
        assert!(words <= 127 + 6, "{words} words");
        let unpacked = packer.unpack(&packed);
        assert_eq!(unpacked, kept);
        kept = unpacked;
    }
    // More than there can be are written out.
    kept.accept(tagged(5_000, 0..300), Timestamp::MIN);
    let packed = pack(&mut packer, &kept, 1);
    assert_eq!(usize::from(packed[0]), super::USED_MAX);
    assert_eq!(packer.unpack(&packed), kept);
}

#[test]
fn a_word_that_would_not_be_learned_here_is_taken_in() {
    let mut packer = Packer::default();
    let long = "x".repeat(100_000);
    packer.words.learn(&long);
    let kept = state(1, &long);
    let mut stored = vec![2];
    crate::packed::put_bytes(&mut stored, long.as_bytes());
    let packed = pack(&mut packer, &kept, 1);
    let alone = packer.stored(&packed, &[]);
    // In front of those that it names: none, for it is too long to be looked for.
    assert_eq!(alone[0], 0);
    stored.extend_from_slice(&alone);
    let mut bytes = Vec::new();
    let restored = Packer::default().restored(&stored, &mut bytes, 1);
    assert_eq!(restored, Ok(kept));
}

#[test]
fn a_packer_that_can_learn_no_more_takes_stored_states_in_all_the_same() {
    let mut packer = Packer::default();
    for tag in 0..5 {
        packer.words.learn(&format!("tag-{tag}x"));
    }
    let mut kept = TicketState::default();
    kept.accept(tagged(1, 0..5), Timestamp::MIN);
    let packed = pack(&mut packer, &kept, 1);
    let stored = packer.stored(&packed, &[]);
    let mut full = Packer::default();
    let mut number = 0;
    while full.words.learn(&format!("tag-{number}x")).is_some() {
        number += if number == 2 { 10 } else { 1 };
    }
    let mut elsewhere = b"before".to_vec();
    let restored = full.restored(&stored, &mut elsewhere, 1).unwrap();
    assert_eq!(restored, kept);
    assert_eq!(full.unpack(&elsewhere[6..]), kept);
    let written_out = full.stored(&elsewhere[6..], &[]);
    let has = |tag: &[u8]| written_out.windows(tag.len()).any(|it| it == tag);
    assert!(has(b"tag-2x") && has(b"tag-4x"));
}
