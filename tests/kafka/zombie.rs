//! An instance that sleeps through its own replacement and wakes up in the middle of its work.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::service::{Ends, assert_once_each, keep_busy, site};
use crate::support::{PATIENCE, pass, wait_until};

/// Longer than the session (6 s) and the transaction's timeout with the broker's sweep (3 s): the
/// others have taken its partitions over, and its transaction was aborted.
const SLEEP: Duration = Duration::from_secs(11);

/// Load after it has woken up.
const AFTERWARDS: Duration = Duration::from_secs(3);

#[test]
fn a_zombie_publishes_nothing_that_its_successor_has_published() {
    let site = site(4);
    let stop = AtomicBool::new(false);
    let mut running = std::thread::scope(|scope| {
        let load = scope.spawn(|| keep_busy(&site, &stop));
        let ends = Ends(&stop);
        let running = [site.start("a"), site.start("b")];
        for child in &running {
            wait_until("work", PATIENCE, || {
                pass(Duration::from_millis(100));
                site.has_committed(child).then_some(())
            });
        }
        running[0].signal("-STOP");
        pass(SLEEP);
        running[0].signal("-CONT");
        pass(AFTERWARDS);
        drop(ends);
        load.join().unwrap();
        running
    });
    assert_once_each(&site, &mut running);
    let log = running[0].log();
    let times = log.matches("goes on from").count();
    assert!(times > 2, "it has partitions again after it woke up: {log}");
}
