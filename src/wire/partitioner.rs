//! The two partitioners that producers use for keyed records.
//!
//! Java clients and those that imitate them hash keys with murmur2; librdkafka and its bindings
//! hash them with CRC-32 unless told otherwise. Both inputs of a ticket must come to the same
//! partition number, so the service must know which one a producer used.

/// The partition that Java's default partitioner gives a key.
///
/// Returns 0 when there are no partitions.
#[must_use]
pub fn murmur2_partition(key: &[u8], partitions: i32) -> i32 {
    let positive = (murmur2(key) & 0x7fff_ffff).cast_signed();
    positive.checked_rem(partitions).unwrap_or(0)
}

/// The partition that librdkafka's `consistent` and `consistent_random` give a key.
///
/// Returns 0 when there are no partitions.
#[must_use]
pub fn crc32_partition(key: &[u8], partitions: i32) -> i32 {
    let Ok(count) = u32::try_from(partitions) else {
        return 0;
    };
    // The remainder is below the count and therefore fits.
    crc32(key).checked_rem(count).unwrap_or(0).cast_signed()
}

/// Which partitioners would have put a key where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitioners {
    /// Java's default would.
    pub murmur2: bool,
    /// librdkafka's default would.
    pub crc32: bool,
}

impl Partitioners {
    /// Compares the partition of a key with what each partitioner would give.
    #[must_use]
    pub fn agreeing(key: &[u8], partition: i32, partitions: i32) -> Self {
        Self {
            murmur2: murmur2_partition(key, partitions) == partition,
            crc32: crc32_partition(key, partitions) == partition,
        }
    }

    /// Whether at least one agrees.
    #[must_use]
    pub const fn any(self) -> bool {
        self.murmur2 || self.crc32
    }
}

/// `MurmurHash2` as Java's Kafka client computes it, seed included.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ (data.len() as u32);
    let mut words = data.chunks_exact(4);
    for word in words.by_ref() {
        let mut k = word
            .iter()
            .rev()
            .fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        hash ^= tail
            .iter()
            .rev()
            .fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// The CRC-32 of zlib and of librdkafka.
fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc32_table();
    !data.iter().fold(!0_u32, |crc, byte| {
        (crc >> 8) ^ TABLE[usize::from((crc as u8) ^ *byte)]
    })
}

const fn crc32_table() -> [u32; 256] {
    let mut table = [0_u32; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_gives_what_the_java_client_gives() {
        // The expected values stand in the Java client's own test of its hash.
        for (key, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), expected, "{key}");
        }
    }

    #[test]
    fn crc32_gives_the_standard_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn partitions_are_in_range_and_none_is_zero() {
        for id in 0..1000 {
            let key = format!("T{id}");
            for partitions in [1, 7, 12, i32::MAX] {
                let range = 0..partitions;
                assert!(range.contains(&murmur2_partition(key.as_bytes(), partitions)));
                assert!(range.contains(&crc32_partition(key.as_bytes(), partitions)));
            }
        }
        for none in [0, -1] {
            assert_eq!(crc32_partition(b"T1", none), 0);
        }
        assert_eq!(murmur2_partition(b"T1", 0), 0);
    }

    #[test]
    fn a_key_is_found_where_one_of_them_puts_it() {
        let (key, partitions) = (b"T1", 12);
        let java = murmur2_partition(key, partitions);
        let native = crc32_partition(key, partitions);
        assert_ne!(java, native, "a key that tells them apart");
        let agreeing = |partition| Partitioners::agreeing(key, partition, partitions);
        assert_eq!(
            (agreeing(java).murmur2, agreeing(java).crc32),
            (true, false)
        );
        assert_eq!(
            (agreeing(native).murmur2, agreeing(native).crc32),
            (false, true)
        );
        let neither = (0..partitions).find(|p| *p != java && *p != native);
        assert!(!agreeing(neither.unwrap()).any());
    }
}
