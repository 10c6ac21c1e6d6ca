//! Small statistics: medians, shares, and how lengths are distributed.

use escalator_engine::explain::Seconds;
use escalator_engine::time::Duration;
use serde::Serialize;

/// The upper bounds of a distribution in seconds: 5, 15 and 30 minutes, 1, 2, 4 and 8 hours, 1, 2,
/// 4 and 7 days. Promises of support are made in these steps.
pub(super) const BOUNDS_S: [i64; 11] = [
    300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 345_600, 604_800,
];

/// How long something took: as many values as there are, and what they say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Times {
    /// How many there are.
    pub n: usize,
    /// Half of them took at most this long.
    pub median_s: Option<Seconds>,
    /// Nine of ten took at most this long.
    pub p90_s: Option<Seconds>,
}

impl Times {
    /// The times of lengths in any order.
    #[must_use]
    pub fn of(mut lengths: Vec<Duration>) -> Self {
        lengths.sort_unstable();
        Self {
            n: lengths.len(),
            median_s: quantile(&lengths, 50).map(Into::into),
            p90_s: quantile(&lengths, 90).map(Into::into),
        }
    }
}

/// The smallest of sorted lengths that so many percent of them do not exceed (nearest rank: it is
/// always one of them).
fn quantile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// How many lengths lie in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// The longest length of the range, which begins beyond the one before; none for the last.
    pub up_to_s: Option<i64>,
    /// How many lengths.
    pub n: u64,
}

/// How lengths are distributed.
#[must_use]
pub fn distribution(lengths: &[Duration]) -> Vec<Bin> {
    let bounds = BOUNDS_S.iter().map(|bound| Some(*bound)).chain([None]);
    let mut bins: Vec<_> = bounds.map(|up_to_s| Bin { up_to_s, n: 0 }).collect();
    for length in lengths {
        let place = BOUNDS_S.partition_point(|bound| Duration::from_secs(*bound) < *length);
        bins[place].n += 1;
    }
    bins
}

/// A part of a whole, 0 to 1; none of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    // Counts are far below 2^53.
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A part of a whole in percent for people. It is cut off, not rounded, so that 94.96% does not
/// look like a goal of 95% that was met.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: i64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_median_is_one_of_the_values() {
        for (seconds, median, p90) in [
            (vec![], None, None),
            (vec![7], Some(7), Some(7)),
            (vec![4, 1], Some(1), Some(4)),
            (vec![3, 1, 2], Some(2), Some(3)),
            ((1..=10).rev().collect(), Some(5), Some(9)),
            ((1..=11).collect(), Some(6), Some(10)),
        ] {
            let times = Times::of(seconds.iter().map(|n| s(*n)).collect());
            let seconds_of = |n: Option<i64>| n.map(|n| s(n).into());
            assert_eq!(times.median_s, seconds_of(median), "{seconds:?}");
            assert_eq!(times.p90_s, seconds_of(p90), "{seconds:?}");
        }
    }

    #[test]
    fn a_length_at_a_bound_lies_within_it() {
        let lengths = [
            s(0),
            s(300),
            Duration::from_millis(300_001),
            s(604_800),
            s(604_801),
        ];
        let bins = distribution(&lengths);
        let filled: Vec<_> = bins.iter().map(|bin| bin.n).collect();
        assert_eq!(filled, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(bins.last().unwrap().up_to_s, None);
    }

    #[test]
    fn percentages_are_never_rounded_up() {
        assert_eq!(percent(9496, 10_000), "94.9%");
        assert_eq!(percent(1, 1), "100.0%");
        assert_eq!(percent(999_999, 1_000_000), "99.9%");
        assert_eq!(percent(0, 0), "–");
        assert_eq!(share(1, 4), Some(0.25));
        assert_eq!(share(0, 0), None);
    }
}
