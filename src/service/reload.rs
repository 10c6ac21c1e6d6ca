//! Plan files that change while the service runs: what they hold is offered to the log of edits.
//!
//! Three things make the service look: somebody asks over HTTP, a signal, and the files themselves,
//! whose content is compared once a second. A change counts once two looks in a row have found the
//! same, so that a file that is being written, or a directory of which half is replaced, is not
//! taken for an edit. What comes into force, and when, is decided by the log, for all instances
//! alike; here it is only written.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::edits::{EditTopic, Error, Offered};
use crate::causes::chain;
use crate::edits::{FindError, first_digits};
use crate::http::{ActivateAnswer, NotActivated, ReloadAnswer, Request};
use crate::metrics::{Metrics, ReloadResult};
use crate::plan_file::{self, PlanSet, Sources};

/// The files are looked at this often: an edit is there within two seconds, and reading some files
/// costs nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The thread that loads plan files again.
pub(super) struct Reloader {
    pub(super) asked: Receiver<Request>,
    /// Set by a signal.
    pub(super) hang_up: Arc<AtomicBool>,
    /// Whether the files are loaded again when they change.
    pub(super) follows_files: bool,
    pub(super) topic: EditTopic,
    pub(super) metrics: Arc<Metrics>,
    pub(super) watch: Watch,
    /// The hash of what was loaded last.
    pub(super) loaded: String,
}

