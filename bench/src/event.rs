//! The events in that the load consists of, as JSON, with the fields of a usual ticket.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::random::Random;

/// The topic of created events.
pub const CREATED: &str = "ticket-created";
/// The topic of updated events.
pub const UPDATED: &str = "ticket-updated";

const CATEGORIES: [&str; 6] = [
    "network", "hardware", "software", "access", "billing", "database",
];
/// The queues, in the order of their categories.
pub const QUEUES: [&str; 6] = ["noc", "desk", "apps", "iam", "finance", "dba"];
const TIERS: [&str; 4] = ["gold", "silver", "bronze", "free"];
const CHANNELS: [&str; 4] = ["email", "phone", "web", "chat"];
const REGIONS: [&str; 3] = ["eu", "us", "apac"];
const SUBJECTS: [&str; 4] = [
    "cannot reach the payment gateway since this morning",
    "laptop does not boot after the update of last night",
    "invoice shows the wrong amount for the third time",
    "replication lag on the orders database keeps growing",
];
const NOTES: [&str; 3] = [
    "we have looked at the logs and found the cause, a fix is on its way to the next maintenance window",
    "thank you for the details, could you send us the output of the last run and the time it happened at",
    "moved to the second line because the first line has no access to the system that is concerned here",
];

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as i64)
}

/// Writes a created event into `out`; about 330 bytes.
pub fn created(
    out: &mut String,
    event: &str,
    ticket: &str,
    at_s: i64,
    priority: &str,
    random: &mut Random,
) {
    let kind = random.below(CATEGORIES.len() as u64) as usize;
    out.clear();
    write!(
        out,
        concat!(
            r#"{{"event_id":"{}","ticket_id":"{}","occurred_at":"{}","ticket":{{"status":"new","priority":"{}","#,
            r#""category":"{}","queue":"{}","assignee":null,"requester":"u{}","organization":"acme","tier":"{}","#,
            r#""channel":"{}","subject":"{}","tags":["vip"],"labels":{{"region":"{}"}}}}}}"#
        ),
        event,
        ticket,
        instant(at_s),
        priority,
        CATEGORIES[kind],
        QUEUES[kind],
        random.below(50_000),
        random.pick(&TIERS),
        random.pick(&CHANNELS),
        random.pick(&SUBJECTS),
        random.pick(&REGIONS)
    )
    .expect("a string takes any text");
}

/// Writes an updated event into `out`, about 300 bytes; `changes` is the inside of that object.
pub fn updated(
    out: &mut String,
    (event, ticket): (&str, &str),
    at_s: i64,
    changes: &str,
    activity: &str,
    random: &mut Random,
) {
    out.clear();
    write!(
        out,
        concat!(
            r#"{{"event_id":"{}","ticket_id":"{}","occurred_at":"{}","changes":{{{}}},"#,
            r#""activities":[{{"kind":"{}","actor":"u{}","note":"{}"}}]}}"#
        ),
        event,
        ticket,
        instant(at_s),
        changes,
        activity,
        random.below(50_000),
        random.pick(&NOTES)
    )
    .expect("a string takes any text");
}

/// `2026-11-23T09:00:00Z`. Civil date from a day number as Howard Hinnant describes it.
pub fn instant(epoch_s: i64) -> String {
    let (days, seconds) = (epoch_s.div_euclid(86_400), epoch_s.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_civil_dates() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(1_795_424_400), "2026-11-23T09:00:00Z");
        assert_eq!(instant(951_782_400), "2000-02-29T00:00:00Z");
    }
}
