//! Finds streams, loads them, brings members forward, reads pages.

use super::Server;
use super::cells::{Cell, Handle};
use super::inner::Inner;
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::{ConnId, StreamName};
use std::collections::BTreeSet;
use std::sync::Arc;
use tidings_core::policy::Class;
use tidings_core::session::Subscription;
use tidings_core::stream::{Forward, Origin, PageRead, Slot, Stream};
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::id::Epoch;
use tidings_store::archive::Archive;
use tidings_store::error::StoreError;

impl Server {
    /// Sees to it that a stream is in memory.
    pub(super) fn load(&mut self, stream: &StreamName, now: Now) -> Result<(), Code> {
        if self.cells.map.contains_key(stream) {
            return Ok(());
        }
        let policy = Arc::clone(self.plan.policy(stream));
        let number = self.next_number();
        let loaded = if policy.class == Class::Durable {
            if self.queue.doubtful.contains(stream) {
                return Err(Code::Unavailable);
            }
            let origin = self.origin(stream).map_err(|_| Code::Unavailable)?;
            self.output.note(Some(stream), format!("loaded: {origin:?}"));
            Stream::on_disk(number, origin, stream.kind, policy, now)
        } else if let Some(position) = self.cells.forgotten.remove(&stream.name) {
            Stream::at(number, position, policy, now)
        } else {
            Stream::new(number, self.new_epoch(stream), policy, now)
        };
        let load = u64::from(number);
        let cell = Cell { stream: loaded, load, queued: 0, reading: BTreeSet::new() };
        self.cells.map.insert(stream.clone(), cell);
        Ok(())
    }

    fn next_number(&mut self) -> u32 {
        self.start.streams += 1;
        u32::try_from(self.start.streams).unwrap_or(u32::MAX)
    }

    fn new_epoch(&mut self, stream: &StreamName) -> Epoch {
        self.start.epochs += 1;
        let number = if self.has(Bug::EpochKept) { 7 } else { self.start.epochs };
        mixed(number, stream)
    }

    fn origin(&mut self, stream: &StreamName) -> Result<Origin, StoreError> {
        let archive = &self.storage.archive;
        Ok(match archive.load(stream.kind, &stream.name)? {
            Some(kept) => Origin::Found(kept),
            None => {
                let number = archive.new_stream();
                self.storage.numbers = self.storage.numbers.max(number);
                Origin::New { epoch: self.epoch_on_disk(stream), stream: number }
            }
        })
    }

    /// The same each time, so that a position in a stream in which nothing happened stays good.
    pub(super) fn epoch_on_disk(&self, stream: &StreamName) -> Epoch {
        mixed(self.storage.archive.id(), stream)
    }

    /// Where a durable stream stands on disk.
    pub(super) fn last_on_disk(archive: &Archive, stream: &StreamName) -> Result<u64, StoreError> {
        Ok(archive.load(stream.kind, &stream.name)?.map_or(0, |kept| kept.head.last))
    }

    pub(super) fn catch_up(&mut self, stream: &StreamName, slot: Slot, now: Now) -> Forward {
        let Some((cell, mut fan)) = self.cell(stream) else { return Forward::UpToDate };
        let forward = cell.stream.catch_up(slot, now, &mut fan);
        self.follow(stream, slot, forward);
        forward
    }

    /// Delivers to a connection what it had no room for, as far as there is room now.
    pub(super) fn bring_forward(&mut self, conn: ConnId, now: Now) {
        let Some(found) = self.conns.get_mut(&conn) else { return };
        let Some(session) = &found.session else { return };
        let mut streams: Vec<_> = session.streams().map(|held| (held.channel.stream.clone(), held.slot)).collect();
        if streams.is_empty() {
            return;
        }
        // In turn, so that a busy stream does not keep the others back.
        found.forwards += 1;
        let first = found.forwards % streams.len();
        streams.rotate_left(first);
        for (stream, slot) in streams {
            if self.catch_up(&stream, slot, now) == Forward::Full {
                return;
            }
        }
    }

    pub(super) fn leave(&mut self, subscription: &Subscription<Handle>, now: Now) {
        if self.has(Bug::NeverLeaves) && self.start.random.chance(300) {
            return;
        }
        if let Some((cell, mut fan)) = self.cell(&subscription.channel.stream) {
            cell.stream.leave(subscription.slot, now, &mut fan);
        }
    }

    /// A page was read for a member, or could not be.
    pub(super) fn page_read(&mut self, page: (StreamName, u64, Slot, u64, u64), now: Now) {
        let (stream, load, slot, from, to) = page;
        let (bytes_max, loses) = (self.plan.bounds.page_bytes, self.has(Bug::PageLost));
        let Some(cell) = self.cells.map.get(&stream).filter(|cell| cell.load == load) else { return };
        let number = cell.stream.disk_number().unwrap_or_default();
        let Ok(page) = self.storage.archive.page(number, from, to, bytes_max) else {
            self.output.wish(100, Inner::Page { stream, load, slot, from, to });
            return;
        };
        self.output.facts.push(Fact::Page);
        let is_whole = page.entries.last().is_none_or(|last| last.offset >= to);
        if loses && self.start.random.chance(300) {
            return;
        }
        let Some((cell, mut fan)) = self.cell(&stream) else { return };
        cell.reading.remove(&slot);
        let read = PageRead { from, to, entries: &page.entries, is_whole };
        let forward = cell.stream.hand_over(slot, read, now, &mut fan);
        self.follow(&stream, slot, forward);
    }
}

/// An epoch made of a number and a name (FNV-1a).
fn mixed(number: u64, stream: &StreamName) -> Epoch {
    let begin = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xcbf2_9ce4_8422_2325 ^ stream.kind as u64;
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    Epoch(stream.name.bytes().fold(begin, step))
}
