//! Writing: the few primitives of the encoding, for records whose layout is fixed.

use std::cell::Cell;

/// The marker that begins a single object.
pub(in crate::wire) const SINGLE_OBJECT: [u8; 2] = [0xc3, 0x01];

/// The byte that begins a record in Confluent framing.
const CONFLUENT: u8 = 0x00;

/// The branches of a union of null and one other type, as they are written.
const NULL: u8 = 0;
const VALUE: u8 = 2;

/// A number has 64 bits, seven in each byte.
const VARINT_BYTES_MAX: usize = 10;

/// A larger scratch than this is not kept: one ticket with everything in it must not hold its memory.
const SCRATCH_MAX: usize = 64 << 10;

thread_local! {
    /// Where a record grows before it is copied out in its size. A buffer for each record would grow
    /// several times, be copied each time, and take the next power of two until it is sent.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Appends values to a record in the order of its schema's fields.
pub(in crate::wire) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Begins a single object of the schema with that fingerprint.
    pub(in crate::wire) fn single_object(fingerprint: [u8; 8]) -> Self {
        let mut writer = Self::empty();
        writer.fixed(&SINGLE_OBJECT);
        writer.fixed(&fingerprint);
        writer
    }

    /// Begins a record whose schema a registry knows by that id.
    pub(in crate::wire) fn confluent(id: u32) -> Self {
        let mut writer = Self::empty();
        writer.fixed(&[CONFLUENT]);
        writer.fixed(&id.to_be_bytes());
        writer
    }

    fn empty() -> Self {
        Self {
            bytes: SCRATCH.take(),
        }
    }

    pub(in crate::wire) fn finish(mut self) -> Vec<u8> {
        let record = self.bytes.as_slice().to_vec();
        if self.bytes.capacity() <= SCRATCH_MAX {
            self.bytes.clear();
            SCRATCH.set(self.bytes);
        }
        record
    }

    #[inline]
    pub(in crate::wire) fn long(&mut self, value: i64) {
        let bits = (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned();
        if bits < 0x80 {
            self.bytes.push(bits as u8);
        } else {
            self.wide(bits);
        }
    }

    /// A number of several bytes: all that there may be, less those that there are not.
    fn wide(&mut self, bits: u64) {
        let mut bytes = [0; VARINT_BYTES_MAX];
        let (mut left, mut count) = (bits, 1);
        while left >= 0x80 {
            bytes[count - 1] = (left as u8) | 0x80;
            left >>= 7;
            count += 1;
        }
        bytes[count - 1] = left as u8;
        let end = self.bytes.len() + count;
        self.bytes.extend_from_slice(&bytes);
        self.bytes.truncate(end);
    }

    #[inline]
    pub(in crate::wire) fn boolean(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    #[inline]
    pub(in crate::wire) fn double(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub(in crate::wire) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// The bytes of a text.
    #[inline]
    pub(in crate::wire) fn bytes(&mut self, value: &[u8]) {
        self.long(value.len() as i64);
        self.bytes.extend_from_slice(value);
    }

    pub(in crate::wire) fn fixed(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    /// A value of a union of null and one other type.
    #[inline]
    pub(in crate::wire) fn nullable<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T),
    ) {
        match value {
            None => self.bytes.push(NULL),
            Some(value) => {
                self.bytes.push(VALUE);
                write(self, value);
            }
        }
    }

    /// An array or a map, in one block.
    #[inline]
    pub(in crate::wire) fn block<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.items(items.len(), |w| items.for_each(|item| write(w, item)));
    }

    /// The same for so many items that are written by themselves.
    #[inline]
    pub(in crate::wire) fn items(&mut self, count: usize, write: impl FnOnce(&mut Self)) {
        if count > 0 {
            self.long(count as i64);
            write(self);
        }
        self.bytes.push(0);
    }
}
