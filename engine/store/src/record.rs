//! What lies at each key. Every record begins with a byte that tells its version and ends with a CRC32 of its key and
//! itself, so that a record that is torn, changed or in another's place is told from a whole one.

pub(crate) mod cursor;
#[cfg(test)]
mod tests;

use crate::key;
use crate::op::KeptKey;
use crate::store::VALUE_BYTES_MAX;
use bytes::Bytes;
use cursor::{Cursor, Damage};
use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Device, Entry, Head};
use tidings_proto::payload::{Codec, Data};

/// The version of every kind of record.
const VERSION: u8 = 1;
/// What a format record begins with, so that a person sees what the file is.
const MAGIC: &[u8] = b"tidings";
const CRC_BYTES: usize = size_of::<u32>();

/// The highest stream number that is ever reserved: half of all, so that nothing that counts on from it ends.
pub(crate) const RESERVED_MAX: u64 = u64::MAX / 2;

/// What an entry takes beside its texts and data: its key of 17 bytes and the fixed part of its record, rounded up.
pub(crate) const ENTRY_OVERHEAD_BYTES: u64 = tidings_proto::kept::RECORD_OVERHEAD_BYTES;

const ENTRY_MSGPACK: u8 = 1;
const ENTRY_FROM: u8 = 2;
const ENTRY_KEY: u8 = 4;
const ENTRY_SHARED: u8 = 8;

/// Begins a record.
fn begin(out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
}

/// Ends a record with the checksum.
fn seal(key: &[u8], out: &mut Vec<u8>) {
    let sum = checksum(key, out);
    out.extend_from_slice(&sum.to_le_bytes());
}

/// What is between version and checksum, when both are good.
fn open<'a>(key: &[u8], record: &'a [u8]) -> Result<Cursor<'a>, Damage> {
    let (rest, sum) = record.split_last_chunk::<CRC_BYTES>().ok_or(Damage)?;
    if checksum(key, rest) != u32::from_le_bytes(*sum) {
        return Err(Damage);
    }
    match rest {
        [VERSION, body @ ..] => Ok(Cursor::new(body)),
        _ => Err(Damage),
    }
}

fn checksum(key: &[u8], record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(record);
    hasher.finalize()
}

/// What a store says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) version: u32,
    /// A number that no other store has.
    pub(crate) id: u64,
}

/// The format record. Its layout stays for good: a release must be able to read that it cannot read the rest.
pub(crate) fn write_format(format: Format, out: &mut Vec<u8>) {
    begin(out);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&format.version.to_le_bytes());
    out.extend_from_slice(&format.id.to_le_bytes());
    seal(key::FORMAT, out);
}

pub(crate) fn read_format(record: &[u8]) -> Result<Format, Damage> {
    let mut body = open(key::FORMAT, record)?;
    if body.take(MAGIC.len())? != MAGIC {
        return Err(Damage);
    }
    Ok(Format { version: body.u32()?, id: body.u64()? })
}

/// A record that is one number: which stream numbers are reserved, how many refer to a payload.
pub(crate) fn write_number(key: &[u8], number: u64, out: &mut Vec<u8>) {
    begin(out);
    out.extend_from_slice(&number.to_le_bytes());
    seal(key, out);
}

pub(crate) fn read_number(key: &[u8], record: &[u8]) -> Result<u64, Damage> {
    let mut body = open(key, record)?;
    let number = body.u64()?;
    body.end()?;
    Ok(number)
}

/// The highest stream number that is reserved. No counter comes near [`RESERVED_MAX`]: what is above it is damage.
pub(crate) fn read_reserved(key: &[u8], record: &[u8]) -> Result<u64, Damage> {
    let reserved = read_number(key, record)?;
    if reserved > RESERVED_MAX { Err(Damage) } else { Ok(reserved) }
}

/// An entry; with `share`, without its data.
pub(crate) fn write_entry(key: &[u8], entry: &Entry, bytes_sum: u64, share: Option<u64>, out: &mut Vec<u8>) {
    begin(out);
    let data = entry.data.as_ref();
    let mut flags = codec_byte(data.codec());
    flags |= entry.from.as_ref().map_or(0, |_| ENTRY_FROM);
    flags |= entry.key.as_ref().map_or(0, |_| ENTRY_KEY);
    flags |= share.map_or(0, |_| ENTRY_SHARED);
    out.push(flags);
    out.extend_from_slice(&entry.at.to_le_bytes());
    out.extend_from_slice(&bytes_sum.to_le_bytes());
    cursor::put_text(&entry.event, out);
    if let Some(from) = &entry.from {
        cursor::put_text(from, out);
    }
    if let Some(key) = &entry.key {
        cursor::put_text(key, out);
    }
    match share {
        // The length stands in the entry, so that what it counts for is known without the payload.
        Some(share) => {
            out.extend_from_slice(&share.to_le_bytes());
            out.extend_from_slice(&(data.bytes().len() as u64).to_le_bytes());
        }
        None => out.extend_from_slice(data.bytes()),
    }
    seal(key, out);
}

/// An entry's record, its texts still where they lay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryRecord<'a> {
    pub(crate) at: u64,
    pub(crate) bytes_sum: u64,
    pub(crate) event: &'a str,
    pub(crate) from: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) codec: Codec,
    pub(crate) payload: Payload<'a>,
}

