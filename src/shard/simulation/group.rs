//! The coordinator of the group: members, generations, and the committed offsets.
//!
//! Assignment is by `range`: equal numbers of both inputs go to one member. Under the classic protocol
//! every member gives everything up before a generation begins. Under the other one the broker moves
//! partitions one by one, and every member has an epoch of its own in the place of the generation.

use std::collections::{BTreeMap, BTreeSet};

use super::reached::{Path, Reached};
use crate::kafka::consumer::{Committed, InputPartition};

/// A member that was not heard of for so long is expelled.
pub(super) const SESSION_MS: i64 = 5_000;

/// Why the coordinator refuses a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was expelled, or has left.
    Unknown,
    /// Its generation is over.
    OldGeneration,
    /// Another process has its static name now.
    Replaced,
}

/// A member as it shows itself to the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) member: u64,
    pub(super) generation: i32,
}

#[derive(Debug)]
struct Member {
    /// The static name, if it has one.
    name: Option<usize>,
    heard_ms: i64,
    /// Whether it waits for the next generation.
    has_rejoined: bool,
    assigned: Vec<i32>,
    /// What it is to have in the end, and its epoch; where partitions move one by one.
    target: Vec<i32>,
    epoch: i32,
}

/// Offsets of a transaction that is not decided.
#[derive(Debug)]
struct Pending {
    place: u64,
    offsets: Vec<(InputPartition, Committed)>,
}

/// The group.
#[derive(Debug)]
pub(super) struct Group {
    partitions: i32,
    /// Whether partitions move one by one.
    is_incremental: bool,
    generation: i32,
    /// Whether the next generation is being prepared.
    is_rebalancing: bool,
    members: BTreeMap<u64, Member>,
    /// Static members that another process has replaced.
    replaced: BTreeSet<u64>,
    next_member: u64,
    /// With their place in the order in which they were added, which is not always the order in
    /// which their transactions are ended here.
    committed: BTreeMap<InputPartition, (u64, Committed)>,
    /// Offsets of transactions that are not decided here.
    pending: BTreeMap<u64, Pending>,
    added: u64,
    /// Until this instant it answers that nothing was ever committed, as a coordinator may that resigns.
    pub(super) forgetful_until_ms: i64,
    reached: Reached,
}

impl Group {
    pub(super) fn new(partitions: i32, is_incremental: bool, reached: Reached) -> Self {
        Self {
            partitions,
            is_incremental,
            generation: 0,
            is_rebalancing: false,
            members: BTreeMap::new(),
            replaced: BTreeSet::new(),
            next_member: 1,
            committed: BTreeMap::new(),
            pending: BTreeMap::new(),
            added: 0,
            forgetful_until_ms: i64::MIN,
            reached,
        }
    }

    /// A process joins. One with the static name of a member takes its place without a rebalance.
    pub(super) fn join(&mut self, name: Option<usize>, now: i64) -> u64 {
        let id = self.next_member;
        self.next_member += 1;
        let former = self
            .members
            .iter()
            .find(|(_, member)| name.is_some() && member.name == name)
            .map(|(id, _)| *id);
        let mut member = Member {
            name,
            heard_ms: now,
            has_rejoined: true,
            assigned: Vec::new(),
            target: Vec::new(),
            epoch: 0,
        };
        if let Some(former) = former.and_then(|former| {
            self.replaced.insert(former);
            self.members.remove(&former)
        }) {
            self.reached.count(Path::StaticMemberReplaced);
            member.assigned = former.assigned;
            member.has_rejoined = self.is_rebalancing;
        } else {
            self.is_rebalancing = true;
        }
        self.members.insert(id, member);
        self.complete();
        id
    }

    /// A member gives its partitions up and waits for the next generation.
    pub(super) fn rejoin(&mut self, id: u64) {
        if let Some(member) = self.members.get_mut(&id) {
            member.has_rejoined = true;
        }
        self.complete();
    }

    /// A member goes in good order.
    pub(super) fn leave(&mut self, id: u64) {
        if self.members.remove(&id).is_some() {
            self.is_rebalancing = true;
            self.complete();
        }
    }

    /// A member shows that it lives.
    pub(super) fn hear(&mut self, id: u64, now: i64) {
        if let Some(member) = self.members.get_mut(&id) {
            member.heard_ms = now;
        }
    }

    /// What a member learns by its heartbeat: whether it has to rejoin.
    pub(super) fn heartbeat(&self, identity: Identity) -> Result<bool, Refusal> {
        let member = self.member(identity.member)?;
        Ok(self.is_rebalancing && !member.has_rejoined)
    }

    /// The generation and the partitions of a member, once they are settled.
    pub(super) fn assignment(&self, id: u64) -> Option<(i32, Vec<i32>)> {
        let member = self.members.get(&id)?;
        (!self.is_rebalancing).then(|| (self.generation, member.assigned.clone()))
    }

    /// When the next member is expelled unless it is heard of.
    pub(super) fn next_expiry(&self) -> Option<i64> {
        let expiries = self.members.values().map(|it| it.heard_ms + SESSION_MS + 1);
        expiries.min()
    }

