//! Random numbers that a seed decides (splitmix64), and a skewed choice.

/// The generator.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number from 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of these.
    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

/// The usual exponent: as in web caches and the YCSB benchmark.
const ZIPF_EXPONENT: f64 = 0.99;

/// Which of many is chosen.
pub enum Skew {
    /// All alike.
    Uniform,
    /// The cumulated shares, by rank.
    Zipf(Vec<f64>),
}

impl Skew {
    /// Zipf's law over `count` ranks.
    pub fn zipf(count: usize) -> Self {
        let mut sum = 0.0;
        let mut shares = Vec::with_capacity(count);
        for rank in 1..=count {
            sum += (rank as f64).powf(-ZIPF_EXPONENT);
            shares.push(sum);
        }
        shares.iter_mut().for_each(|share| *share /= sum);
        Self::Zipf(shares)
    }

    /// One of `count`.
    pub fn choose(&self, random: &mut Random, count: usize) -> usize {
        match self {
            Self::Uniform => random.below(count as u64) as usize,
            Self::Zipf(shares) => {
                let at = random.unit();
                let rank = shares.partition_point(|share| *share < at).min(count - 1);
                // Spreads the hot ranks over all numbers, and so over the partitions.
                ((rank as u64).wrapping_mul(7_368_787) % count as u64) as usize
            }
        }
    }
}
