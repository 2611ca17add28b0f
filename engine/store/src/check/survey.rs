//! One look at every record of a store.

use super::report::{Leaks, Report, Stats};
use crate::error::StoreError;
use crate::progress::{Progress, Step, Ticker};
use crate::record::cursor::Damage;
use crate::store::Store;
use crate::{format, key, record};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How many damaged records are told in words.
const DAMAGES_MAX: usize = 100;

/// What is in a store.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The streams that have a head that can be read.
    pub(crate) streams: BTreeSet<u64>,
    /// The payloads that can be read.
    pub(crate) shares: BTreeMap<u64, Share>,
    /// The highest number of a stream or payload.
    pub(crate) highest: u64,
    stats: Stats,
    damaged: u64,
    damages: Vec<String>,
    leaks: Leaks,
    /// The counts of references that can be read.
    counts: BTreeMap<u64, u64>,
}

/// A shared payload.
#[derive(Debug, Default)]
pub(crate) struct Share {
    /// How many living entries refer to it.
    pub(crate) references: u64,
    /// The bytes of its record; 0 when there is none that can be read.
    pub(crate) bytes: u64,
}

impl Survey {
    /// Reads everything.
    pub(crate) fn of(
        store: &dyn Store,
        bytes_all: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, StoreError> {
        let mut survey = Self::default();
        if let Some(format) = format::read(store)? {
            (survey.stats.format, survey.stats.id) = (format.version, format.id);
        }
        let mut ticker = Ticker::new(Step::Reading, bytes_all, progress);
        store.scan(key::ALL.0, key::ALL.1, &mut |key, record| {
            survey.stats.bytes_live += (key.len() + record.len()) as u64;
            if survey.record(key, record).is_err() {
                survey.tell(|| format!("the record at {} is damaged", name(key)));
            }
            ticker.record(key.len() + record.len());
            ControlFlow::Continue(())
        })?;
        ticker.end();
        survey.judge_shares();
        Ok(survey)
    }

    /// Keys come in an order that has heads before entries.
    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damage> {
        match key.first().copied() {
            // The format was read before all else.
            _ if key == key::FORMAT => Ok(()),
            _ if key == key::RESERVED => record::read_reserved(key, value).map(|_| ()),
            Some(key::HEAD) => {
                key::read_head(key).ok_or(Damage)?;
                let head = record::read_head(key, value)?;
                self.streams.insert(head.stream);
                self.highest = self.highest.max(head.stream);
                self.stats.streams += 1;
                Ok(())
            }
            Some(key::ENTRY) => self.entry(key, value),
            Some(key::SHARE) => {
                let id = key::read_share(key).ok_or(Damage)?;
                record::read_share(key, value)?;
                self.shares.entry(id).or_default().bytes = (key.len() + value.len()) as u64;
                self.highest = self.highest.max(id);
                self.stats.shares += 1;
                Ok(())
            }
            Some(key::REFS) => {
                let id = key::read_share(key).ok_or(Damage)?;
                self.counts.insert(id, record::read_number(key, value)?);
                Ok(())
            }
            Some(key::IDEMPOTENCY) => {
                let kept = record::read_idempotency(key, value)?;
                self.highest = self.highest.max(kept.stream);
                self.stats.keys += 1;
                Ok(())
            }
            _ => Err(Damage),
        }
    }

    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damage> {
        let (stream, _) = key::read_entry(key).ok_or(Damage)?;
        self.highest = self.highest.max(stream);
        let entry = record::read_entry(key, value)?;
        if !self.streams.contains(&stream) {
            self.leaks.entries += 1;
            self.leaks.bytes += (key.len() + value.len()) as u64;
            return Ok(());
        }
        if let Some(share) = entry.share() {
            self.shares.entry(share).or_default().references += 1;
        }
        self.stats.entries += 1;
        Ok(())
    }

    fn judge_shares(&mut self) {
        for (id, share) in std::mem::take(&mut self.shares) {
            if share.bytes == 0 {
                self.damaged += share.references;
                self.words(|| format!("the payload {id:#x} is missing, and {} entries share it", share.references));
                continue;
            }
            if share.references == 0 {
                self.leaks.shares += 1;
                self.leaks.bytes += share.bytes;
            } else if self.counts.get(&id) != Some(&share.references) {
                self.leaks.counts += 1;
            }
            self.shares.insert(id, share);
        }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        self.damaged += 1;
        self.words(what);
    }

    fn words(&mut self, what: impl FnOnce() -> String) {
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(what());
        }
    }

    /// Whether anything that was written cannot be read.
    pub(crate) const fn is_damaged(&self) -> bool {
        self.damaged > 0
    }

    /// What was found, in figures and words.
    pub(crate) fn report(self, store: &dyn Store) -> Result<Report, StoreError> {
        let stats = Stats { bytes_on_disk: store.bytes_on_disk()?, ..self.stats };
        let (damaged, damages, leaks) = (self.damaged, self.damages, self.leaks);
        Ok(Report { stats, damaged, damages, leaks, foreign: Vec::new() })
    }
}

/// What lies at a key, in words.
fn name(key: &[u8]) -> String {
    if let Some((kind, name)) = key::read_head(key) {
        return format!("the head of {kind:?} {name:?}");
    }
    if let Some((stream, offset)) = key::read_entry(key) {
        return format!("entry {offset} of stream number {stream}");
    }
    if let Some((_, stream, offset)) = key::read_idempotency(key) {
        return format!("the idempotency key for entry {offset} of stream number {stream}");
    }
    match (key::read_share(key), key) {
        (Some(id), _) => format!("the shared payload {id:#x}"),
        (None, key::RESERVED) => "the reserved stream numbers".into(),
        (None, _) => format!("the unknown key {key:02x?}"),
    }
}