    /// Expels who was silent for too long.
    pub(super) fn expire(&mut self, now: i64) {
        let before = self.members.len();
        self.members
            .retain(|_, member| member.heard_ms + SESSION_MS >= now);
        if self.members.len() < before {
            self.reached.count(Path::MemberExpelled);
            self.is_rebalancing = true;
            self.complete();
        }
    }

    /// Gives every member its share.
    fn assign(&mut self) {
        self.generation += 1;
        let count = i32::try_from(self.members.len()).unwrap();
        let (share, more) = (self.partitions / count, self.partitions % count);
        let mut first = 0;
        for (index, member) in (0..).zip(self.members.values_mut()) {
            let last = first + share + i32::from(index < more);
            member.target = (first..last).collect();
            first = last;
        }
    }

    /// What a member may have by now, which tells what it has; where partitions move one by one.
    pub(super) fn reconcile(&mut self, id: u64, held: &[i32]) -> Result<(i32, Vec<i32>), Refusal> {
        self.member(id)?;
        let others = self.members.iter().filter(|(other, _)| **other != id);
        let taken: Vec<i32> = others.flat_map(|(_, it)| it.assigned.clone()).collect();
        let member = self.members.get_mut(&id).unwrap();
        let target = member.target.clone();
        let kept = member.assigned.iter().copied();
        let kept: Vec<i32> = kept.filter(|number| target.contains(number)).collect();
        if !held.iter().all(|number| kept.contains(number)) {
            return Ok((member.epoch, kept));
        }
        member.epoch = self.generation;
        member.assigned = target
            .into_iter()
            .filter(|it| !taken.contains(it))
            .collect();
        Ok((member.epoch, member.assigned.clone()))
    }

    fn complete(&mut self) {
        if self.is_incremental {
            if self.is_rebalancing && !self.members.is_empty() {
                self.assign();
            }
            self.is_rebalancing = false;
            return;
        }
        let are_ready = self.members.values().all(|member| member.has_rejoined);
        if !self.is_rebalancing || !are_ready || self.members.is_empty() {
            return;
        }
        self.is_rebalancing = false;
        self.assign();
        for member in self.members.values_mut() {
            member.assigned = member.target.clone();
            member.has_rejoined = false;
        }
    }

    fn member(&self, id: u64) -> Result<&Member, Refusal> {
        if self.replaced.contains(&id) {
            return Err(Refusal::Replaced);
        }
        self.members.get(&id).ok_or(Refusal::Unknown)
    }

    /// Takes offsets of a transaction, to be shown when it is committed. What a member owns is never
    /// looked at, only whether it belongs to the present generation.
    pub(super) fn add_offsets(
        &mut self,
        identity: Identity,
        transaction: u64,
        offsets: Vec<(InputPartition, Committed)>,
    ) -> Result<(), Refusal> {
        let member = self.member(identity.member)?;
        let present = if self.is_incremental {
            member.epoch
        } else {
            self.generation
        };
        if identity.generation != present {
            return Err(Refusal::OldGeneration);
        }
        if self.is_rebalancing {
            self.reached.count(Path::OffsetsDuringRebalance);
        }
        self.take_offsets(transaction, offsets);
        Ok(())
    }

    /// The same for whoever names no generation.
    pub(super) fn take_offsets(
        &mut self,
        transaction: u64,
        offsets: Vec<(InputPartition, Committed)>,
    ) {
        self.added += 1;
        let pending = Pending {
            place: self.added,
            offsets,
        };
        self.pending.insert(transaction, pending);
    }

    /// The end of a transaction has come here.
    pub(super) fn end(&mut self, transaction: u64, is_committed: bool) {
        let Some(Pending { place, offsets }) = self.pending.remove(&transaction) else {
            return;
        };
        for (partition, offset) in offsets.into_iter().filter(|_| is_committed) {
            let known = self.committed.get(&partition);
            if known.is_some_and(|(newer, _)| *newer > place) {
                self.reached.count(Path::OffsetsOutOfOrder);
            } else {
                self.committed.insert(partition, (place, offset));
            }
        }
    }

    /// The stable committed offsets; none while a transaction holds one back.
    pub(super) fn committed(
        &self,
        partitions: &[InputPartition],
        now: i64,
    ) -> Option<Vec<Committed>> {
        if now < self.forgetful_until_ms {
            self.reached.count(Path::OffsetsDenied);
            return Some(vec![Committed::default(); partitions.len()]);
        }
        let mut pending = self.pending.values().flat_map(|pending| &pending.offsets);
        if pending.any(|(partition, _)| partitions.contains(partition)) {
            return None;
        }
        let known = partitions.iter().map(|at| self.committed.get(at));
        let offset = |known: Option<&(u64, Committed)>| known.cloned().unwrap_or_default().1;
        Some(known.map(offset).collect())
    }

    /// Forgets the committed offsets, as after their retention; none for which a transaction is open.
    pub(super) fn forget_offsets(&mut self) {
        let pending = self.pending.values().flat_map(|pending| &pending.offsets);
        let pending: Vec<InputPartition> = pending.map(|(partition, _)| *partition).collect();
        self.committed
            .retain(|partition, _| pending.contains(partition));
    }

    pub(super) const fn generation(&self) -> i32 {
        self.generation
    }
}
