//! One partition of a topic: records, the ends of transactions among them, and who may see what.

use std::collections::{BTreeMap, BTreeSet};

/// Which topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Created,
    Updated,
    State,
    Escalated,
    Notify,
    DeadLetters,
}

impl Topic {
    const ALL: [Self; 6] = [
        Self::Created,
        Self::Updated,
        Self::State,
        Self::Escalated,
        Self::Notify,
        Self::DeadLetters,
    ];

    /// The inputs, in the order in which they are subscribed.
    pub(super) const INPUTS: [Self; 2] = [Self::Created, Self::Updated];

    /// The name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::State => "state",
            Self::Escalated => "escalated",
            Self::Notify => "notify",
            Self::DeadLetters => "dead-letters",
        }
    }

    /// The topic of this name.
    pub(super) fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|topic| topic.name() == name);
        found.unwrap()
    }
}

/// A partition of a topic.
pub(super) type Place = (Topic, i32);

/// A record, or the end of a transaction.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) offset: i64,
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    transaction: Option<u64>,
    is_marker: bool,
    /// When it was appended, for tombstones: these are kept for a while.
    appended_ms: i64,
}

/// What is to be appended.
#[derive(Clone, Debug, Default)]
pub(super) struct Payload {
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
}

/// A log in which transactions are open, committed or aborted.
#[derive(Debug, Default)]
pub(super) struct TopicLog {
    entries: Vec<Entry>,
    next: i64,
    /// Open transactions and their first offset.
    open: BTreeMap<u64, i64>,
    aborted: BTreeSet<u64>,
}

impl TopicLog {
    /// Appends a record; one of a transaction is seen when that has been committed here.
    pub(super) fn append(&mut self, transaction: Option<u64>, payload: Payload, now: i64) -> i64 {
        let offset = self.next;
        if let Some(transaction) = transaction {
            self.open.entry(transaction).or_insert(offset);
        }
        self.push(transaction, payload, false, now);
        offset
    }

    /// Appends the end of a transaction.
    pub(super) fn end(&mut self, transaction: u64, is_committed: bool, now: i64) {
        self.open.remove(&transaction);
        if !is_committed {
            self.aborted.insert(transaction);
        }
        self.push(Some(transaction), Payload::default(), true, now);
    }

    fn push(&mut self, transaction: Option<u64>, payload: Payload, is_marker: bool, now: i64) {
        self.entries.push(Entry {
            offset: self.next,
            timestamp_ms: payload.timestamp_ms,
            key: payload.key,
            value: payload.value,
            transaction,
            is_marker,
            appended_ms: now,
        });
        self.next += 1;
    }

    /// One past the last entry.
    pub(super) const fn high_watermark(&self) -> i64 {
        self.next
    }

    /// The first offset of which it is not decided whether it will be seen.
    pub(super) fn last_stable(&self) -> i64 {
        self.open.values().copied().min().unwrap_or(self.next)
    }

    /// At most so many entries from an offset on that a reader of committed records may pass, each
    /// with whether it is shown, and the offset to go on from.
    pub(super) fn read(&self, from: i64, limit: usize) -> (Vec<&Entry>, i64) {
        let stable = self.last_stable();
        let first = self.entries.partition_point(|entry| entry.offset < from);
        let (mut shown, mut next) = (Vec::new(), from);
        for entry in &self.entries[first..] {
            if entry.offset >= stable || shown.len() >= limit {
                return (shown, next);
            }
            next = entry.offset + 1;
            if self.is_shown(entry) {
                shown.push(entry);
            }
        }
        // What was compacted away at the end is passed, too.
        (shown, next.max(stable))
    }

    fn is_shown(&self, entry: &Entry) -> bool {
        let is_aborted = |transaction| self.aborted.contains(&transaction);
        !entry.is_marker && !entry.transaction.is_some_and(is_aborted)
    }

