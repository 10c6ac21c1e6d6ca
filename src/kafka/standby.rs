//! Which instance keeps a warm copy of which partition.
//!
//! Every instance finds out for itself, from the members that the group names, and all come to the
//! same: each partition ranks the instances by a hash of both (rendezvous hashing), and the first of
//! them have it, as its owner or as a copy. An instance that comes or goes moves only what it had.

use std::collections::BTreeSet;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

/// What is kept warm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standby {
    /// How many instances keep a copy of a partition beside its owner; none turns copies off.
    pub copies: usize,
    /// How many partitions there are.
    pub partitions: i32,
    /// How long an instance that starts waits for its copies before it joins others in the group.
    pub warm_up: Duration,
    /// Whether the group keeps the partitions of this instance for it while it is restarted. Then
    /// nobody serves them, and an instance that the group still knows joins it at once.
    pub is_awaited: bool,
}

impl Standby {
    /// The partitions that an instance should have, by the names of all that are there.
    pub(super) fn of(&self, own: &str, others: &BTreeSet<String>) -> BTreeSet<i32> {
        let all = 0..self.partitions;
        if self.copies == 0 {
            return BTreeSet::new();
        }
        let is_among_first = |partition: &i32| {
            let own_rank = rank(own, *partition);
            let others = others.iter().filter(|other| *other != own);
            let before = others.filter(|other| rank(other, *partition) > own_rank);
            before.count() <= self.copies
        };
        all.filter(is_among_first).collect()
    }
}

/// How an instance ranks for a partition: the hash, and the name where two hashes are the same.
fn rank(instance: &str, partition: i32) -> (u64, &str) {
    let mut bytes = instance.as_bytes().to_vec();
    // No name has this byte, so no two pairs of name and number make the same bytes.
    bytes.push(0xFF);
    bytes.extend(partition.to_be_bytes());
    (xxh3_64(&bytes), instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instances(count: usize) -> BTreeSet<String> {
        (0..count)
            .map(|number| format!("escalator-{number}"))
            .collect()
    }

    fn standby(copies: usize) -> Standby {
        Standby {
            copies,
            partitions: 120,
            warm_up: Duration::ZERO,
            is_awaited: false,
        }
    }

    fn shares(copies: usize, instances: &BTreeSet<String>) -> Vec<BTreeSet<i32>> {
        let of = |own: &String| standby(copies).of(own, instances);
        instances.iter().map(of).collect()
    }

    #[test]
    fn few_instances_have_everything() {
        for count in 1..=4 {
            for share in shares(3, &instances(count)) {
                assert_eq!(share.len(), 120);
            }
        }
        assert_eq!(standby(3).of("new", &BTreeSet::new()).len(), 120);
    }

    #[test]
    fn without_copies_nothing_is_kept() {
        assert_eq!(standby(0).of("a", &instances(3)), BTreeSet::new());
    }

    #[test]
    fn every_partition_is_with_as_many_of_many_instances_as_wanted() {
        let shares = shares(3, &instances(10));
        for partition in 0..120 {
            let having = shares.iter().filter(|share| share.contains(&partition));
            assert_eq!(having.count(), 4);
        }
        for share in shares {
            assert!((24..=72).contains(&share.len()), "{}", share.len());
        }
    }

    #[test]
    fn who_goes_moves_only_what_it_had() {
        let all = instances(10);
        let mut fewer = all.clone();
        fewer.remove("escalator-3");
        let gone = standby(3).of("escalator-3", &all);
        for own in &fewer {
            let before = standby(3).of(own, &all);
            let after = standby(3).of(own, &fewer);
            assert!(after.is_superset(&before));
            assert!(after.difference(&before).all(|moved| gone.contains(moved)));
        }
    }
}
