//! Reads streams.

use super::page::Page;
use crate::error::{ErrorKind, StoreError};
use crate::key;
use crate::op::KeptKey;
use crate::record::{self, EntryRecord, Payload};
use crate::store::Store;
use bytes::Bytes;
use std::ops::ControlFlow;
use tidings_proto::kept::{Edge, Entry, Head, Kind};
use tidings_proto::payload::Data;

/// A stream's head.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub(crate) fn head(store: &dyn Store, kind: Kind, name: &str) -> Result<Option<Head>, StoreError> {
    let mut key = Vec::with_capacity(2 + name.len());
    key::head(kind, name, &mut key);
    let Some(record) = store.get(&key)? else { return Ok(None) };
    match record::read_head(&key, &record) {
        Ok(head) => Ok(Some(head)),
        Err(_) => Err(StoreError::new(ErrorKind::Damaged, format!("the head of {kind:?} {name:?} is damaged"))),
    }
}

/// The two ends of a stream's entries.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// The highest offset of an entry, damaged or not; 0 if there is none.
    pub(crate) last: u64,
    /// The first and the last that are whole.
    pub(crate) edges: Option<(Edge, Edge)>,
}

pub(crate) fn ends(store: &dyn Store, stream: u64) -> Result<Ends, StoreError> {
    let from = key::entry(stream, 0);
    let mut to = key::behind_entry(stream, u64::MAX).to_vec();
    let mut ends = Ends::default();
    let mut newest = None;
    while let Some((key, record)) = store.last(&from, &to)? {
        let offset = offset(&key);
        ends.last = ends.last.max(offset);
        if let Ok(entry) = record::read_entry(&key, &record) {
            newest = Some(edge(offset, &entry));
            break;
        }
        to = key;
    }
    let Some(newest) = newest else { return Ok(ends) };
    let mut oldest = newest;
    store.scan(
        &from,
        &key::entry(stream, newest.offset),
        &mut |key, record| match record::read_entry(key, record) {
            Ok(entry) => {
                oldest = edge(offset(key), &entry);
                ControlFlow::Break(())
            }
            Err(_) => ControlFlow::Continue(()),
        },
    )?;
    ends.edges = Some((oldest, newest));
    Ok(ends)
}

/// The first entry at or behind `from` that is whole.
pub(crate) fn first(store: &dyn Store, stream: u64, from: u64) -> Result<Option<Edge>, StoreError> {
    let mut found = None;
    store.scan(&key::entry(stream, from), &key::behind_entry(stream, u64::MAX), &mut |key, record| {
        match record::read_entry(key, record) {
            Ok(entry) => {
                found = Some(edge(offset(key), &entry));
                ControlFlow::Break(())
            }
            Err(_) => ControlFlow::Continue(()),
        }
    })?;
    Ok(found)
}

fn edge(offset: u64, entry: &EntryRecord<'_>) -> Edge {
    Edge { offset, at: entry.at, bytes: entry.bytes(), bytes_sum: entry.bytes_sum }
}

fn offset(key: &[u8]) -> u64 {
    key::read_entry(key).map_or(0, |(_, offset)| offset)
}

/// The entries of a stream from the first to the last of `range`, until they have `bytes_max`.
pub(crate) fn page(store: &dyn Store, stream: u64, range: (u64, u64), bytes_max: usize) -> Result<Page, StoreError> {
    let mut page = Page { reached: range.1, ..Page::default() };
    let mut bytes = 0;
    // Entries whose payload lies elsewhere wait for it until the scan is over: a scan calls nothing else.
    let mut shared = Vec::new();
    store.scan(&key::entry(stream, range.0), &key::behind_entry(stream, range.1), &mut |key, record| {
        let offset = offset(key);
        match record::read_entry(key, record) {
            Ok(found) => {
                let data = match found.payload {
                    Payload::Own(data) => Data::checked_before(found.codec, Bytes::copy_from_slice(data)),
                    Payload::Shared { id, .. } => {
                        shared.push((page.entries.len(), id));
                        Data::null()
                    }
                };
                bytes += found.bytes() - record::ENTRY_OVERHEAD_BYTES;
                page.entries.push(found.entry(offset, data));
            }
            Err(_) => page.damaged.push(offset),
        }
        if bytes >= bytes_max as u64 && !page.entries.is_empty() {
            page.reached = offset;
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if !shared.is_empty() {
        bring_payloads(store, stream, &shared, &mut page)?;
    }
    Ok(page)
}

/// Gives entries the payloads that they share; what has lost its own moves to the damaged ones.
fn bring_payloads(store: &dyn Store, stream: u64, shared: &[(usize, u64)], page: &mut Page) -> Result<(), StoreError> {
    let mut gone = Vec::new();
    for (place, id) in shared {
        let key = key::share(*id);
        let data = store.get(&key)?.map(|record| record::read_share(&key, &record));
        match data {
            Some(Ok(data)) => page.entries[*place].data = data,
            _ => gone.push(*place),
        }
    }
    for place in gone.into_iter().rev() {
        let Entry { offset, .. } = page.entries.remove(place);
        // An entry that was removed since the scan is not damaged, it is gone, and its payload went behind it.
        if store.get(&key::entry(stream, offset))?.is_some() {
            page.damaged.push(offset);
        }
    }
    page.damaged.sort_unstable();
    Ok(())
}

/// The highest offset of a key's stream for which its entry is, or was, on disk.
pub(crate) fn answers_to(store: &dyn Store, kept: &KeptKey) -> Result<u64, StoreError> {
    let last = ends_last(store, kept.stream)?;
    match head(store, kept.kind, &kept.name) {
        Ok(Some(head)) if head.stream == kept.stream => Ok(last.max(head.last)),
        // A later stream took the name, so everything of the earlier one was written before it.
        Ok(Some(head)) if head.stream > kept.stream => Ok(u64::MAX),
        Ok(_) => Ok(last),
        Err(error) if error.kind() == ErrorKind::Damaged => Ok(last),
        Err(error) => Err(error),
    }
}

/// The highest offset of a stream's entries, 0 if there is none.
fn ends_last(store: &dyn Store, stream: u64) -> Result<u64, StoreError> {
    let last = store.last(&key::entry(stream, 0), &key::behind_entry(stream, u64::MAX))?;
    Ok(last.map_or(0, |(key, _)| offset(&key)))
}

/// Names of streams behind `after`, at most `max`.
pub(crate) fn names(
    store: &dyn Store,
    after: Option<(Kind, &str)>,
    max: usize,
) -> Result<Vec<(Kind, Box<str>)>, StoreError> {
    let mut from = key::HEADS.0.to_vec();
    if let Some((kind, name)) = after {
        from.clear();
        key::head(kind, name, &mut from);
        from.push(0);
    }
    let mut names = Vec::new();
    if max == 0 {
        return Ok(names);
    }
    store.scan(&from, key::HEADS.1, &mut |key, _| {
        if let Some((kind, name)) = key::read_head(key) {
            names.push((kind, name.into()));
        }
        if names.len() < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(names)
}
