//! Partitions that cannot be rebuilt just so: late facts, first records that are gone, a registry that
//! is away or has lost a schema, and limits on notifications.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use escalator::wire::state_json;
use escalator_engine::time::Timestamp;
use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminOptions;
use rdkafka::topic_partition_list::Offset;
use serde_json::{Value, json};

use crate::registry::{OLDER, framed};
use crate::site::Site;
use crate::support::client::{admin, wait_for};
use crate::support::process::Escalator;
use crate::support::registry::Registry;
use crate::support::{PATIENCE, wait_until};

/// The partitions, by what is hard about each.
const LATE: i32 = 0;
const CUT_OFF: i32 = 1;
const FRAMED: i32 = 2;
const STORM: i32 = 3;
const PARTITIONS: i32 = 4;

const OWN: &[u8] = b"\xFFpartition";
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// One notification for each window, of which the present one does not end during the test.
fn plan(now_ms: i64) -> String {
    let left = |hours: &i64| hours * HOUR_MS - now_ms.rem_euclid(hours * HOUR_MS);
    let hours = [6, 7].into_iter().max_by_key(left).unwrap();
    format!(
        "
version: 1
targets:
  noc: {{ kind: team, channels: [chat] }}
  few: {{ kind: team, channels: [chat], at_most: {{ count: 1, per: {hours}h }} }}
plans:
  - name: storm
    match: {{ tags: storm }}
    stale_after: none
    triggers: [ {{ name: any, when: {{ status: open }}, level: 1 }} ]
    path: [ {{ notify: [few] }} ]
  - name: others
    stale_after: none
    timeframes: {{ first_response: {{ within: 1m, marks: [ {{ at: 100%, level: 1 }} ] }} }}
    path: [ {{ notify: [noc] }} ]
"
    )
}

/// A service whose states are damaged in the end.
struct Story {
    site: Site,
    registry: Registry,
    now_ms: i64,
}

impl Story {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_ms = i64::try_from(since.as_millis()).unwrap();
        let registry = Registry::start();
        registry.put(11, OLDER);
        let more = format!(
            "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n[registry]\nurl = '{}'\n",
            registry.url()
        );
        let site = Site::new(&plan(now_ms), PARTITIONS, &more);
        Self {
            site,
            registry,
            now_ms,
        }
    }

    fn at(&self, minutes: i64) -> String {
        Timestamp::from_millis(self.now_ms + minutes * MINUTE_MS).to_string()
    }

    /// Writes a created event that is dated so many minutes from the beginning of the test.
    fn create(&self, partition: i32, ticket: &str, minutes: i64, tags: &[&str]) {
        let event = json!({ "ticket_id": ticket, "occurred_at": self.at(minutes),
            "ticket": { "status": "open", "tags": tags } });
        self.write("created", partition, ticket, &event);
    }

    fn write(&self, input: &str, partition: i32, ticket: &str, event: &Value) {
        let value = event.to_string();
        let (key, value) = (ticket.as_bytes(), value.as_bytes());
        self.site.write(input, partition, key, Some(value));
    }

    /// Writes what is hard about each partition, and lets it be decided.
    fn live(&self) {
        for ticket in ["C1", "C2"] {
            self.create(CUT_OFF, ticket, -10, &[]);
        }
        for ticket in ["F1", "F2"] {
            let at_ms = self.now_ms - 10 * MINUTE_MS;
            let event = json!({ "ticket_id": ticket, "occurred_at": at_ms,
                "ticket": { "status": "open" } });
            let (key, value) = (ticket.as_bytes(), framed(11, OLDER, event));
            self.site.write("created", FRAMED, key, Some(&value));
        }
        for ticket in ["S1", "S2", "S3"] {
            self.create(STORM, ticket, 0, &["storm"]);
        }
        self.create(LATE, "L1", -10, &[]);
        let service = self.site.start("before");
        self.wait_for_escalated(&service, 8);
        // It was answered in time, which is heard of only now.
        let reply = json!({ "ticket_id": "L1", "occurred_at": self.at(-10),
            "activities": [ { "kind": "agent_reply" } ] });
        self.write("updated", LATE, "L1", &reply);
        self.wait_for_escalated(&service, 9);
        assert!(service.stop().success());
    }

    fn wait_for_escalated(&self, service: &Escalator, count: usize) {
        wait_until("the escalations", PATIENCE, || {
            let is_up = service.log().contains("goes on from");
            (is_up && self.site.read("escalated").len() >= count).then_some(())
        });
        assert_eq!(self.site.read("escalated").len(), count);
    }

    /// Spoils every partition, and deletes the first record of one.
    fn damage(&self) {
        for (partition, ticket) in [(LATE, "L1"), (CUT_OFF, "C1"), (FRAMED, "F1"), (STORM, "S1")] {
            let (key, garbage) = (ticket.as_bytes(), Some(&b"garbage"[..]));
            self.site.write("state", partition, key, garbage);
        }
        for key in self.state(STORM).keys().filter(|key| is_piece(key)) {
            self.site.write("state", STORM, key, None);
        }
        let mut first = TopicPartitionList::new();
        let created = self.site.topic("created");
        let place = first.add_partition_offset(&created, CUT_OFF, Offset::Offset(1));
        place.unwrap();
        let admin = admin(&self.site.broker);
        wait_for(admin.delete_records(&first, &AdminOptions::new())).unwrap();
    }

    /// What is kept of a partition, its own record aside; null where it cannot be read.
    fn state(&self, partition: i32) -> BTreeMap<Vec<u8>, Value> {
        let mut kept = BTreeMap::new();
        for record in self.site.read("state") {
            let key = record.key.unwrap();
            if record.partition == partition && key != OWN {
                match record.value {
                    Some(value) => kept.insert(key, value),
                    None => kept.remove(&key),
                };
            }
        }
        // Which words a record names depends on what its writer had learned: what it says counts.
        let read = |(key, value): (Vec<u8>, Vec<u8>)| {
            let value = match is_piece(&key) {
                true => serde_json::from_slice(&value).unwrap(),
                false => state_json(&value).unwrap_or_default(),
            };
            (key, value)
        };
        kept.into_iter().map(read).collect()
    }

    fn rebuild(&self, partition: i32, more: &[&str]) -> (Option<i32>, String) {
        let partition = partition.to_string();
        let command = ["state", "rebuild", "--partition", &partition];
        self.site.run(&[&command, more].concat())
    }

    /// Rebuilds in vain: it exits with this code, says all of this, and writes nothing.
    #[track_caller]
    fn assert_refused(&self, partition: i32, more: &[&str], code: i32, words: &[&str]) {
        let before = self.site.read("state");
        let (found, told) = self.rebuild(partition, more);
        assert_eq!(found, Some(code), "{told}");
        for words in words {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert_eq!(self.site.read("state"), before);
    }

    #[track_caller]
    fn assert_rebuilt(&self, partition: i32, more: &[&str], words: &str) {
        let (code, told) = self.rebuild(partition, &[&["--yes"], more].concat());
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("written anew"), "{told}");
        assert!(told.contains(words), "{told}");
    }
}

