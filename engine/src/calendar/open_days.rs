//! Which days have an opening at all, as bits: working days are counted by them.

use std::sync::OnceLock;

use super::day::{Day, YEARS};

/// 512 days are eight words of bits, and a year or two of a ticket's life needs one or two chunks.
const CHUNK_BITS: u32 = 9;

const WORDS: usize = (1 << CHUNK_BITS) / 64;

/// The days with an opening, from the first to the last of [`YEARS`].
#[derive(Debug)]
pub(super) struct OpenDays {
    first: i32,
    chunks: Box<[OnceLock<Box<[u64; WORDS]>>]>,
}

impl OpenDays {
    /// Days that are not looked at yet.
    pub(super) fn new() -> Self {
        let number = |year, month, day| Day::from_civil(year, month, day).map_or(0, Day::number);
        let (first, last) = (number(*YEARS.start(), 1, 1), number(*YEARS.end(), 12, 31));
        let count = ((last - first) >> CHUNK_BITS) + 1;
        Self {
            first,
            chunks: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The first day with an opening; none when there is none in the calendar.
    pub(super) fn first(&self, is_open: &impl Fn(Day) -> bool) -> Option<Day> {
        self.after(self.day(-1), 1, is_open)
    }

    /// The `count`th day with an opening after `day`; none when there is none in the calendar.
    pub(super) fn after(
        &self,
        day: Day,
        count: u32,
        is_open: &impl Fn(Day) -> bool,
    ) -> Option<Day> {
        let mut left = count;
        let mut place = self.place(day.plus(1)).max(0);
        loop {
            let word = self.word(place >> 6, is_open)?;
            // Days before the place are shifted out.
            let mut days = word >> (place & 63) << (place & 63);
            if days.count_ones() >= left {
                for _ in 1..left {
                    days &= days - 1;
                }
                return Some(self.day((place & !63) + i64::from(days.trailing_zeros())));
            }
            left -= days.count_ones();
            place = (place & !63) + 64;
        }
    }

    /// The `count`th day with an opening before `day`; none when there is none in the calendar.
    pub(super) fn before(
        &self,
        day: Day,
        count: u32,
        is_open: &impl Fn(Day) -> bool,
    ) -> Option<Day> {
        let mut left = count;
        let last = (self.chunks.len() as i64) << CHUNK_BITS;
        let mut place = (self.place(day) - 1).min(last - 1);
        while place >= 0 {
            let word = self.word(place >> 6, is_open)?;
            let shift = 63 - (place & 63);
            let mut days = word << shift >> shift;
            if days.count_ones() >= left {
                for _ in 1..left {
                    days &= !(1 << (63 - days.leading_zeros()));
                }
                let highest = 63 - i64::from(days.leading_zeros());
                return Some(self.day((place & !63) + highest));
            }
            left -= days.count_ones();
            place = (place & !63) - 1;
        }
        None
    }

    /// Days from the first.
    const fn place(&self, day: Day) -> i64 {
        day.number() as i64 - self.first as i64
    }

    fn day(&self, place: i64) -> Day {
        Day::from_number(self.first).plus(i32::try_from(place).unwrap_or(i32::MAX))
    }

    /// 64 days; none beyond the calendar.
    fn word(&self, word: i64, is_open: &impl Fn(Day) -> bool) -> Option<u64> {
        let word = usize::try_from(word).ok()?;
        let chunk = self.chunks.get(word / WORDS)?.get_or_init(|| {
            let mut bits = Box::new([0; WORDS]);
            let first = ((word / WORDS) as i64) << CHUNK_BITS;
            for place in 0..1_i64 << CHUNK_BITS {
                let is_open = is_open(self.day(first + place));
                bits[place as usize / 64] |= u64::from(is_open) << (place & 63);
            }
            bits
        });
        Some(chunk[word % WORDS])
    }
}
