//! The threads that build states from the records that were read.
//!
//! Decoding the states of a partition takes longer than reading them, so as many partitions are built
//! at once as there are processors, while others are still read.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// More would wait for the records, which come from one reader.
const THREADS_MAX: usize = 4;

/// One partition to build.
pub(super) type Task = Box<dyn FnOnce() + Send>;

/// The threads; none before there is something to build.
#[derive(Default)]
pub(super) struct Builders {
    tasks: Option<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl Builders {
    /// Has something built as soon as a thread is free.
    ///
    /// # Panics
    /// When an earlier task has panicked: its partition would be waited for for ever.
    pub(super) fn give(&mut self, task: Task) {
        assert!(
            !self.threads.iter().any(JoinHandle::is_finished),
            "building a state has panicked"
        );
        let tasks = self.tasks.get_or_insert_with(|| {
            let (tasks, taken) = channel();
            self.threads = start(taken);
            tasks
        });
        tasks
            .send(task)
            .expect("the threads end after the tasks do");
    }
}

impl Drop for Builders {
    fn drop(&mut self) {
        drop(self.tasks.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("building a state has panicked");
            }
        }
    }
}

fn start(tasks: Receiver<Task>) -> Vec<JoinHandle<()>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let tasks = Arc::new(Mutex::new(tasks));
    let threads = 0..processors.min(THREADS_MAX);
    let start_one = |number| {
        let tasks = Arc::clone(&tasks);
        let thread = std::thread::Builder::new().name(format!("build-{number}"));
        let started = thread.spawn(move || {
            loop {
                // A task runs when the lock is free again.
                let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
                match task {
                    Ok(task) => task(),
                    Err(_) => return,
                }
            }
        });
        started.expect("a thread can be started while partitions are taken over")
    };
    threads.map(start_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_was_given_is_built_before_the_end() {
        let (tell, told) = channel();
        let mut builders = Builders::default();
        for number in 0..50 {
            let tell = tell.clone();
            builders.give(Box::new(move || tell.send(number).unwrap()));
        }
        drop(builders);
        drop(tell);
        let mut built: Vec<i32> = told.iter().collect();
        built.sort_unstable();
        assert_eq!(built, (0..50).collect::<Vec<_>>());
    }
}
