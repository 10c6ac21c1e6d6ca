//! Looks at every transaction that is committed, and at what is left in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use escalator_engine::effect::Event;
use escalator_engine::emission::{Emission, Firing};
use escalator_engine::engine::Engine;
use escalator_engine::rules::Rules;
use escalator_engine::ticket_state::TicketState;
use escalator_engine::time::Timestamp;
use serde_json::Value;

use super::cluster::{Cluster, Decided};
use super::oracle::{Oracle, decode};
use super::reached::{Path, Reached};
use super::schedule::{At, Config};
use super::topic_log::{Payload, Topic};
use crate::partition::Restored;
use crate::partition::meta::{self, Meta};
use crate::record::OutgoingRecord;
use crate::wire;

/// Knows what was committed, and what must have been.
pub(super) struct Auditor {
    config: Config,
    oracle: Oracle,
    partitions: BTreeMap<i32, Ledger>,
    identities: BTreeSet<String>,
    reached: Reached,
}

/// What was committed of a partition.
struct Ledger {
    meta: Option<Meta>,
    /// The process and the generation of the last transaction.
    owner: (u64, i32),
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The same facts, taken in without any fault.
    replay: Engine,
    /// Dead letters, by input and offset.
    letters: BTreeSet<(usize, i64)>,
}

impl Auditor {
    pub(super) fn new(
        config: &Config,
        events: &[At],
        rules: &Arc<Rules>,
        reached: Reached,
    ) -> Self {
        let ledger = |partition| {
            let ledger = Ledger {
                meta: None,
                owner: (0, 0),
                state: BTreeMap::new(),
                replay: Engine::new(Arc::clone(rules)).stored_behind(wire::state_framing()),
                letters: BTreeSet::new(),
            };
            (partition, ledger)
        };
        Self {
            config: config.clone(),
            oracle: Oracle::new(config, events, reached.clone()),
            partitions: (0..config.partitions).map(ledger).collect(),
            identities: BTreeSet::new(),
            reached,
        }
    }

    /// Looks at a transaction that was committed; the latest rules are those of the log of edits.
    pub(super) fn take(
        &mut self,
        decided: &Decided,
        cluster: &mut Cluster,
        rules: &Arc<Rules>,
        now_ms: i64,
    ) -> Result<(), String> {
        let transaction = &decided.transaction;
        let identity = &transaction.identity;
        let Some(generation) = decided.generation else {
            return Err(format!("{identity} was committed without its offsets"));
        };
        if !self.identities.insert(identity.clone()) {
            return Err(format!("{identity} was committed twice"));
        }
        let written = &transaction.records;
        let mut numbers: BTreeSet<i32> = written.iter().map(|it| it.partition).collect();
        numbers.extend(transaction.offsets.iter().map(|offset| offset.partition));
        for number in numbers {
            let of = |record: &&OutgoingRecord| record.partition == number;
            let records: Vec<&OutgoingRecord> = written.iter().filter(of).collect();
            let meta = self.meta(&records, decided, number)?;
            let ledger = self.partitions.get_mut(&number).unwrap();
            let owner = (decided.process, generation);
            ledger.follow(&meta, owner, &self.config, &self.reached)?;
            let from = ledger.meta.as_ref().map_or([0, 0], |meta| meta.offsets);
            ledger.take_letters(&records, from, meta.offsets)?;
            let in_steps = ledger.take_facts(number, from, &meta, cluster, &self.config)?;
            let may_withhold = self.config.may_withhold();
            let compared = ledger.compare(&records, &meta, rules, may_withhold);
            ledger.take_state(&records, &self.reached);
            if compared.is_err() && in_steps {
                ledger.replay_from_state(number, &meta, rules);
            } else {
                compared?;
            }
            ledger.meta = Some(meta);
            ledger.owner = owner;
        }
        for record in written {
            let topic = Topic::named(&record.topic);
            if matches!(topic, Topic::Escalated | Topic::Notify) {
                let payload = payload(record);
                self.oracle
                    .take((topic, record.partition), &payload, now_ms)?;
            }
        }
        Ok(())
    }

    /// The partition's own record, which has the very offsets of the transaction.
    fn meta(
        &self,
        records: &[&OutgoingRecord],
        decided: &Decided,
        number: i32,
    ) -> Result<Meta, String> {
        let identity = &decided.transaction.identity;
        let mut own = records
            .iter()
            .filter(|record| record.key.as_deref() == Some(meta::KEY));
        let (Some(record), None) = (own.next(), own.next()) else {
            return Err(format!(
                "{identity} has not one record of partition {number}"
            ));
        };
        let meta = Meta::decode(record.value.as_deref().unwrap()).unwrap();
        let offset = |topic: Topic| {
            let mut offsets = decided.transaction.offsets.iter();
            let found = offsets.find(|it| it.topic == topic.name() && it.partition == number);
            found.map(|it| it.offset)
        };
        let offsets = Topic::INPUTS.map(offset);
        if offsets != meta.offsets.map(Some) {
            return Err(format!(
                "{identity} commits {offsets:?} of partition {number}, its record says {:?}",
                meta.offsets
            ));
        }
        if meta.transaction != *identity {
            return Err(format!(
                "{identity} carries the record of {}",
                meta.transaction
            ));
        }
        Ok(meta)
    }

