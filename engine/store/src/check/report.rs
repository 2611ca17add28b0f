//! What a check finds.

/// The figures of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// The version of its format.
    pub format: u32,
    /// Its id.
    pub id: u64,
    /// Streams with a head.
    pub streams: u64,
    /// Entries.
    pub entries: u64,
    /// Payloads that several entries share.
    pub shares: u64,
    /// Idempotency keys.
    pub keys: u64,
    /// Bytes of all keys and values.
    pub bytes_live: u64,
    /// Bytes that the directory takes on the device.
    pub bytes_on_disk: u64,
}

/// What nothing leads to any more: a crash or damage left it. It takes space and does no harm, and compaction drops it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaks {
    /// Entries of streams that have no head.
    pub entries: u64,
    /// Shared payloads that no entry refers to.
    pub shares: u64,
    /// Shared payloads whose count of references is not what refers to them.
    pub counts: u64,
    /// Bytes of these entries and payloads.
    pub bytes: u64,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Its figures.
    pub stats: Stats,
    /// How many records are damaged, entries whose shared payload is missing among them.
    pub damaged: u64,
    /// The first of them, in words.
    pub damages: Vec<String>,
    /// What nothing leads to.
    pub leaks: Leaks,
    /// Files in the directory that are not the store's.
    pub foreign: Vec<String>,
}

impl Report {
    /// Whether nothing is damaged.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.damaged == 0
    }
}
