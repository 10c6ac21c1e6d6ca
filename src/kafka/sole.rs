//! The only member of the group, for what must not happen while a replica is at work.
//!
//! It joins as a replica does, and goes on only as the owner of everything. Its transaction carries
//! the generation of the group, so one that was joined by a replica meanwhile is refused as a whole.

use std::time::{Duration, Instant};

use super::client::ClientSettings;
use super::consumer::{Change, GroupConsumer, InputPartition};
use super::error::Error;
use super::lanes::{Lanes, Outcome, Transaction};
use super::topics::{TopicNames, Topics};

/// A group without members assigns within seconds, and a member of before is expelled by then.
const JOIN_PATIENCE: Duration = Duration::from_secs(60);

/// A large state takes its time to be written, and no replica waits for it.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(300);

/// The group knows within this time that this member has gone.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The only member.
pub struct SoleMember {
    member: GroupConsumer,
    lanes: Lanes,
    group: String,
    owned: Vec<InputPartition>,
    wanted: usize,
}

impl SoleMember {
    /// Joins the group and waits until everything of both inputs is assigned.
    ///
    /// # Errors
    /// When others are in the group, or a broker does not answer.
    pub fn join(
        settings: &ClientSettings,
        topics: &TopicNames,
        partitions: i32,
    ) -> Result<Self, Error> {
        let inputs = [topics.created.as_str(), topics.updated.as_str()];
        let limits = Topics::new(settings, topics)?.limits()?;
        let settings = ClientSettings {
            transaction_timeout: settings.transaction_timeout.max(TRANSACTION_TIMEOUT),
            is_static: false,
            ..settings.clone()
        };
        let mut sole = Self {
            member: GroupConsumer::open(&settings, &inputs)?,
            lanes: Lanes::new(&settings, 0),
            group: settings.group.clone(),
            owned: Vec::new(),
            wanted: inputs.len() * usize::try_from(partitions).unwrap_or_default(),
        };
        sole.lanes.keep_to(limits.batch_bytes_max);
        sole.member.join()?;
        let deadline = Instant::now() + JOIN_PATIENCE;
        while !sole.owns_all() {
            if Instant::now() > deadline {
                return Err(sole.not_alone());
            }
            sole.serve(Duration::from_millis(100))?;
        }
        Ok(sole)
    }

    /// Shows the group that this member is still there.
    ///
    /// # Errors
    /// When something was taken away, or reading would not help.
    pub fn stay(&mut self) -> Result<(), Error> {
        self.serve(Duration::ZERO)?;
        if self.owns_all() {
            Ok(())
        } else {
            Err(self.not_alone())
        }
    }

    /// Commits one transaction and leaves the group.
    ///
    /// # Errors
    /// When it is not committed, or not known to be.
    pub fn commit(mut self, transaction: Transaction) -> Result<(), Error> {
        let deadline = Instant::now() + JOIN_PATIENCE;
        while let Err(error) = self.lanes.prepare() {
            if !error.is_retriable() || Instant::now() > deadline {
                return Err(error);
            }
            self.stay()?;
        }
        self.stay()?;
        let outcome = self.lanes.transact(transaction.into(), &self.member);
        self.member.leave(LEAVE_TIMEOUT);
        match outcome {
            Outcome::Committed => Ok(()),
            Outcome::Aborted(why)
            | Outcome::Refused { why, .. }
            | Outcome::Unknown(why)
            | Outcome::Fenced(why) => Err(Error::NotCommitted { why }),
        }
    }

    fn serve(&mut self, wait: Duration) -> Result<(), Error> {
        if let Some(problem) = self.member.poll(1, wait).problem
            && !problem.is_retriable()
        {
            return Err(problem);
        }
        for change in self.member.take_changes() {
            match change {
                Change::Assigned(inputs) => self.owned.extend(inputs),
                Change::Revoked(gone) | Change::Lost(gone) => {
                    self.owned.retain(|it| !gone.contains(it));
                }
            }
        }
        Ok(())
    }

    fn owns_all(&self) -> bool {
        self.owned.len() == self.wanted
    }

    fn not_alone(&self) -> Error {
        Error::GroupInUse {
            group: self.group.clone(),
        }
    }
}
