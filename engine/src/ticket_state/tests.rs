use crate::emission::Emission;
use crate::fact::{Activity, ActivityKind};
use crate::plan::Revision;
use crate::ticket::{Change, TextField};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// A fact of that second with a note of that many bytes.
fn fact(seconds: i64, bytes: usize) -> Arc<Fact> {
    Arc::new(Fact {
        activities: vec![Activity {
            kind: ActivityKind::InternalNote,
            actor: None,
            level: None,
            until: None,
            note: Some("x".repeat(bytes).into()),
        }],
        ..Fact::bare(at(seconds), seconds)
    })
}

fn state(facts: &[Arc<Fact>]) -> TicketState {
    let mut state = TicketState::default();
    for fact in facts {
        state.accept(Arc::clone(fact), Timestamp::MIN);
    }
    state
}

fn evaluated(facts: &[Arc<Fact>]) -> TicketState {
    let mut state = state(facts);
    let context = Context {
        ticket_id: &"T1".into(),
        rules: &Rules::new(Arc::new(Revision::default())),
        emission: &Emission::on_virtual_clock(),
        quiet_until: Timestamp::MIN,
    };
    state.advance(Until::before(at(1_000_000)), context, &mut Vec::new());
    state
}

const KIB: usize = 1024;

#[test]
fn large_facts_are_folded_before_there_are_64() {
    let facts: Vec<_> = (0..10).map(|n| fact(n, 100 * KIB)).collect();
    let state = evaluated(&facts);
    assert_eq!(state.facts, facts[5..].to_vec().into());
    assert_eq!(state.evaluated, 5);
    assert_eq!(state.fold.unwrap().key, facts[4].key());
}

#[test]
fn a_fact_that_needs_all_room_is_kept_alone_and_folded_by_the_next() {
    let (small, large, next) = (fact(1, 10), fact(2, 900 * KIB), fact(3, 10));
    let kept = evaluated(&[small.clone(), large.clone()]).facts;
    assert_eq!(kept, vec![large.clone()].into());
    let kept = evaluated(&[small, large, next.clone()]).facts;
    assert_eq!(kept, vec![next].into());
}

#[test]
fn an_id_that_comes_again_behind_64_others_is_another_fact_whatever_the_batch() {
    let named = |seconds| {
        Arc::new(Fact {
            event_id: Some("a".into()),
            ..Fact::clone(&fact(seconds, 10))
        })
    };
    for (others, acceptance) in [(63, Acceptance::Duplicate), (64, Acceptance::Accepted)] {
        let mut facts = vec![named(0)];
        facts.extend((1..=others).map(|n| fact(n, 10)));
        let again = named(others + 1);
        // All of them wait, or all but the last were evaluated.
        for mut state in [state(&facts), evaluated(&facts)] {
            assert_eq!(state.accept(Arc::clone(&again), Timestamp::MIN), acceptance);
            let twice = state.accept(Arc::clone(&again), Timestamp::MIN);
            assert_eq!(twice, Acceptance::Duplicate);
        }
    }
    // Nor does it matter that what is kept has a limit of another kind.
    let facts = [named(0), fact(1, 300 * KIB), fact(2, 300 * KIB)];
    for mut state in [state(&facts), evaluated(&facts)] {
        let again = state.accept(named(3), Timestamp::MIN);
        assert_eq!(again, Acceptance::Accepted);
    }
}

#[test]
fn small_facts_are_folded_by_their_number_alone() {
    let facts: Vec<_> = (0..70).map(|n| fact(n, 7 * KIB)).collect();
    assert_eq!(evaluated(&facts).facts, facts[6..].to_vec().into());
}

#[test]
fn what_waits_has_a_limit_and_what_is_evaluated_at_once_has_none() {
    let many: Vec<_> = (0..1024).map(|n| fact(n, 10)).collect();
    let full = state(&many);
    let has_room = |fact: &Fact| full.has_room(fact, at(-1));
    assert!(!has_room(&fact(5_000, 10)));
    assert!(has_room(&many[700]), "it is known");
    assert!(full.has_room(&fact(0, 10), at(1)));
    assert!(full.has_room(&fact(5_000, 10), at(1)), "one fewer waits");
}

#[test]
fn what_waits_is_limited_by_size_too_but_the_first_always_has_room() {
    let wide = state(&[fact(1, 400 * KIB)]);
    assert!(wide.has_room(&fact(2, 100 * KIB), at(0)));
    assert!(!wide.has_room(&fact(2, 200 * KIB), at(0)));
    assert!(state(&[]).has_room(&fact(2, 900 * KIB), at(0)));
}

/// A fact of that second that gives the ticket a status.
fn status(seconds: i64, word: &str) -> Arc<Fact> {
    let mut fact = Arc::unwrap_or_clone(fact(seconds, 0));
    fact.changes = vec![Change::Text(TextField::Status, Some(word.into()))];
    fact.activities[0].kind = ActivityKind::Snooze;
    Arc::new(fact)
}

#[test]
fn what_was_counted_is_not_counted_again_when_the_history_is_read_anew() {
    let (ticket_id, rules) = ("T1".into(), Rules::new(Arc::new(Revision::default())));
    let emission = Emission::on_virtual_clock();
    let context = Context {
        ticket_id: &ticket_id,
        rules: &rules,
        emission: &emission,
        quiet_until: Timestamp::MIN,
    };
    let mut state = TicketState::default();
    let mut counted = |facts: &[Arc<Fact>], to: i64| {
        for fact in facts {
            state.accept(Arc::clone(fact), Timestamp::MIN);
        }
        let progress = state.advance(Until::before(at(to)), context, &mut Vec::new());
        let Counts {
            unknown_statuses,
            snoozes_ignored,
            ..
        } = progress.counts;
        (unknown_statuses, snoozes_ignored)
    };
    assert_eq!(
        counted(&[status(10, "odd"), status(20, "odder")], 100),
        (2, 2)
    );
    assert_eq!(
        counted(&[fact(5, 0)], 100),
        (0, 0),
        "it says nothing of that"
    );
    assert_eq!(counted(&[status(15, "late")], 100), (1, 1));
    assert_eq!(counted(&[fact(12, 0), status(200, "oddest")], 300), (1, 1));
    assert_eq!(counted(&[], 400), (0, 0));
    assert_eq!(
        counted(&[fact(1, 0), status(500, "odd"), status(2, "old")], 600),
        (2, 2)
    );
}
