//! What a thread has used of a processor.

/// CPU time of this thread in nanoseconds; 0 where Linux does not tell.
pub(super) fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|ns| ns.parse().ok());
    first.unwrap_or_default()
}
