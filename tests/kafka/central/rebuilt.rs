//! States that were damaged in the middle of the log are rebuilt from the inputs, and what comes
//! after is what would have come.

use std::collections::BTreeSet;

use super::load::Load;
use super::{NOTIFY_FROM, PATIENCE, Site, Story, simulated, wait_until};
use crate::support::client::{Sent, produce};
use crate::told::{assert_same, count, published};

/// One after the other comes to be read, so that all have states while the last of them has not come
/// far.
const DAMAGED: usize = 4;

/// Records of a transaction: so few that the last third of the log takes longer than a command.
const PACE: &str = "[tuning]\ntransaction_records = 10\n";

fn rebuild(site: &Site, partition: &str, more: &[&str]) -> (Option<i32>, String) {
    let command = ["state", "rebuild", "--partition", partition];
    site.run(&[&command[..], more].concat())
}

/// The partitions that have tickets.
fn begun(site: &Site) -> Vec<i32> {
    let states = site.read("state").into_iter();
    let tickets = states.filter(|it| is_ticket(it.key.as_deref().unwrap()));
    let partitions: BTreeSet<i32> = tickets.map(|it| it.partition).collect();
    partitions.into_iter().collect()
}

fn is_ticket(key: &[u8]) -> bool {
    key[0] != 0xFF
}

/// Damages four partitions, each in its way.
fn damage(site: &Site, damaged: &[i32]) {
    let states = site.read("state");
    let of = |partition: i32| states.iter().filter(move |it| it.partition == partition);
    let [garbled, lost, haunted, future] = damaged.try_into().unwrap();
    let ticket = of(garbled).find(|it| is_ticket(it.key.as_deref().unwrap()));
    site.write(
        "state",
        garbled,
        ticket.unwrap().key.as_deref().unwrap(),
        Some(b"garbage"),
    );
    let keys: BTreeSet<&[u8]> = of(lost).map(|it| it.key.as_deref().unwrap()).collect();
    let tombstones: Vec<Sent<'_>> = keys
        .into_iter()
        .map(|key| Sent {
            partition: lost,
            key: Some(key),
            ..Sent::default()
        })
        .collect();
    produce(&site.broker, &site.topic("state"), &tombstones);
    let foreign = of(haunted).find(|it| is_ticket(it.key.as_deref().unwrap()));
    site.write(
        "state",
        haunted,
        b"ghost",
        foreign.unwrap().value.as_deref(),
    );
    site.write(
        "state",
        future,
        b"\xFFpartition",
        Some(br#"{"version":99}"#),
    );
}

#[test]
fn rebuilt_partitions_go_on_as_if_nothing_had_happened() {
    let story = Story::new("0s");
    let site = &story.site;
    let mut load = Load::new();
    load.write(site);
    let expected = simulated(site, &load);
    site.write_settings("middling", &format!("{NOTIFY_FROM}{PACE}"));
    let service = site.start_with("a", "middling", &[]);
    wait_until("tickets in some partitions", PATIENCE, || {
        let is_up = service.log().contains("goes on from");
        (is_up && begun(site).len() >= DAMAGED).then_some(())
    });
    let (code, told) = rebuild(site, "0", &["--yes"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("has members; stop all replicas"), "{told}");
    assert!(service.stop().success());

    let damaged = &begun(site)[..DAMAGED];
    damage(site, damaged);
    let (code, told) = site.run(&["state", "check"]);
    assert_eq!(code, Some(1), "{told}");
    for partition in damaged {
        let partition = &partition.to_string();
        let bad = format!("bad: partition {partition}: ");
        let remedy = format!("`escalator state rebuild --partition {partition}`");
        let line = told.lines().find(|line| line.starts_with(&bad));
        assert!(line.is_some_and(|line| line.contains(&remedy)), "{told}");

        let before = site.read("state").len();
        let (code, shown) = rebuild(site, partition, &[]);
        assert_eq!(code, Some(0), "{shown}");
        assert!(
            shown.contains("nothing was written; --yes writes it"),
            "{shown}"
        );
        assert!(shown.contains(" as published\n"), "{shown}");
        assert_eq!(site.read("state").len(), before);
        let (code, shown) = rebuild(site, partition, &["--yes"]);
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains("written anew"), "{shown}");
    }
    let (code, told) = site.run(&["state", "check"]);
    assert_eq!(code, Some(0), "{told}");
    let so_far = count(&published(site));
    assert!(so_far > 100 && so_far < count(&expected), "{so_far}");

    story.finish();
    assert_same(&published(site), &expected);
}
