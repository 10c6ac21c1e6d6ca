//! Bits behind each other, and the numbers that are written with them.

/// Appends bits, the lowest first.
#[derive(Debug)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Fewer than 32 bits between two calls.
    held: u64,
    count: u32,
}

impl BitWriter {
    /// Begins behind bytes that are there already.
    pub(super) const fn behind(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            held: 0,
            count: 0,
        }
    }

    /// Everything, filled up to whole bytes with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let left = self.count.div_ceil(8) as usize;
        self.bytes
            .extend_from_slice(&self.held.to_le_bytes()[..left]);
        self.bytes
    }

    /// The lowest `width` bits of a value that has no others, at most 32.
    #[inline]
    pub(super) fn bits(&mut self, value: u32, width: u32) {
        self.held |= u64::from(value) << self.count;
        self.count += width;
        if self.count >= 32 {
            let word = self.held as u32;
            self.bytes.extend_from_slice(&word.to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    #[inline]
    pub(super) fn flag(&mut self, value: bool) {
        self.bits(u32::from(value), 1);
    }

    /// Up to 64 bits.
    #[inline]
    pub(super) fn long_bits(&mut self, value: u64, width: u32) {
        if width <= 32 {
            self.bits(value as u32, width);
        } else {
            self.bits(value as u32, 32);
            self.bits((value >> 32) as u32, width - 32);
        }
    }

    /// A number that is small as a rule: three bits at a time.
    #[inline]
    pub(super) fn small(&mut self, value: u64) {
        let mut left = value;
        while left >= 8 {
            self.bits((left & 7) as u32 | 8, 4);
            left >>= 3;
        }
        self.bits(left as u32, 4);
    }

    /// Any number: how many bits it has, and all of them but the first, which is 1.
    #[inline]
    pub(super) fn wide(&mut self, value: u64) {
        let length = u64::BITS - value.leading_zeros();
        if length >= 63 {
            self.bits(63, 6);
            self.long_bits(value, 64);
        } else {
            self.bits(length, 6);
            let below = length.saturating_sub(1);
            self.long_bits(value & !(u64::MAX << below), below);
        }
    }

    /// Any number with a sign, the smaller the shorter.
    #[inline]
    pub(super) fn signed(&mut self, value: i64) {
        self.wide((value << 1 ^ value >> 63).cast_unsigned());
    }

    /// A distance in time; many are in whole seconds.
    pub(super) fn delta(&mut self, ms: i64) {
        let is_whole = ms % 1_000 == 0;
        self.flag(is_whole);
        self.signed(if is_whole { ms / 1_000 } else { ms });
    }

    /// Bytes that begin at a whole byte, so that they are read where they lie.
    pub(super) fn aligned(&mut self, bytes: &[u8]) {
        let whole = self.count.div_ceil(8) as usize;
        self.bytes
            .extend_from_slice(&self.held.to_le_bytes()[..whole]);
        self.bytes.extend_from_slice(bytes);
        (self.held, self.count) = (0, 0);
    }

    pub(super) fn fixed(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(4);
        for word in &mut words {
            let word = word.try_into().map_or(0, u32::from_le_bytes);
            self.bits(word, 32);
        }
        for byte in words.remainder() {
            self.bits(u32::from(*byte), 8);
        }
    }
}

/// Takes bits out again; behind the last there are zeros.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The first byte that was not taken up yet.
    next: usize,
    held: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            next: 0,
            held: 0,
            count: 0,
        }
    }

    #[inline]
    pub(super) fn bits(&mut self, width: u32) -> u32 {
        if self.count < width {
            self.refill();
        }
        let value = self.held & !(u64::MAX << width);
        self.held >>= width;
        self.count -= width;
        value as u32
    }

    #[inline]
    fn refill(&mut self) {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        let word = match rest.first_chunk::<4>() {
            Some(word) => u32::from_le_bytes(*word),
            None => (0..).zip(rest).fold(0, |word, (place, byte)| {
                word | u32::from(*byte) << (8 * place)
            }),
        };
        self.held |= u64::from(word) << self.count;
        self.next += 4;
        self.count += 32;
    }

    #[inline]
    pub(super) fn flag(&mut self) -> bool {
        self.bits(1) == 1
    }

    #[inline]
    pub(super) fn long_bits(&mut self, width: u32) -> u64 {
        if width <= 32 {
            u64::from(self.bits(width))
        } else {
            let low = u64::from(self.bits(32));
            low | u64::from(self.bits(width - 32)) << 32
        }
    }

    #[inline]
    pub(super) fn small(&mut self) -> u64 {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let part = self.bits(4);
            value |= u64::from(part & 7) << shift;
            shift += 3;
            if part < 8 || shift > 60 {
                return value;
            }
        }
    }

    #[inline]
    pub(super) fn wide(&mut self) -> u64 {
        match self.bits(6) {
            0 => 0,
            63 => self.long_bits(64),
            length => self.long_bits(length - 1) | 1 << (length - 1),
        }
    }

    #[inline]
    pub(super) fn signed(&mut self) -> i64 {
        let value = self.wide();
        (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
    }

    #[inline]
    pub(super) fn delta(&mut self) -> i64 {
        let unit = if self.flag() { 1_000 } else { 1 };
        self.signed().wrapping_mul(unit)
    }

    /// So many bytes that begin at a whole byte; fewer where the end is nearer.
    pub(super) fn aligned(&mut self, length: usize) -> &'a [u8] {
        // What is taken up are whole bytes, of which the last ones are held still.
        let begin = self.next - self.count as usize / 8;
        let end = begin.saturating_add(length).min(self.bytes.len());
        (self.next, self.held, self.count) = (end, 0, 0);
        self.bytes.get(begin..end).unwrap_or_default()
    }

    #[inline]
    pub(super) fn fixed(&mut self, bytes: &mut [u8]) {
        let mut words = bytes.chunks_exact_mut(4);
        for word in &mut words {
            word.copy_from_slice(&self.bits(32).to_le_bytes());
        }
        for byte in words.into_remainder() {
            *byte = self.bits(8) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(values: Vec<(u64, u32)>) {
            let mut writer = BitWriter::behind(Vec::new());
            for (value, shift) in &values {
                let value = value >> (shift % 64);
                writer.small(value >> 8);
                writer.wide(value);
                writer.signed(value.cast_signed());
                writer.delta(value.cast_signed());
                writer.long_bits(value, 64);
                writer.flag(value % 2 == 1);
            }
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            for (value, shift) in &values {
                let value = value >> (shift % 64);
                prop_assert_eq!(reader.small(), value >> 8);
                prop_assert_eq!(reader.wide(), value);
                prop_assert_eq!(reader.signed(), value.cast_signed());
                prop_assert_eq!(reader.delta(), value.cast_signed());
                prop_assert_eq!(reader.long_bits(64), value);
                prop_assert_eq!(reader.flag(), value % 2 == 1);
            }
        }

        #[test]
        fn bytes_come_back_wherever_they_begin(bytes: Vec<u8>, begin in 0_u32..32) {
            let mut writer = BitWriter::behind(Vec::new());
            writer.bits(0, begin);
            writer.fixed(&bytes);
            let written = writer.finish();
            let mut reader = BitReader::new(&written);
            reader.bits(begin);
            let mut read = vec![0; bytes.len()];
            reader.fixed(&mut read);
            prop_assert_eq!(read, bytes);
        }

        #[test]
        fn aligned_bytes_lie_where_they_were_written(
            before: Vec<u8>, parts: Vec<(Vec<u8>, u32)>,
        ) {
            let mut writer = BitWriter::behind(before.clone());
            for (bytes, bits) in &parts {
                writer.bits(bits >> (bits % 32), 32 - bits % 32);
                writer.aligned(bytes);
            }
            let written = writer.finish();
            let mut reader = BitReader::new(&written[before.len()..]);
            for (bytes, bits) in &parts {
                prop_assert_eq!(reader.bits(32 - bits % 32), bits >> (bits % 32));
                prop_assert_eq!(reader.aligned(bytes.len()), &bytes[..]);
            }
        }
    }

    #[test]
    fn behind_the_last_bit_there_are_zeros() {
        let mut reader = BitReader::new(&[0xff]);
        assert_eq!(reader.bits(8), 0xff);
        assert_eq!(reader.long_bits(64), 0);
        assert_eq!(reader.wide(), 0);
        assert!(reader.aligned(usize::MAX).is_empty());
    }
}
