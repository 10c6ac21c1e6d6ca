//! Static members of the group: a restart moves nothing, and two of one name are one too many.

use serde_json::{Value, json};

use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const PARTITIONS: i32 = 4;

const STATIC: (&str, &str) = ("ESCALATOR__KAFKA__STATIC_MEMBERSHIP", "true");

/// Longer than a restart takes on a busy machine.
const LONG_SESSION: (&str, &str) = ("ESCALATOR__KAFKA__SESSION_TIMEOUT", "45s");

/// As short as can be: a test waits for it.
const SHORT_SESSION: (&str, &str) = ("ESCALATOR__KAFKA__SESSION_TIMEOUT", "6s");

fn site() -> Site {
    let notify_from = "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n";
    Site::new(TELLS_OF_EVERY_TICKET, PARTITIONS, notify_from)
}

fn start(site: &Site, instance: &str, session: (&str, &str)) -> Escalator {
    let config = site.path().join("escalator.toml");
    let config = config.to_str().unwrap();
    let arguments = ["run", "--config", config, "--instance", instance];
    let environment = [STATIC, session];
    let service = Escalator::start_with(site.path(), instance, &arguments, &environment);
    wait_until("readiness", PATIENCE, || {
        let answer = service.ask("GET /readyz", "")?;
        answer.starts_with("HTTP/1.1 200").then_some(())
    });
    service
}

/// The partitions that an instance was assigned, one text for each time.
fn assigned(service: &Escalator) -> Vec<String> {
    let log = service.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["message"] == "partitions were assigned")
        .map(|line| line["kafka.partitions"].as_str().unwrap().to_owned())
        .collect()
}

/// How often rebalances gave to or took from an instance.
fn rebalances(service: &Escalator) -> String {
    let metrics = service.ask("GET /metrics", "").unwrap();
    let of_rebalances = |line: &&str| line.starts_with("escalator_rebalances_total{");
    let lines: Vec<&str> = metrics.lines().filter(of_rebalances).collect();
    assert!(!lines.is_empty(), "{metrics}");
    lines.join("\n")
}

/// Writes a ticket to every partition and waits until all that were ever written are escalated.
fn assert_all_are_served(site: &Site, round: usize) {
    for partition in 0..PARTITIONS {
        let id = format!("T{round}-{partition}");
        site.create_in(partition, &id, &json!({ "status": "open" }));
    }
    let expected = (round + 1) * usize::try_from(PARTITIONS).unwrap();
    wait_until("every escalation", PATIENCE, || {
        let count = site.read("escalated").len();
        assert!(count <= expected, "{count} of {expected}");
        (count == expected).then_some(())
    });
}

/// Two members that share the partitions.
fn two(site: &Site, session: (&str, &str)) -> [Escalator; 2] {
    let members = ["a", "b"].map(|instance| start(site, instance, session));
    wait_until("both having partitions", PATIENCE, || {
        let halves = members.each_ref().map(|member| assigned(member).pop());
        let is_half = |half: &Option<String>| matches!(half.as_deref(), Some("0-1" | "2-3"));
        (halves.iter().all(is_half) && halves[0] != halves[1]).then_some(())
    });
    members
}

#[test]
fn a_restart_keeps_the_partitions_and_the_others_do_not_notice() {
    let site = site();
    let [mut restarted, mut other] = two(&site, LONG_SESSION);
    assert_all_are_served(&site, 0);
    // Each of them once in good order and once by a crash; one of the two leads the group.
    for (round, (instance, is_crash)) in [("a", false), ("a", true), ("b", false), ("b", true)]
        .into_iter()
        .enumerate()
    {
        if round == 2 {
            std::mem::swap(&mut restarted, &mut other);
        }
        let before = assigned(&restarted);
        let unmoved = rebalances(&other);
        if is_crash {
            restarted.kill();
        } else {
            assert!(restarted.stop().success());
        }
        restarted = start(&site, instance, LONG_SESSION);
        assert_all_are_served(&site, round + 1);
        let after = assigned(&restarted);
        assert_eq!(after.len(), before.len() + 1, "{}", restarted.log());
        assert_eq!(after.last(), before.last());
        assert_eq!(rebalances(&other), unmoved);
    }
}

#[test]
fn what_a_stopped_member_had_goes_to_the_others_when_its_session_is_over() {
    let site = site();
    let [stopped, other] = two(&site, SHORT_SESSION);
    assert_all_are_served(&site, 0);
    assert!(stopped.stop().success());
    assert_all_are_served(&site, 1);
    assert_eq!(assigned(&other).last().map(String::as_str), Some("0-3"));
}

#[test]
fn the_older_of_two_members_with_one_name_ends_and_says_why() {
    let site = site();
    let mut older = start(&site, "same", LONG_SESSION);
    assert_all_are_served(&site, 0);
    let newer = start(&site, "same", LONG_SESSION);
    assert_eq!(older.wait().code(), Some(2), "{}", older.log());
    let told = older.log();
    assert!(
        told.contains("give each replica its own `instance`"),
        "{told}"
    );
    assert_all_are_served(&site, 1);
    assert!(newer.stop().success());
}
