//! A store without what is damaged, unused, or led to by nothing.

use super::survey::Survey;
use crate::disk::SledStore;
use crate::disk::options::Options;
use crate::disk::rewrite::Fate;
use crate::error::{ErrorKind, StoreError};
use crate::op::KeptKey;
use crate::progress::Progress;
use crate::record::Format;
use crate::store::Store;
use crate::{format, key, record};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tidings_proto::id::Epoch;
use tidings_proto::kept::Head;

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes that the directory took on the device before.
    pub bytes_before: u64,
    /// Bytes that it takes now.
    pub bytes_after: u64,
    /// Records that were kept.
    pub records: u64,
    /// Records that were dropped: damaged ones, entries of streams without a head, payloads that nothing refers to.
    pub dropped: u64,
    /// Whether every stream was given another epoch.
    pub renewed: bool,
}

/// Whether streams are given other epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Where something is damaged: the end of a stream may be among it, and its offsets are given out again.
    IfDamaged,
    /// In any case: for a directory that is an older copy of itself.
    Always,
}

/// Copies the records that live into a fresh database beside the old one, reads the copy again, and then takes it into
/// use in one step. A crash at any point leaves a store that opens: the old one before that step, the new one behind it.
///
/// Needs room on the device for what lives. With another epoch for each stream, a client whose position counts what is gone
/// is told so, whatever has been published since.
///
/// # Errors
/// When the store does not open, cannot be read, or the copy cannot be written. The store is then as before.
pub fn compact(
    path: &Path,
    options: &Options,
    renewal: Renewal,
    progress: &mut dyn FnMut(Progress),
) -> Result<Compacted, StoreError> {
    let store = SledStore::open_existing(path, options)?;
    let bytes_before = store.bytes_on_disk()?;
    if format::read(&store)?.is_none() {
        let what = format!("the store in {} is empty", path.display());
        return Err(StoreError::new(ErrorKind::NotAStore, what));
    }
    let survey = Survey::of(&store, store.bytes_live(), progress)?;
    let renewed = renewal == Renewal::Always || survey.is_damaged() || !store.damages().is_empty();
    let salt = renewed.then(salt);
    let mut dropped = 0;
    let records = store.rewrite(progress, &mut |key, value| {
        let fate = match (fate(&survey, key, value), salt) {
            (Fate::Kept, Some(salt)) => renew(key, value, salt),
            (fate, _) => fate,
        };
        dropped += u64::from(fate == Fate::Dropped);
        fate
    })?;
    drop(store);
    let store = SledStore::open_existing(path, options)?;
    Ok(Compacted { bytes_before, bytes_after: store.bytes_on_disk()?, records, dropped, renewed })
}

/// A number that no renewal before had.
fn salt() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = since.as_nanos() & u128::from(u64::MAX);
    u64::try_from(nanoseconds).unwrap_or_default().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A record with another epoch, if it has one: a stream's head, and the store's id, of which the epochs of streams are
/// made that have nothing on disk yet.
fn renew(key: &[u8], value: &[u8], salt: u64) -> Fate {
    let mut renewed = Vec::new();
    if key == key::FORMAT {
        let Ok(Format { version, id }) = record::read_format(value) else { return Fate::Kept };
        record::write_format(Format { version, id: id ^ salt }, &mut renewed);
    } else if key.first() == Some(&key::HEAD) {
        let Ok(head) = record::read_head(key, value) else { return Fate::Kept };
        record::write_head(key, &Head { epoch: Epoch(head.epoch.0 ^ salt), ..head }, &mut renewed);
    } else if key.first() == Some(&key::IDEMPOTENCY) {
        let Ok(kept) = record::read_idempotency(key, value) else { return Fate::Kept };
        let epoch = Epoch(kept.epoch.0 ^ salt);
        record::write_idempotency(key, &KeptKey { epoch, ..kept }, &mut renewed);
    } else {
        return Fate::Kept;
    }
    Fate::Replaced(renewed)
}

/// What becomes of a record.
fn fate(survey: &Survey, key: &[u8], value: &[u8]) -> Fate {
    let keep = |keep: bool| if keep { Fate::Kept } else { Fate::Dropped };
    match key.first().copied() {
        _ if key == key::FORMAT => Fate::Kept,
        // Without it numbers would be given out again. Above all that are in use is as good.
        _ if key == key::RESERVED && record::read_reserved(key, value).is_err() => {
            number(key, survey.highest.min(record::RESERVED_MAX))
        }
        _ if key == key::RESERVED => Fate::Kept,
        Some(key::HEAD) => keep(key::read_head(key).is_some() && record::read_head(key, value).is_ok()),
        Some(key::ENTRY) => keep(key::read_entry(key).is_some_and(|(stream, _)| {
            let Ok(entry) = record::read_entry(key, value) else { return false };
            survey.streams.contains(&stream) && entry.share().is_none_or(|id| survey.shares.contains_key(&id))
        })),
        Some(key::SHARE) => keep(references(survey, key) > 0),
        Some(key::REFS) => match references(survey, key) {
            0 => Fate::Dropped,
            references => number(key, references),
        },
        Some(key::IDEMPOTENCY) => keep(record::read_idempotency(key, value).is_ok()),
        _ => Fate::Dropped,
    }
}

fn references(survey: &Survey, key: &[u8]) -> u64 {
    key::read_share(key).and_then(|id| survey.shares.get(&id)).map_or(0, |share| share.references)
}

fn number(key: &[u8], number: u64) -> Fate {
    let mut value = Vec::new();
    record::write_number(key, number, &mut value);
    Fate::Replaced(value)
}
