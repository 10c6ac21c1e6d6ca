//! Warm copies: partitions of other owners, followed so that they can be taken over at once.
//!
//! A copy is the partition read as a restore reads it, only without an end. When its owner goes, the
//! restore asks and waits as always, and then reads on from where the copy is; if the copy is at the
//! watermark already, nothing is left to read. So a takeover takes the fence and not the size of the
//! state, and a copy can be no less right than a restore: it is the first part of one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use super::{Error, OffsetOf, REQUEST_TIMEOUT, Reading, RestoreReader};
use crate::kafka::native;

/// A copy that was not at the end for so long is not gone on from: compaction keeps tombstones for a
/// day unless told otherwise, and whoever is further behind may miss one.
const STALE_AFTER: Duration = Duration::from_secs(3600);

/// How the copies stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// How many there are.
    pub partitions: usize,
    /// How many of them have everything that was stable now, or when it was last asked for.
    pub current: usize,
    /// How many offsets all of them together are behind.
    pub lag: i64,
}

impl RestoreReader {
    /// Begins to follow a partition, unless it is read already.
    pub fn follow(&mut self, partition: i32) {
        if self.index(partition).is_none() {
            self.partitions.push(Reading {
                partition,
                restore: None,
                place: None,
            });
        }
    }

    /// The partitions that are followed.
    pub fn followed(&self) -> impl Iterator<Item = i32> {
        let copies = self.partitions.iter().filter(|it| it.restore.is_none());
        copies.map(|reading| reading.partition)
    }

    /// Whether what is read of a partition may be gone on from.
    pub(super) fn is_fit(&self, index: usize) -> bool {
        let reading = &self.partitions[index];
        let place = reading.place.as_ref().filter(|_| reading.restore.is_none());
        place.is_some_and(|place| {
            let current_at = place.current_at.unwrap_or(place.begun_at);
            current_at.elapsed() < STALE_AFTER
        })
    }

    /// Asks how far the copies are behind.
    ///
    /// # Errors
    /// When a broker does not answer.
    pub fn measure(&mut self) -> Result<Copies, Error> {
        let followed: Vec<i32> = self.followed().collect();
        let asked_at = Instant::now();
        let stable = self.offsets(&followed, OffsetOf::LastStable)?;
        let mut copies = Copies {
            partitions: followed.len(),
            ..Copies::default()
        };
        for (partition, stable) in followed.into_iter().zip(stable) {
            let index = self.index(partition);
            let place = index.and_then(|index| self.partitions[index].place.as_mut());
            let Some(place) = place else {
                copies.lag += stable;
                continue;
            };
            let next = place.next.unwrap_or_default();
            let has = |of: &(Instant, i64)| next >= of.1;
            let known = [place.stable, Some((asked_at, stable))];
            // Under load there is always something new: what was stable when it was last asked for
            // counts, too.
            if let Some((at, _)) = known.into_iter().flatten().rfind(has) {
                place.current_at = Some(at);
                copies.current += 1;
            }
            place.stable = Some((asked_at, stable));
            copies.lag += (stable - next).max(0);
        }
        Ok(copies)
    }

    /// The client ids of the group's members; none where the group's protocol does not tell.
    ///
    /// # Errors
    /// When no broker answers.
    pub fn members(&self) -> Result<BTreeSet<String>, Error> {
        let client = self.reader.consumer().client();
        // Before it lists groups the library waits until it has heard of the brokers.
        native::reach_broker(client, REQUEST_TIMEOUT).map_err(|source| Error::Native {
            doing: format!("asking for the brokers of {}", self.state()),
            source,
        })?;
        let groups = client
            .fetch_group_list(Some(&self.group), REQUEST_TIMEOUT)
            .map_err(|source| self.call("asking for the members of the group", source))?;
        let members = groups.groups().iter().flat_map(|group| group.members());
        Ok(members
            .map(|member| member.client_id().to_owned())
            .collect())
    }
}