/// Where an entry's data lie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// In its record.
    Own(&'a [u8]),
    /// In the shared payload of this id, `bytes` of them.
    Shared { id: u64, bytes: u64 },
}

impl EntryRecord<'_> {
    /// What the entry counts for against a bound in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let data = match self.payload {
            Payload::Own(data) => data.len() as u64,
            Payload::Shared { bytes, .. } => bytes,
        };
        let texts = self.event.len() + self.from.map_or(0, str::len) + self.key.map_or(0, str::len);
        data + texts as u64 + ENTRY_OVERHEAD_BYTES
    }

    /// The shared payload that it refers to.
    pub(crate) const fn share(&self) -> Option<u64> {
        match self.payload {
            Payload::Own(_) => None,
            Payload::Shared { id, .. } => Some(id),
        }
    }

    /// The entry, when its data are at hand.
    pub(crate) fn entry(&self, offset: u64, data: Data) -> Entry {
        Entry {
            offset,
            event: self.event.into(),
            data,
            from: self.from.map(Arc::from),
            key: self.key.map(Box::from),
            at: self.at,
        }
    }
}

pub(crate) fn read_entry<'a>(key: &[u8], record: &'a [u8]) -> Result<EntryRecord<'a>, Damage> {
    let mut body = open(key, record)?;
    let flags = body.u8()?;
    let at = body.u64()?;
    let bytes_sum = body.u64()?;
    let event = body.text()?;
    let from = if flags & ENTRY_FROM == 0 { None } else { Some(body.text()?) };
    let key = if flags & ENTRY_KEY == 0 { None } else { Some(body.text()?) };
    let payload = if flags & ENTRY_SHARED == 0 {
        Payload::Own(body.rest())
    } else {
        let (id, bytes) = (body.u64()?, body.u64()?);
        // More than any payload has: nothing that counts these bytes may run over.
        if bytes > VALUE_BYTES_MAX as u64 {
            return Err(Damage);
        }
        Payload::Shared { id, bytes }
    };
    Ok(EntryRecord { at, bytes_sum, event, from, key, codec: byte_codec(flags & ENTRY_MSGPACK)?, payload })
}

/// A shared payload.
pub(crate) fn write_share(key: &[u8], data: &Data, out: &mut Vec<u8>) {
    begin(out);
    out.push(codec_byte(data.as_ref().codec()));
    out.extend_from_slice(data.as_ref().bytes());
    seal(key, out);
}

pub(crate) fn read_share(key: &[u8], record: &[u8]) -> Result<Data, Damage> {
    let mut body = open(key, record)?;
    let codec = byte_codec(body.u8()?)?;
    Ok(Data::checked_before(codec, Bytes::copy_from_slice(body.rest())))
}

/// A stream's head.
pub(crate) fn write_head(key: &[u8], head: &Head, out: &mut Vec<u8>) {
    begin(out);
    for number in [head.stream, head.epoch.0, head.floor, head.last] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for device in &head.devices {
        cursor::put_text(&device.name, out);
        for number in [device.delivered, device.read, device.seen_at] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    seal(key, out);
}

pub(crate) fn read_head(key: &[u8], record: &[u8]) -> Result<Head, Damage> {
    let mut body = open(key, record)?;
    let (stream, epoch, floor, last) = (body.u64()?, Epoch(body.u64()?), body.u64()?, body.u64()?);
    let mut devices = Vec::new();
    while !body.is_empty() {
        let name = body.text()?.into();
        devices.push(Device { name, delivered: body.u64()?, read: body.u64()?, seen_at: body.u64()? });
    }
    Ok(Head { stream, epoch, floor, last, devices })
}

/// An idempotency key.
pub(crate) fn write_idempotency(key: &[u8], kept: &KeptKey, out: &mut Vec<u8>) {
    begin(out);
    out.extend_from_slice(&kept.epoch.0.to_le_bytes());
    out.push(key::kind_byte(kept.kind));
    cursor::put_text(&kept.name, out);
    cursor::put_text(&kept.key, out);
    if let Some(publisher) = &kept.publisher {
        cursor::put_text(publisher, out);
    }
    seal(key, out);
}

pub(crate) fn read_idempotency(key: &[u8], record: &[u8]) -> Result<KeptKey, Damage> {
    let (at, stream, offset) = key::read_idempotency(key).ok_or(Damage)?;
    let mut body = open(key, record)?;
    let epoch = Epoch(body.u64()?);
    let kind = key::byte_kind(body.u8()?).ok_or(Damage)?;
    let (name, idempotency) = (body.text()?.into(), body.text()?.into());
    let publisher = if body.is_empty() { None } else { Some(body.text()?.into()) };
    Ok(KeptKey { publisher, key: idempotency, at, kind, name, stream, epoch, offset })
}

const fn codec_byte(codec: Codec) -> u8 {
    match codec {
        Codec::Json => 0,
        Codec::Msgpack => ENTRY_MSGPACK,
    }
}

const fn byte_codec(byte: u8) -> Result<Codec, Damage> {
    match byte {
        0 => Ok(Codec::Json),
        ENTRY_MSGPACK => Ok(Codec::Msgpack),
        _ => Err(Damage),
    }
}
