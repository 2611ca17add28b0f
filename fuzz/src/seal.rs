//! Records with a good checksum, so that what lies behind it is reached.

/// A record as the store keeps it: its checksum, over key and body, stands at its end.
pub(crate) fn seal(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    let mut record = body.to_vec();
    record.extend_from_slice(&hasher.finalize().to_le_bytes());
    record
}
