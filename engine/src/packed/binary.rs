//! Avro's binary encoding: numbers of any length, and what is made of them.

/// Takes values out of bytes, one behind the other. Behind the last one, and behind anything that
/// cannot be, there are zeros, and that is noted.
#[derive(Clone, Debug)]
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    is_broken: bool,
}

/// Puts a number behind others: the smaller, the shorter.
#[inline]
pub(super) fn put_long(bytes: &mut Vec<u8>, value: i64) {
    let mut left = (value << 1 ^ value >> 63).cast_unsigned();
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

/// Puts a text or other bytes behind others, with their length.
#[inline]
pub(super) fn put_bytes(bytes: &mut Vec<u8>, value: &[u8]) {
    put_long(bytes, value.len() as i64);
    bytes.extend_from_slice(value);
}

impl<'a> Bytes<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            is_broken: false,
        }
    }

    /// What was not taken yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Notes that this cannot be.
    #[cold]
    pub(super) const fn break_off(&mut self) {
        self.is_broken = true;
        self.rest = &[];
    }

    #[inline]
    pub(super) fn long(&mut self) -> i64 {
        let unsigned = match self.rest {
            [byte @ 0..=0x7f, rest @ ..] => {
                self.rest = rest;
                u64::from(*byte)
            }
            _ => self.long_of_bytes(),
        };
        (unsigned >> 1).cast_signed() ^ -(unsigned & 1).cast_signed()
    }

    fn long_of_bytes(&mut self) -> u64 {
        let mut value = 0;
        for (place, byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return value;
            }
        }
        self.break_off();
        0
    }

    /// A number that counts something.
    #[inline]
    pub(super) fn count(&mut self) -> usize {
        self.whole()
    }

    /// A number of a kind that not all numbers are of.
    #[inline]
    pub(super) fn whole<T: TryFrom<i64> + Default>(&mut self) -> T {
        T::try_from(self.long()).unwrap_or_else(|_| {
            self.break_off();
            T::default()
        })
    }

    #[inline]
    pub(super) fn flag(&mut self) -> bool {
        match self.rest {
            [byte @ 0..=1, rest @ ..] => {
                self.rest = rest;
                *byte == 1
            }
            _ => {
                self.break_off();
                false
            }
        }
    }

    /// So many bytes, or none when there are fewer.
    #[inline]
    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                taken
            }
            None => {
                self.break_off();
                &[]
            }
        }
    }

    /// As many bytes as fit, or zeros when there are fewer.
    #[inline]
    pub(super) fn fixed<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                *taken
            }
            None => {
                self.break_off();
                [0; LENGTH]
            }
        }
    }

    /// Bytes with their length in front.
    #[inline]
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = self.count();
        self.take(length)
    }

    /// How many items the next block of an array has; none behind the last.
    #[inline]
    pub(super) fn block(&mut self) -> Option<usize> {
        let count = self.long();
        if count < 0 {
            self.count();
        }
        usize::try_from(count.unsigned_abs())
            .ok()
            .filter(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_bytes_come_back(values: Vec<(i64, u32, Vec<u8>)>) {
            let mut written = Vec::new();
            for (value, shift, bytes) in &values {
                put_long(&mut written, value >> (shift % 64));
                put_bytes(&mut written, bytes);
            }
            let mut reader = Bytes::new(&written);
            for (value, shift, bytes) in &values {
                prop_assert_eq!(reader.long(), value >> (shift % 64));
                prop_assert_eq!(reader.bytes(), &bytes[..]);
            }
            prop_assert!(!reader.is_broken() && reader.rest().is_empty());
        }
    }

    #[test]
    fn what_cannot_be_is_noted_and_ends_everything() {
        let broken = |bytes: &'static [u8], take: fn(&mut Bytes<'_>)| {
            let mut reader = Bytes::new(bytes);
            take(&mut reader);
            reader.is_broken() && reader.rest().is_empty()
        };
        assert!(broken(&[0x80], |it| assert_eq!(it.long(), 0)));
        assert!(broken(&[0xff; 11], |it| assert_eq!(it.long(), 0)));
        assert!(broken(&[1, 7], |it| assert_eq!(it.count(), 0)));
        assert!(broken(&[2, 7], |it| assert!(!it.flag())));
        assert!(broken(&[4, 7], |it| assert!(it.bytes().is_empty())));
        assert!(broken(&[7], |it| assert_eq!(it.fixed(), [0, 0])));
        assert_eq!(Bytes::new(&[3, 4, 7]).block(), Some(2));
        assert_eq!(Bytes::new(&[0]).block(), None);
    }
}