impl Reloader {
    /// Ends when nobody can ask any more.
    pub(super) fn run(mut self) {
        loop {
            match self.asked.recv_timeout(LOOK_EVERY) {
                Ok(Request::Reload(question)) => {
                    let found = self.watch.look();
                    question.answer(self.load(found));
                }
                Ok(Request::Activate(hash, question)) => question.answer(self.activate(&hash)),
                Err(RecvTimeoutError::Timeout) if self.hang_up.swap(false, Ordering::AcqRel) => {
                    let found = self.watch.look();
                    // Whoever sent the signal reads the log.
                    drop(self.load(found));
                }
                Err(RecvTimeoutError::Timeout) if self.follows_files => self.follow_files(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Loads the files when they have changed and hold another revision than they did.
    fn follow_files(&mut self) {
        let Some(found) = self.watch.changed() else {
            return;
        };
        let set = check(found);
        let is_same = |set: &PlanSet| *set.revision().id == *self.loaded;
        if !set.as_ref().is_ok_and(is_same) {
            // The outcome is in the log and in the metrics.
            drop(self.offer(set));
        }
    }

    fn load(&mut self, found: Found) -> ReloadAnswer {
        self.offer(check(found))
    }

    /// Brings an old revision back into force. The files stay as they are, and what they hold is
    /// older than this then.
    fn activate(&mut self, prefix: &str) -> ActivateAnswer {
        match self.topic.activate(prefix) {
            Ok((hash, offered)) => {
                let words = match offered {
                    Offered::Appended => "an old revision was brought back into force",
                    Offered::InForce | Offered::Older => "what was to be brought back is in force",
                };
                tracing::info!(plan.revision = hash, "{words}");
                Ok(hash)
            }
            Err(Error::Find(unknown)) => Err(match &unknown {
                FindError::Unknown(_) => NotActivated::Unknown(unknown.to_string()),
                FindError::Ambiguous { .. } => NotActivated::Ambiguous(unknown.to_string()),
            }),
            Err(error) => Err(NotActivated::Failed(failed(&error))),
        }
    }

    /// Offers what the files hold to the log of edits.
    fn offer(&mut self, set: Result<PlanSet, String>) -> ReloadAnswer {
        let (result, answer) = match set {
            Err(problems) => {
                tracing::warn!(
                    "the plan files cannot be used, the plans stay as they are: {problems}"
                );
                (ReloadResult::Refused, Err(problems))
            }
            Ok(set) => {
                let hash = set.revision().id.to_string();
                match self.topic.offer(&set) {
                    Ok(offered) => {
                        self.loaded.clone_from(&hash);
                        told(hash, offered)
                    }
                    Err(error) => {
                        if error.is_retriable() {
                            // Asked for again at the next look.
                            self.watch.forget();
                        }
                        (ReloadResult::Failed, Err(failed(&error)))
                    }
                }
            }
        };
        self.metrics.plan_reloads(result).inc();
        answer
    }
}

/// What a reload came to, told in the log, too.
fn told(hash: String, offered: Offered) -> (ReloadResult, ReloadAnswer) {
    match offered {
        Offered::Appended => {
            tracing::info!(
                plan.revision = hash,
                "the edited plans are in the log of edits"
            );
            (ReloadResult::Applied, Ok(hash))
        }
        Offered::InForce => {
            tracing::info!(plan.revision = hash, "the plan files hold what is in force");
            (ReloadResult::Unchanged, Ok(hash))
        }
        Offered::Older => {
            let reason = older(&hash);
            tracing::warn!(plan.revision = hash, "{reason}");
            (ReloadResult::Refused, Err(reason))
        }
    }
}

/// What to say of files that hold a revision that was in force before.
pub(super) fn older(hash: &str) -> String {
    let brief = first_digits(hash);
    format!(
        "the plan files hold revision {brief}, which was in force before; the present one stays: \
         `escalator plan activate {brief}` brings the old one back"
    )
}

fn failed(error: &Error) -> String {
    let reason = chain(error);
    tracing::warn!("the log of plan edits cannot be written to: {reason}");
    reason
}

/// What a look at the files has found.
type Found = Result<Sources, String>;

fn read(path: &Path) -> Found {
    Sources::read(path).map_err(|error| error.to_string())
}

fn check(found: Found) -> Result<PlanSet, String> {
    let checked = plan_file::check(found?);
    checked.into_set().map_err(|refused| refused.to_string())
}

/// What the plan files held at the last looks.
pub(super) struct Watch {
    path: PathBuf,
    /// At the last look.
    seen: Option<Found>,
    /// When they were loaded.
    loaded: Option<Found>,
}

impl Watch {
    /// Watches these files, nothing of which was seen yet.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self {
            path,
            seen: None,
            loaded: None,
        }
    }

    /// What they hold now, to be loaded.
    fn look(&mut self) -> Found {
        let found = read(&self.path);
        self.seen = Some(found.clone());
        self.loaded = Some(found.clone());
        found
    }

    /// What they hold when that has changed since they were loaded and has not since the last look.
    fn changed(&mut self) -> Option<Found> {
        let found = Some(read(&self.path));
        let is_settled = self.seen == found;
        self.seen = found;
        if !is_settled || self.loaded == self.seen {
            return None;
        }
        self.loaded.clone_from(&self.seen);
        self.loaded.clone()
    }

    /// Lets the next look find a change.
    fn forget(&mut self) {
        self.loaded = None;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PLANS: &str = "version: 1\nplans: [ { name: a } ]\n";

    fn hash(found: Option<Found>) -> Option<String> {
        found.map(|found| check(found).unwrap().revision().id.to_string())
    }

    #[test]
    fn a_change_counts_once_two_looks_have_found_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plans.yaml");
        fs::write(&file, PLANS).unwrap();
        let mut watch = Watch::new(directory.path().to_owned());
        assert!(watch.changed().is_none());
        let first = hash(watch.changed()).unwrap();
        assert!(watch.changed().is_none());

        fs::write(&file, "version: 1\nplans: [").unwrap();
        assert!(watch.changed().is_none(), "it may be being written");
        fs::write(&file, PLANS.replace("name: a", "name: b")).unwrap();
        assert!(watch.changed().is_none());
        let second = hash(watch.changed()).unwrap();
        assert_ne!(first, second);
        assert!(watch.changed().is_none());

        watch.forget();
        assert_eq!(hash(watch.changed()), Some(second));
    }

    #[test]
    fn files_that_are_gone_are_a_change_that_cannot_be_used() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plans.yaml");
        fs::write(&file, PLANS).unwrap();
        let mut watch = Watch::new(directory.path().to_owned());
        assert!(watch.look().is_ok());
        fs::remove_file(&file).unwrap();
        assert!(watch.changed().is_none());
        assert!(check(watch.changed().unwrap()).is_err());
        assert!(watch.changed().is_none(), "once is enough");
    }
}
