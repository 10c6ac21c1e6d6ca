//! Texts that differ from ticket to ticket, as short as they can be: numbers and UUIDs.

use std::ops::Deref;

/// A shorter text is as short as a word.
const NUMBERED_BYTES_MIN: usize = 5;

/// What stands before the number is short; what does not is a word that happens to end in a digit.
const PREFIX_BYTES_MAX: usize = 12;

/// So many digits always fit.
const DIGITS_MAX: usize = 18;

/// A text that ends in a number: an event id, a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbered<'a> {
    /// What stands before it, zeros included.
    pub(super) prefix: &'a str,
    /// The number, never 0.
    pub(super) number: u64,
}

impl<'a> Numbered<'a> {
    /// Takes a text apart, if it is one.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < NUMBERED_BYTES_MIN
            || bytes.len() > PREFIX_BYTES_MAX + DIGITS_MAX
            || !bytes.last()?.is_ascii_digit()
        {
            return None;
        }
        let digits = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count().min(DIGITS_MAX);
        let begin = bytes.len() - digits;
        let begin = begin + bytes[begin..].iter().position(|byte| *byte != b'0')?;
        if begin > PREFIX_BYTES_MAX {
            return None;
        }
        let number = bytes[begin..]
            .iter()
            .fold(0, |number, byte| number * 10 + u64::from(byte - b'0'));
        Some(Self {
            prefix: text.get(..begin)?,
            number,
        })
    }
}

/// A UUID is the longest text that is put together.
const MADE_BYTES_MAX: usize = 36;

/// A short text that was put together of a number, from its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    bytes: [u8; MADE_BYTES_MAX],
    begin: u8,
}

impl Made {
    const fn new() -> Self {
        Self {
            bytes: [0; MADE_BYTES_MAX],
            begin: MADE_BYTES_MAX as u8,
        }
    }

    /// Puts bytes in front; those that have no room there are left out.
    fn put(&mut self, bytes: &[u8]) {
        let end = usize::from(self.begin);
        let fits = &bytes[bytes.len().saturating_sub(end)..];
        let begin = end - fits.len();
        self.bytes[begin..end].copy_from_slice(fits);
        self.begin = begin as u8;
    }

    /// Puts the digits of a number in front, none of 0.
    #[inline]
    fn put_digits(&mut self, number: u64) {
        let mut left = number;
        while let (1.., Some(begin)) = (left, self.begin.checked_sub(1)) {
            self.bytes[usize::from(begin)] = b'0' + (left % 10) as u8;
            self.begin = begin;
            left /= 10;
        }
    }
}

impl Deref for Made {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(&self.bytes[usize::from(self.begin)..]).unwrap_or_default()
    }
}

/// The text of a number and of what stands before it.
pub(super) fn numbered_text(prefix: &str, number: u64) -> Made {
    let mut text = Made::new();
    text.put_digits(number);
    text.put(prefix.as_bytes());
    text
}

/// Where the groups of a UUID end.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// The bytes of a UUID in lower case.
pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut uuid = [0; 16];
    let mut digits = 0;
    for (place, byte) in bytes.iter().enumerate() {
        let digit = match byte {
            b'-' if DASHES.contains(&place) => continue,
            _ if DASHES.contains(&place) => return None,
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        uuid[digits / 2] |= digit << (4 * (1 - digits % 2));
        digits += 1;
    }
    Some(uuid)
}

/// The text of a UUID.
pub(super) fn uuid_text(uuid: [u8; 16]) -> Made {
    let mut text = [b'-'; 36];
    let places = (0..text.len()).filter(|place| !DASHES.contains(place));
    for (digit, place) in places.enumerate() {
        let nibble = uuid[digit / 2] >> (4 * (1 - digit % 2)) & 15;
        text[place] = b"0123456789abcdef"[usize::from(nibble)];
    }
    let mut made = Made::new();
    made.put(&text);
    made
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_number_begins_behind_zeros() {
        let of = |text| Numbered::of(text).map(|it| (it.prefix, it.number));
        assert_eq!(of("u123456"), Some(("u", 123_456)));
        assert_eq!(of("INC0012345"), Some(("INC00", 12_345)));
        assert_eq!(of("2026-11-23"), Some(("2026-11-", 23)));
        assert_eq!(of("12345"), Some(("", 12_345)));
        for none in ["", "a1", "u1000x", "x00000", "a text of several words 12"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_numbered_text_comes_back(text in "[a-zä]{0,13}[-0]{0,3}[0-9]{0,25}") {
            if let Some(numbered) = Numbered::of(&text) {
                let made = numbered_text(numbered.prefix, numbered.number);
                prop_assert_eq!(&*made, &*text);
            }
        }

        #[test]
        fn a_uuid_comes_back(bytes: [u8; 16]) {
            let text = uuid_text(bytes);
            prop_assert_eq!(uuid(&text), Some(bytes));
            prop_assert_eq!(uuid(&text[1..]), None);
            prop_assert_eq!(uuid(&format!("A{}", &text[1..])), None);
        }
    }
}
