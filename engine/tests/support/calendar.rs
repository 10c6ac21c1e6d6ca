//! Calendars for random plans.

use escalator_engine::calendar::{AtClose, Calendar, CalendarRule, Hours};
use proptest::prelude::*;

/// Calendars that open and close several times while a life lasts, which begins at 22:13 in UTC, and
/// one that never closes.
pub(super) fn calendar() -> impl Strategy<Value = Calendar> {
    let hours = |zone: &'static str, hours: &'static [&'static str], at_close| {
        let hours: Vec<_> = hours
            .iter()
            .map(|it| Hours::parse(it).expect("hours"))
            .collect();
        let rule = CalendarRule {
            time_zone: zone.into(),
            week: std::array::from_fn(|_| hours.clone()),
            at_close,
            ..CalendarRule::default()
        };
        Calendar::business(rule).expect("a calendar that opens")
    };
    let breaks = &[
        "00:00-00:40",
        "01:00-01:25",
        "02:00-06:00",
        "20:00-22:30",
        "23:00-24:00",
    ];
    let early = &["00:00-01:30", "09:00-17:00", "22:00-22:45"];
    prop_oneof![
        2 => Just(Calendar::Always),
        2 => Just(hours("UTC", breaks, AtClose::Stay)),
        1 => Just(hours("UTC", breaks, AtClose::NextOpen)),
        1 => Just(hours("Europe/Berlin", early, AtClose::Stay)),
        1 => Just(hours("America/New_York", early, AtClose::NextOpen)),
    ]
}
