//! What the kernel counts of a process and of the machine.

use std::fs;

/// Clock ticks per second of the counters; Linux shows them to programs in hundredths everywhere.
const TICKS: f64 = 100.0;

/// CPU seconds, user and system, of a process since it began; none when it is gone.
pub fn cpu_seconds(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, which may hold anything, ends with the last parenthesis.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 2..].split(' ').collect();
    let user: f64 = fields.get(11)?.parse().ok()?;
    let system: f64 = fields.get(12)?.parse().ok()?;
    Some((user + system) / TICKS)
}

/// Resident memory in bytes.
pub fn resident_bytes(process: u32) -> Option<f64> {
    status_bytes(process, "VmRSS:")
}

/// The most resident memory that the process ever had, in bytes.
pub fn peak_bytes(process: u32) -> Option<f64> {
    status_bytes(process, "VmHWM:")
}

fn status_bytes(process: u32, what: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(what))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0)
}

/// CPU seconds that the whole machine was not idle, stolen time included.
pub fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields.skip(1).filter_map(|it| it.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6, 7].map(|field| ticks.get(field).copied().unwrap_or_default());
    busy.iter().sum::<f64>() / TICKS
}

/// CPU seconds of everything that does not belong to the measurement: the machine without these
/// processes and this one.
pub fn others_seconds(processes: &[u32]) -> f64 {
    let own = cpu_seconds(std::process::id()).unwrap_or_default();
    let measured: f64 = processes.iter().filter_map(|it| cpu_seconds(*it)).sum();
    busy_seconds() - measured - own
}
