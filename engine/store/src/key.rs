//! Where each record lies: a byte that tells its kind, then numbers with the highest byte first, so that they sort.

use tidings_proto::kept::Kind;

/// The one record that says what this store is.
pub(crate) const FORMAT: &[u8] = &[0x01];
/// The one record that says which stream numbers may have been given out.
pub(crate) const RESERVED: &[u8] = &[0x02];

/// What the keys of heads begin with.
pub(crate) const HEAD: u8 = 0x10;
/// What the keys of entries begin with.
pub(crate) const ENTRY: u8 = 0x20;
/// What the keys of shared payloads begin with.
pub(crate) const SHARE: u8 = 0x30;
/// What the keys of the counts of what refers to them begin with.
pub(crate) const REFS: u8 = 0x31;
/// What the keys of idempotency keys begin with.
pub(crate) const IDEMPOTENCY: u8 = 0x40;

/// Below every key of a record, and above every one.
pub(crate) const ALL: (&[u8], &[u8]) = (&[0x00], &[0xff]);
/// All heads.
pub(crate) const HEADS: (&[u8], &[u8]) = (&[HEAD], &[HEAD + 1]);
/// All idempotency keys.
pub(crate) const KEYS: (&[u8], &[u8]) = (&[IDEMPOTENCY], &[IDEMPOTENCY + 1]);

/// The byte that stands for a kind of stream.
pub(crate) const fn kind_byte(kind: Kind) -> u8 {
    match kind {
        Kind::Channel => 0,
        Kind::Inbox => 1,
    }
}

/// The kind that a byte stands for.
pub(crate) const fn byte_kind(byte: u8) -> Option<Kind> {
    match byte {
        0 => Some(Kind::Channel),
        1 => Some(Kind::Inbox),
        _ => None,
    }
}

/// Appends the key of a stream's head.
pub(crate) fn head(kind: Kind, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[HEAD, kind_byte(kind)]);
    out.extend_from_slice(name.as_bytes());
}

/// The stream whose head lies at a key.
pub(crate) fn read_head(key: &[u8]) -> Option<(Kind, &str)> {
    let [HEAD, kind, name @ ..] = key else { return None };
    Some((byte_kind(*kind)?, std::str::from_utf8(name).ok()?))
}

/// The key of an entry.
pub(crate) fn entry(stream: u64, offset: u64) -> [u8; 17] {
    let mut key = [ENTRY; 17];
    key[1..9].copy_from_slice(&stream.to_be_bytes());
    key[9..].copy_from_slice(&offset.to_be_bytes());
    key
}

/// The key behind those of a stream's entries up to and with `to`.
pub(crate) fn behind_entry(stream: u64, to: u64) -> [u8; 18] {
    // A longer key sorts right behind the one that it begins with, also behind the highest offset there is.
    let mut key = [0; 18];
    key[..17].copy_from_slice(&entry(stream, to));
    key
}

/// The stream and offset of an entry that lies at a key.
pub(crate) fn read_entry(key: &[u8]) -> Option<(u64, u64)> {
    let [ENTRY, numbers @ ..] = key else { return None };
    Some((number(numbers, 0)?, number(numbers, 8)?)).filter(|_| numbers.len() == 16)
}

/// The key of a shared payload.
pub(crate) fn share(id: u64) -> [u8; 9] {
    numbered(SHARE, id)
}

/// The key of the count of entries that refer to a shared payload.
pub(crate) fn refs(id: u64) -> [u8; 9] {
    numbered(REFS, id)
}

/// The id of the shared payload, or of the count, that lies at a key.
pub(crate) fn read_share(key: &[u8]) -> Option<u64> {
    let [SHARE | REFS, id @ ..] = key else { return None };
    number(id, 0).filter(|_| id.len() == 8)
}

/// The key of an idempotency key: by time, so that what is too old is one range.
pub(crate) fn idempotency(at: u64, stream: u64, offset: u64) -> [u8; 25] {
    let mut key = [IDEMPOTENCY; 25];
    key[1..9].copy_from_slice(&at.to_be_bytes());
    key[9..17].copy_from_slice(&stream.to_be_bytes());
    key[17..].copy_from_slice(&offset.to_be_bytes());
    key
}

/// Time, stream and offset of the idempotency key that lies at a key.
pub(crate) fn read_idempotency(key: &[u8]) -> Option<(u64, u64, u64)> {
    let [IDEMPOTENCY, numbers @ ..] = key else { return None };
    Some((number(numbers, 0)?, number(numbers, 8)?, number(numbers, 16)?)).filter(|_| numbers.len() == 24)
}

fn numbered(kind: u8, id: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}
