use super::*;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(minutes * 60_000)
}

fn due(minutes: i64) -> Step {
    Step::due(at(minutes))
}

/// Tickets by their slots, with what each has to do next.
struct Known(Vec<(Step, String)>);

impl Tickets for Known {
    fn next(&self, slot: u32) -> Step {
        self.0[slot as usize].0
    }

    fn id(&self, slot: u32) -> &[u8] {
        self.0[slot as usize].1.as_bytes()
    }
}

impl Known {
    fn new(steps: &[Step]) -> (Self, Timers) {
        let named = (0..).zip(steps);
        let tickets = Self(
            named
                .map(|(slot, step)| (*step, format!("T{slot}")))
                .collect(),
        );
        let mut timers = Timers::new();
        for (slot, step) in (0..).zip(steps) {
            timers.arm(*step, slot, &tickets);
        }
        (tickets, timers)
    }

    fn move_to(&mut self, slot: u32, step: Step, timers: &mut Timers) {
        self.0[slot as usize].0 = step;
        timers.arm(step, slot, self);
    }

    fn take(&self, timers: &mut Timers, minutes: i64, count: usize) -> Vec<(Step, u32)> {
        let to = at(minutes).plus_millis(1);
        let taken = timers.take_until(to, count, self);
        taken.into_iter().map(|it| (it.step, it.slot)).collect()
    }
}

#[test]
fn timers_come_in_order_and_stale_ones_never() {
    let (mut tickets, mut timers) = Known::new(&[due(5), due(3), due(90), due(3)]);
    tickets.move_to(2, due(40), &mut timers);
    let taken = tickets.take(&mut timers, 50, 100);
    assert_eq!(taken, [(due(3), 1), (due(3), 3), (due(5), 0), (due(40), 2)]);
    assert!(tickets.take(&mut timers, 200, 100).is_empty());
}

#[test]
fn those_of_one_instant_come_in_the_order_of_their_events() {
    let fact = Step::fact(at(3));
    let (mut tickets, mut timers) = Known::new(&[due(3), due(3), due(3), fact, fact]);
    // The order is that of the tickets, not of their slots.
    let ids = ["E", "D", "C", "B", "A"];
    tickets.0 = tickets
        .0
        .iter()
        .zip(ids)
        .map(|(it, id)| (it.0, id.into()))
        .collect();
    assert_eq!(
        tickets.take(&mut timers, 3, 3),
        [(fact, 4), (fact, 3), (due(3), 2)]
    );
    assert_eq!(tickets.take(&mut timers, 3, 3), [(due(3), 1), (due(3), 0)]);
    assert_eq!(timers.next(), None);
}

#[test]
fn the_next_timer_is_exact_once_stale_ones_are_dropped() {
    let (mut tickets, mut timers) = Known::new(&[due(3), due(7), due(95)]);
    assert_eq!(timers.next(), Some(at(0)), "the beginning of the bucket");
    timers.settle(&tickets);
    assert_eq!(timers.next(), Some(due(3).wake()));
    tickets.move_to(0, Step::NEVER, &mut timers);
    timers.settle(&tickets);
    assert_eq!(timers.next(), Some(due(7).wake()));
    tickets.move_to(1, due(97), &mut timers);
    timers.settle(&tickets);
    assert_eq!(timers.next(), Some(due(95).wake()));
    let taken = tickets.take(&mut timers, 200, 9);
    assert_eq!(taken, [(due(95), 2), (due(97), 1)]);
    timers.settle(&tickets);
    assert_eq!(timers.next(), None);
}

#[test]
fn timers_armed_into_the_near_past_still_come() {
    let (mut tickets, mut timers) = Known::new(&[due(10), Step::NEVER]);
    assert_eq!(tickets.take(&mut timers, 15, 9), [(due(10), 0)]);
    tickets.move_to(0, due(2), &mut timers);
    tickets.move_to(1, due(16), &mut timers);
    assert_eq!(timers.next(), Some(due(2).wake()));
    assert_eq!(
        tickets.take(&mut timers, 20, 9),
        [(due(2), 0), (due(16), 1)]
    );
}

#[test]
fn a_timer_of_a_forgotten_ticket_is_none_of_the_next_one_in_its_slot() {
    let (mut tickets, mut timers) = Known::new(&[due(3)]);
    timers.settle(&tickets);
    tickets.0[0].1 = "other".into();
    timers.arm(due(3), 0, &tickets);
    assert_eq!(tickets.take(&mut timers, 5, 9), [(due(3), 0)]);
    assert_eq!(timers.next(), None);
}

#[test]
fn a_slot_that_was_sorted_by_another_ticket_is_sorted_anew() {
    let (mut tickets, mut timers) = Known::new(&[due(3), due(3), due(3)]);
    timers.settle(&tickets);
    tickets.0[0].1 = "U".into();
    timers.arm(due(3), 0, &tickets);
    let order = [(due(3), 1), (due(3), 2), (due(3), 0)];
    assert_eq!(tickets.take(&mut timers, 5, 9), order);
}

#[test]
fn what_was_put_back_comes_again_at_its_place() {
    let (tickets, mut timers) = Known::new(&[due(3), due(3), due(4), due(13)]);
    let taken = timers.take_until(due(4).wake(), 9, &tickets);
    assert_eq!(taken.len(), 3);
    for timer in [2, 0, 1] {
        timers.put_back(taken[timer], &tickets);
    }
    let order = [(due(3), 0), (due(3), 1), (due(4), 2), (due(13), 3)];
    assert_eq!(tickets.take(&mut timers, 20, 9), order);
}

#[test]
fn what_does_not_count_any_more_takes_no_room() {
    let (mut tickets, mut timers) = Known::new(&[due(3), due(4)]);
    for minutes in (20..1_000).cycle().take(10_000) {
        tickets.move_to(0, due(minutes), &mut timers);
        tickets.move_to(0, due(5), &mut timers);
    }
    assert!(timers.far.values().all(|slots| slots.len() <= ROOM_MIN));
    assert_eq!(tickets.take(&mut timers, 9, 9), [(due(4), 1), (due(5), 0)]);
}
