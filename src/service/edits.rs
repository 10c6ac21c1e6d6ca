//! The log of plan edits as those see it who may write to it: the service at its start and when its
//! files change, and the commands about plans.
//!
//! Whoever loads a revision that was never seen in the log appends it; whether it was seen is asked
//! of the whole log, to its end. Two who are equally fast both append, and the second record changes
//! nothing.

use crate::causes::chain;
use crate::edits::{EditLog, FindError, Taken, record};
use crate::kafka::edits::EditReader;
use crate::kafka::writer::Writer;
use crate::kafka::{self, ClientSettings};
use crate::plan_file::{PlanSet, Refused};

/// Why the log of edits cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka does not do it.
    #[error("the log of plan edits cannot be used")]
    Kafka(#[from] kafka::Error),
    /// What would be written could not be read by anybody.
    #[error("revision {hash} cannot be read back from its content")]
    Content {
        /// Its hash.
        hash: String,
        /// Why.
        #[source]
        source: Refused,
    },
    /// There is no such revision.
    #[error(transparent)]
    Find(#[from] FindError),
    /// What was written is not in the log.
    #[error("revision {hash} was written to the log of plan edits and is not in it")]
    Gone {
        /// Its hash.
        hash: String,
    },
}

impl Error {
    /// Whether waiting and doing the same again may help.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Kafka(error) => error.is_retriable(),
            Self::Content { .. } | Self::Find(_) | Self::Gone { .. } => false,
        }
    }
}

/// What came of offering a revision to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is in the log now.
    Appended,
    /// It is in force already.
    InForce,
    /// It was in force before, and another one is now; only an activation brings it back.
    Older,
}

/// The log of edits, to be read and written.
pub struct EditTopic {
    reader: EditReader,
    writer: Writer,
    topic: String,
    log: EditLog,
}

impl EditTopic {
    /// Makes the clients; no broker is asked yet.
    ///
    /// # Errors
    /// When a property is not accepted.
    pub fn open(settings: &ClientSettings, topic: &str) -> Result<Self, kafka::Error> {
        Ok(Self {
            reader: EditReader::open(settings, topic)?,
            writer: Writer::open(settings)?,
            topic: topic.to_owned(),
            log: EditLog::default(),
        })
    }

    /// The log as far as it was read.
    #[must_use]
    pub const fn log(&self) -> &EditLog {
        &self.log
    }

    /// Reads what is new, up to the end that the log has now; answers with the records that cannot
    /// be used, each by its offset and the reason.
    ///
    /// # Errors
    /// When a broker does not answer in time.
    pub fn read(&mut self) -> Result<Vec<(i64, String)>, kafka::Error> {
        let end = self.reader.end()?;
        let edits = self.reader.read(self.log.next(), end)?;
        let mut refused = Vec::new();
        for record in &edits.records {
            if let Taken::Refused(refusal) = self.log.take(record) {
                refused.push((record.offset, chain(&refusal)));
            }
        }
        self.log.pass(edits.next);
        Ok(refused)
    }

    /// Appends a revision unless the log has it.
    ///
    /// # Errors
    /// When a broker does not answer in time, or nobody could read the revision.
    pub fn offer(&mut self, set: &PlanSet) -> Result<Offered, Error> {
        self.read()?;
        let hash = &set.revision().id;
        if self.log.set(hash).is_none() {
            let back = PlanSet::from_content(set.content());
            back.map_err(|source| Error::Content {
                hash: hash.to_string(),
                source,
            })?;
            self.append(set, false)?;
            return Ok(Offered::Appended);
        }
        let in_force = self.log.in_force();
        Ok(if in_force.is_some_and(|edit| edit.hash == *hash) {
            Offered::InForce
        } else {
            Offered::Older
        })
    }

    /// Brings the revision into force whose hash begins so; answers with the hash.
    ///
    /// # Errors
    /// When there is no such revision, or a broker does not answer in time.
    pub fn activate(&mut self, prefix: &str) -> Result<(String, Offered), Error> {
        self.read()?;
        let set = self.log.find(prefix)?.clone();
        let hash = set.revision().id.to_string();
        let in_force = self.log.in_force();
        if in_force.is_some_and(|edit| *edit.hash == *hash) {
            return Ok((hash, Offered::InForce));
        }
        self.append(&set, true)?;
        Ok((hash, Offered::Appended))
    }

    fn append(&mut self, set: &PlanSet, is_activation: bool) -> Result<(), Error> {
        let record = record(&self.topic, set, is_activation);
        self.writer.write(&[record])?;
        self.read()?;
        let hash = &set.revision().id;
        match self.log.set(hash) {
            Some(_) => Ok(()),
            None => Err(Error::Gone {
                hash: hash.to_string(),
            }),
        }
    }
}