    /// The first offset with such a timestamp or a later one.
    pub(super) fn at(&self, timestamp_ms: i64) -> Option<i64> {
        let found = self
            .entries
            .iter()
            .find(|entry| !entry.is_marker && entry.timestamp_ms >= timestamp_ms);
        found.map(|entry| entry.offset)
    }

    /// Keeps of every key the last committed record, as far as everything is decided; tombstones
    /// that were appended before an instant go as well.
    pub(super) fn compact(&mut self, tombstones_before_ms: i64) {
        let stable = self.last_stable();
        let decided = self.entries.iter().filter(|entry| entry.offset < stable);
        let mut last = BTreeMap::new();
        for entry in decided.filter(|entry| self.is_shown(entry)) {
            last.insert(entry.key.clone(), entry.offset);
        }
        self.entries.retain(|entry| {
            let is_old = entry.value.is_none() && entry.appended_ms < tombstones_before_ms;
            entry.offset >= stable || (!is_old && last.get(&entry.key) == Some(&entry.offset))
        });
    }

    /// How many tombstones there are.
    pub(super) fn tombstones(&self) -> usize {
        let entries = self.entries.iter();
        entries
            .filter(|entry| !entry.is_marker && entry.value.is_none())
            .count()
    }

    /// What a reader of committed records makes of it: the last value of every key.
    pub(super) fn compacted(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut values = BTreeMap::new();
        for entry in self.read(0, usize::MAX).0 {
            let key = entry.key.clone().unwrap();
            match entry.value.clone() {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(key: &str, value: Option<&str>) -> Payload {
        Payload {
            timestamp_ms: 0,
            key: Some(key.as_bytes().to_vec()),
            value: value.map(|value| value.as_bytes().to_vec()),
        }
    }

    fn shown(log: &TopicLog) -> Vec<(i64, String)> {
        let text = |entry: &&Entry| String::from_utf8(entry.value.clone().unwrap()).unwrap();
        let (entries, _) = log.read(0, 100);
        entries
            .iter()
            .map(|entry| (entry.offset, text(entry)))
            .collect()
    }

    #[test]
    fn an_open_transaction_hides_itself_and_all_that_follows() {
        let mut log = TopicLog::default();
        log.append(None, payload("a", Some("1")), 0);
        log.append(Some(7), payload("a", Some("2")), 0);
        log.append(None, payload("b", Some("3")), 0);
        assert_eq!((log.last_stable(), log.high_watermark()), (1, 3));
        assert_eq!(shown(&log), [(0, "1".to_owned())]);
        log.end(7, true, 0);
        assert_eq!(shown(&log).len(), 3);
        assert_eq!(log.read(0, 100).1, 4, "the marker is passed");
    }

    #[test]
    fn what_is_aborted_is_passed_and_never_shown() {
        let mut log = TopicLog::default();
        log.append(Some(7), payload("a", Some("1")), 0);
        log.append(Some(8), payload("a", Some("2")), 0);
        log.end(7, false, 0);
        assert_eq!(log.read(0, 100).1, 1);
        log.end(8, true, 0);
        assert_eq!(shown(&log), [(1, "2".to_owned())]);
    }

    #[test]
    fn compaction_keeps_what_a_reader_makes_of_it_and_leaves_what_is_undecided() {
        let mut log = TopicLog::default();
        log.append(None, payload("a", Some("1")), 0);
        log.append(Some(7), payload("a", Some("2")), 0);
        log.end(7, false, 0);
        log.append(None, payload("b", Some("3")), 0);
        log.append(None, payload("b", None), 0);
        log.append(Some(8), payload("a", Some("4")), 0);
        let before = log.compacted();
        log.compact(1);
        assert_eq!(log.compacted(), before);
        assert_eq!(log.high_watermark(), 6);
        log.end(8, true, 0);
        log.compact(1);
        assert_eq!(shown(&log), [(5, "4".to_owned())]);
        assert_eq!(log.read(0, 100).1, 7);
    }
}
