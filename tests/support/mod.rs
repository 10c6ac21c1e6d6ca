//! A real broker, started by the tests themselves, and what every test does with it.
//!
//! The tests fail when the broker cannot be started; they never pass by not running.

pub(crate) mod broker;
pub(crate) mod client;
pub(crate) mod process;
pub(crate) mod registry;

use std::time::{Duration, Instant};

/// How long a test waits for something that takes milliseconds on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until the answer is there; fails the test when it does not come.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "{what} did not happen within {within:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Lets time pass that belongs to a test's story, such as between a question and its answer; not
/// for waiting until something has happened.
pub(crate) fn pass(time: Duration) {
    std::thread::sleep(time);
}
