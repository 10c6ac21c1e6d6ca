//! How memory is asked for, and that what a rush of records has left behind goes back to the system.
//!
//! Tickets are small pieces, each exchanged for another at every event. In huge pages, which a system
//! may give unasked, few of the pieces of a page have to be in use to keep all of it, and what is asked
//! for anew is cleared two megabytes at a time.
//!
//! Both allocators of the process, Rust's and that of the C library, keep what was freed for what comes
//! next, and look for pages to return only while they are asked for others. After a rush nobody asks,
//! and what it has taken would stay for as long as the service runs.

#![expect(
    unsafe_code,
    reason = "allocators are asked by calls of C; only this module makes them"
)]

use std::time::Duration;

/// What is looked at together.
const WINDOW: Duration = Duration::from_secs(1);

/// So many records within a window are a rush: half of what one transaction takes by default, far more
/// than tickets bring by day.
const RUSH_MIN: usize = 5_000;

/// With so few of them it is over. Giving memory back took 50 to 80 ms in a process of 800 MB, so few
/// are to wait for it.
const QUIET_MAX: usize = 500;

/// Notices when a rush of records is over.
#[derive(Debug, Default)]
pub struct Rush {
    window_begun: Duration,
    in_window: usize,
    is_one: bool,
}

impl Rush {
    /// Takes note of how many records were read, and answers with whether a rush is over: once for
    /// each. `elapsed` is a time that never goes back.
    pub fn is_over(&mut self, read: usize, elapsed: Duration) -> bool {
        self.in_window += read;
        if elapsed < self.window_begun + WINDOW {
            return false;
        }
        self.window_begun = elapsed;
        let in_window = std::mem::take(&mut self.in_window);
        self.is_one |= in_window >= RUSH_MIN;
        let is_over = self.is_one && in_window <= QUIET_MAX;
        self.is_one &= !is_over;
        is_over
    }
}

/// Has the system give this process no huge pages from now on. Where it does not know how, nothing
/// changes.
pub fn ask_for_small_pages() {
    #[cfg(target_os = "linux")]
    // SAFETY: it takes numbers and touches no memory.
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// What is as large as this comes from the system by itself, as the C library has it at first, and goes
/// back as soon as it is free. Left to itself the library takes what was freed once from the memory that
/// all share, where the client's buffers of a megabyte leave holes that nothing else fills: with 200,000
/// tickets 20 to 35 MB.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 128 * 1024;

/// Has the C library give large pieces back as soon as they are free.
pub fn share_no_large_pieces() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes numbers and touches no memory.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Gives free memory back to the system: what this thread has freed, and all of the C library's.
pub fn give_back() {
    // SAFETY: it touches only what is free, and may be called at any time, by any thread, whether or not
    // this allocator is the one of the process.
    unsafe { libmimalloc_sys::mi_collect(true) };
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the same.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_is_asked_for_small_pages() {
        ask_for_small_pages();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        assert!(status.contains("THP_enabled:\t0"), "{status}");
    }

    #[test]
    fn a_rush_is_over_once_and_only_when_hardly_anything_comes() {
        let second = Duration::from_secs;
        let mut rush = Rush::default();
        let windows = [
            (QUIET_MAX, false),
            (RUSH_MIN - 1, false),
            (QUIET_MAX, false),
            (RUSH_MIN, false),
            (QUIET_MAX + 1, false),
            (QUIET_MAX, true),
            (0, false),
            (RUSH_MIN, false),
            (0, true),
        ];
        for (number, (records, is_over)) in (1..).zip(windows) {
            assert!(!rush.is_over(records, second(number) - Duration::from_millis(1)));
            assert_eq!(rush.is_over(0, second(number)), is_over, "window {number}");
        }
    }
}