fn is_piece(key: &[u8]) -> bool {
    key.starts_with(b"\xFFstorm")
}

#[test]
fn what_cannot_be_rebuilt_just_so_is_refused_with_a_remedy_and_goes_on_when_it_can_be() {
    let story = Story::new();
    story.live();
    let before = story.state(STORM);
    assert_eq!(before.keys().filter(|key| is_piece(key)).count(), 1);
    assert!(!before.values().any(Value::is_null));
    story.damage();

    let differs =
        "2 decisions published, 2 of them not decided now, 0 decided now and not published";
    let remedy = "go on with --accept-differences";
    story.assert_refused(LATE, &["--yes"], 1, &[differs, remedy]);
    story.assert_rebuilt(LATE, &["--accept-differences"], differs);

    let gone = "begins at offset 1, its first records were deleted";
    let remedy = "bring the state topic back from a copy";
    story.assert_refused(CUT_OFF, &[], 1, &[gone, remedy]);

    rebuild_through_a_registry(&story);

    story.assert_rebuilt(STORM, &[], "3 decisions as published");
    assert_eq!(story.state(STORM), before);

    let (code, told) = story.site.run(&["state", "check"]);
    assert_eq!(code, Some(1), "{told}");
    let bad: Vec<&str> = told.lines().filter(|it| it.starts_with("bad: ")).collect();
    assert_eq!(bad.len(), 1, "{told}");
    assert!(bad[0].starts_with("bad: partition 1: "), "{told}");
    assert_goes_on(&story);
}

/// A registry that does not answer is waited for, and named when it goes on so; a schema that it has
/// lost makes a difference.
fn rebuild_through_a_registry(story: &Story) {
    let registry = &story.registry;
    registry.always(Some((503, "")));
    let words = [
        "cannot ask for schema 11, which a record was written with",
        "the schema registry at http://127.0.0.1:",
        "fails with 503",
    ];
    story.assert_refused(FRAMED, &["--yes"], 2, &words);
    let lost = r#"{"error_code":40403,"message":"Schema 11 not found"}"#;
    registry.always(Some((404, lost)));
    let words = [
        "2 decisions published, 2 of them not decided now",
        "2 records cannot be read any more, the first: ",
        "created 2:0: the registry has no schema 11",
    ];
    story.assert_refused(FRAMED, &[], 1, &words);

    registry.always(Some((503, "")));
    let asked = registry.asked().len();
    let mut command = story
        .site
        .begin(&["state", "rebuild", "--partition", "2", "--yes"]);
    wait_until("a question in vain", PATIENCE, || {
        (registry.asked().len() > asked).then_some(())
    });
    registry.always(None);
    assert_eq!(command.wait().code(), Some(0), "{}", command.log());
    assert!(
        command.log().contains("2 decisions as published"),
        "{}",
        command.log()
    );
}

/// Every partition that was rebuilt decides what comes; nobody is told again, and the limit is still
/// used up.
fn assert_goes_on(story: &Story) {
    let told_before = story.site.read("notify").len();
    let service = story.site.start("after");
    story.create(LATE, "L2", -10, &[]);
    story.create(FRAMED, "F3", -10, &[]);
    story.create(STORM, "S4", 0, &["storm"]);
    story.wait_for_escalated(&service, 12);
    let told = story.site.read("notify");
    let new: Vec<String> = told.iter().map(|it| it.text().0).collect();
    assert_eq!(told.len(), told_before + 2, "{new:?}");
    let pieces = story.state(STORM);
    let piece = pieces.iter().find(|(key, _)| is_piece(key)).unwrap().1;
    assert_eq!(piece["sent"], 1);
    let gathered = piece["items"].as_array().unwrap().iter();
    let gathered: Vec<&str> = gathered
        .map(|it| it["ticket_id"].as_str().unwrap())
        .collect();
    assert_eq!(gathered, ["S2", "S3", "S4"]);
    assert!(service.stop().success());
}