    /// Looks at what is left when everything has come to rest.
    pub(super) fn finish(&self, cluster: &mut Cluster) -> Result<(), String> {
        self.oracle.finish()?;
        for (number, ledger) in &self.partitions {
            let read = ledger.meta.as_ref().map_or([0, 0], |meta| meta.offsets);
            for (input, topic) in Topic::INPUTS.into_iter().enumerate() {
                let log = cluster.log((topic, *number));
                if !log.read(read[input], usize::MAX).0.is_empty() {
                    return Err(format!(
                        "partition {number} of {topic:?} was not read to its end"
                    ));
                }
            }
            let log = cluster.log((Topic::State, *number));
            if log.last_stable() < log.high_watermark() {
                return Err(format!(
                    "a transaction hangs in partition {number} of the state"
                ));
            }
            if log.compacted() != ledger.state {
                return Err(format!(
                    "the state of partition {number} is not what was committed"
                ));
            }
            let asked = [(0, *number), (1, *number)];
            let committed = cluster.group.committed(&asked, i64::MAX);
            let committed = committed.ok_or("offsets are held back for ever")?;
            for (offset, read) in committed.iter().zip(read) {
                if offset.offset.is_some_and(|offset| offset != read) {
                    return Err(format!(
                        "the group's offsets of {number} are not the state's"
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// Compares with the last transaction: time and offsets go on, and another owner is a later one.
    fn follow(
        &self,
        meta: &Meta,
        owner: (u64, i32),
        config: &Config,
        reached: &Reached,
    ) -> Result<(), String> {
        let Some(last) = &self.meta else {
            return Ok(());
        };
        if self.owner.0 != owner.0 {
            reached.count(Path::OwnerChanged);
        }
        // One by one, a partition that does not move stays with its owner over generations.
        let is_same = self.owner.0 == owner.0 && (config.is_incremental || self.owner == owner);
        let is_later = if is_same {
            meta.epoch >= last.epoch
        } else {
            meta.epoch > last.epoch
        };
        let goes_on = meta.evaluated_to_ms >= last.evaluated_to_ms
            && meta.offsets[0] >= last.offsets[0]
            && meta.offsets[1] >= last.offsets[1];
        if is_later && goes_on {
            Ok(())
        } else {
            Err(format!(
                "{meta:?} of {owner:?} does not follow {last:?} of {:?}",
                self.owner
            ))
        }
    }

    /// Dead letters are of records that the transaction reads, each once.
    fn take_letters(
        &mut self,
        records: &[&OutgoingRecord],
        from: [i64; 2],
        until: [i64; 2],
    ) -> Result<(), String> {
        for record in records {
            if Topic::named(&record.topic) != Topic::DeadLetters {
                continue;
            }
            let header = |name: &str| {
                let found = record.headers.iter().find(|(known, _)| known == name);
                let value = found.and_then(|(_, value)| value.clone()).unwrap();
                String::from_utf8(value).unwrap()
            };
            let topic = Topic::named(&header("topic"));
            let input = usize::from(topic == Topic::Updated);
            let offset: i64 = header("offset").parse().unwrap();
            let is_read = (from[input]..until[input]).contains(&offset);
            if !is_read || !self.letters.insert((input, offset)) {
                return Err(format!(
                    "the dead letter of {topic:?} at {offset} came twice"
                ));
            }
        }
        Ok(())
    }

    /// Takes in what the transaction has read. Answers with whether that may have been decided in steps
    /// that show: what comes is decided while the last transaction is under way, and something that is
    /// late may come after what it belongs before.
    fn take_facts(
        &mut self,
        number: i32,
        from: [i64; 2],
        meta: &Meta,
        cluster: &mut Cluster,
        config: &Config,
    ) -> Result<bool, String> {
        let mut facts = 0;
        for (input, topic) in Topic::INPUTS.into_iter().enumerate() {
            let (entries, _) = cluster.log((topic, number)).read(from[input], usize::MAX);
            for entry in entries {
                if entry.offset >= meta.offsets[input] {
                    break;
                }
                let payload = Payload {
                    timestamp_ms: entry.timestamp_ms,
                    key: entry.key.clone(),
                    value: entry.value.clone(),
                };
                match decode(topic, number, config.partitions, &payload) {
                    Some(fact) => {
                        facts += 1;
                        self.replay.apply(fact);
                    }
                    None if !self.letters.contains(&(input, entry.offset)) => {
                        let offset = entry.offset;
                        return Err(format!("{topic:?} at {offset} became no dead letter"));
                    }
                    None => {}
                }
            }
        }
        Ok(config.has_late && facts > 1)
    }

    /// Goes on from what was written.
    fn replay_from_state(&mut self, number: i32, meta: &Meta, rules: &Arc<Rules>) {
        let state = self.state.clone().into_iter().collect();
        let (offsets, identity) = (meta.offsets.map(Some), meta.transaction.clone());
        let restored = Restored::build(number, rules, state, offsets, identity);
        self.replay = restored
            .unwrap()
            .engine
            .stored_behind(wire::state_framing());
    }

    /// The states of the transaction are what the facts so far give without any fault.
    fn compare(
        &mut self,
        records: &[&OutgoingRecord],
        meta: &Meta,
        rules: &Arc<Rules>,
        may_withhold: bool,
    ) -> Result<(), String> {
        self.replay.set_rules(Arc::clone(rules));
        let emission = Emission {
            firing: Firing::At(fired_at(records).unwrap_or_else(|| meta.evaluated_to())),
            ..Emission::on_virtual_clock()
        };
        let advanced = self
            .replay
            .advance(meta.evaluated_to(), usize::MAX, &emission);
        let expected = advanced.events.iter().map(|emitted| match &emitted.event {
            Event::Escalated(event) => event.id.to_string(),
            Event::Notify(event) => event.id.to_string(),
        });
        let expected: Vec<String> = expected.collect();
        let found: Vec<String> = records
            .iter()
            .filter_map(|record| event_id(record))
            .collect();
        // What is withheld because it is late depends on a time that not every transaction tells.
        if !may_withhold && found != expected {
            let by = &meta.transaction;
            return Err(format!(
                "the events of {by} are {found:?}, without any fault {expected:?}"
            ));
        }
        let changed = self.replay.take_changed();
        // The words of a record are those that its writer had learned: what it says is compared.
        let read = |value: Option<Vec<u8>>| value.map(|value| wire::decode_state(&value).unwrap());
        let expected: BTreeMap<Vec<u8>, Option<TicketState>> = changed
            .map(|(id, state)| (id.as_bytes().to_vec(), read(state)))
            .collect();
        let states = records
            .iter()
            .filter(|record| &*record.topic == Topic::State.name());
        let found: BTreeMap<Vec<u8>, Option<TicketState>> = states
            .map(|record| (record.key.clone().unwrap(), record.value.clone()))
            .filter(|(key, _)| key[0] != meta::OWN_KEY)
            .map(|(key, value)| (key, read(value)))
            .collect();
        self.replay.commit();
        if expected == found {
            return Ok(());
        }
        let keys = expected.keys().chain(found.keys());
        let differing = keys.filter(|key| expected.get(*key) != found.get(*key));
        let key = differing.min().unwrap();
        Err(format!(
            "{} of {}: {}",
            String::from_utf8_lossy(key),
            meta.transaction,
            difference(&show(found.get(key)), &show(expected.get(key)))
        ))
    }

    fn take_state(&mut self, records: &[&OutgoingRecord], reached: &Reached) {
        for record in records {
            match Topic::named(&record.topic) {
                Topic::State => {
                    let key = record.key.clone().unwrap();
                    match record.value.clone() {
                        Some(value) => self.state.insert(key, value),
                        None => {
                            if key[0] != meta::OWN_KEY {
                                reached.count(Path::Forgotten);
                            }
                            self.state.remove(&key)
                        }
                    };
                }
                Topic::DeadLetters => reached.count(Path::DeadLetter),
                Topic::Created | Topic::Updated | Topic::Escalated | Topic::Notify => {}
            }
        }
    }
}

/// When the transaction was decided, if it tells.
fn fired_at(records: &[&OutgoingRecord]) -> Option<Timestamp> {
    let is_event = |record: &&&OutgoingRecord| &*record.topic == Topic::Escalated.name();
    let record = records.iter().find(is_event)?;
    let value: Value = serde_json::from_slice(record.value.as_deref()?).ok()?;
    serde_json::from_value(value["fired_at"].clone()).ok()
}

fn show(state: Option<&Option<TicketState>>) -> String {
    match state {
        None => "not written".to_owned(),
        Some(None) => "forgotten".to_owned(),
        Some(Some(state)) => format!("{state:?}"),
    }
}

/// Where two texts begin to differ.
pub(super) fn difference(found: &str, expected: &str) -> String {
    let both = found.chars().zip(expected.chars());
    let equal = both.take_while(|(a, b)| a == b).count();
    let cut = |text: &str| {
        let around = text.chars().skip(equal.saturating_sub(60));
        around.take(200).collect::<String>()
    };
    format!(
        "written was …{}…\n    without any fault it is …{}…",
        cut(found),
        cut(expected)
    )
}

fn event_id(record: &OutgoingRecord) -> Option<String> {
    let topic = Topic::named(&record.topic);
    let is_event = matches!(topic, Topic::Escalated | Topic::Notify);
    let value: Value =
        serde_json::from_slice(record.value.as_deref().filter(|_| is_event)?).ok()?;
    Some(value["id"].as_str()?.to_owned())
}

fn payload(record: &OutgoingRecord) -> Payload {
    Payload {
        timestamp_ms: 0,
        key: record.key.clone(),
        value: record.value.clone(),
    }
}
