//! Large values, cut into parts.
//!
//! sled keeps up to twenty neighbours in one page, and a page larger than a quarter of a segment in a file of its own
//! that it never syncs. So no value is longer than fits in a page with nineteen others as long: what is longer lies in
//! parts under keys of the store's own, and a pointer in its place.

use crate::store::{KEY_BYTES_MAX, KEY_OWN};

/// sled's unit of space. Small ones waste less; a page must fit in a quarter.
pub(crate) const SEGMENT_BYTES: usize = 256 * 1024;
/// The longest value that lies where it belongs.
pub(crate) const PART_BYTES: usize = 2_560;

/// Most items in a page of sled's: it splits above 16, and joins up to 4 to a neighbour before that.
const PAGE_ITEMS_MAX: usize = 21;
/// Most keys in a page that points to others: above 256 it splits, and up to 64 join a neighbour.
const INDEX_ITEMS_MAX: usize = 321;
/// What sled writes beside a key and a value, at most.
const ITEM_OVERHEAD_BYTES: usize = 20;

const _: () = assert!(PAGE_ITEMS_MAX * (KEY_BYTES_MAX + PART_BYTES + ITEM_OVERHEAD_BYTES) < SEGMENT_BYTES / 4 - 64);
const _: () = assert!(INDEX_ITEMS_MAX * (KEY_BYTES_MAX + ITEM_OVERHEAD_BYTES) < SEGMENT_BYTES / 4 - 64);

/// What a pointer begins with. A value that begins so too is stored in parts, however short.
const MARK: u8 = 0xff;
/// Where the parts lie, among the store's own keys.
const PARTS: u8 = 0x01;

/// Below all keys of parts, and above them.
pub(crate) const ALL: (&[u8], &[u8]) = (&[KEY_OWN, PARTS], &[KEY_OWN, PARTS + 1]);

/// Where a value's parts lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// A number that no other value has had since the store was opened, nor one that is stored.
    pub(crate) id: u64,
    /// The value's length.
    pub(crate) bytes: u32,
}

impl Pointer {
    /// The value that lies in the pointed value's place.
    pub(crate) fn to_value(self) -> [u8; 13] {
        let mut value = [MARK; 13];
        value[1..9].copy_from_slice(&self.id.to_be_bytes());
        value[9..].copy_from_slice(&self.bytes.to_be_bytes());
        value
    }

    /// The pointer that a stored value is; `None` is one that lies where it belongs. What begins with the mark and is no
    /// pointer can only be damage, and is taken for a value: its checksum will tell.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let [MARK, rest @ ..] = value else { return None };
        let (id, bytes) = rest.split_first_chunk()?;
        let bytes = bytes.first_chunk().filter(|_| bytes.len() == 4)?;
        Some(Self { id: u64::from_be_bytes(*id), bytes: u32::from_be_bytes(*bytes) })
    }

    /// The keys of its parts, in order.
    pub(crate) fn keys(self) -> impl Iterator<Item = [u8; 12]> {
        let parts = (self.bytes as usize).div_ceil(PART_BYTES).min(usize::from(u16::MAX));
        (0..parts).map(move |part| {
            let mut key = [KEY_OWN; 12];
            key[1] = PARTS;
            key[2..10].copy_from_slice(&self.id.to_be_bytes());
            key[10..].copy_from_slice(&u16::try_from(part).unwrap_or(u16::MAX).to_be_bytes());
            key
        })
    }
}

/// Whether a value must be stored in parts.
pub(crate) fn is_needed(value: &[u8]) -> bool {
    value.len() > PART_BYTES || value.first() == Some(&MARK)
}

/// The id of the value that a part at this key belongs to.
pub(crate) fn id(key: &[u8]) -> Option<u64> {
    let [KEY_OWN, PARTS, rest @ ..] = key else { return None };
    rest.first_chunk().map(|id| u64::from_be_bytes(*id))
}
