//! How far a long piece of work has come.

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Reading the records.
    Reading,
    /// Copying those that live.
    Copying,
    /// Reading the copy.
    Verifying,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Bytes of keys and values that are done.
    pub bytes_done: u64,
    /// About how many there are. After a crash the count may be a little off.
    pub bytes_all: u64,
}

/// How many records lie between two calls.
const RECORDS: u64 = 1_024;

/// Calls back now and then.
pub(crate) struct Ticker<'a> {
    call: &'a mut dyn FnMut(Progress),
    now: Progress,
    records: u64,
}

impl<'a> Ticker<'a> {
    pub(crate) fn new(step: Step, bytes_all: u64, call: &'a mut dyn FnMut(Progress)) -> Self {
        let now = Progress { step, bytes_done: 0, bytes_all };
        call(now);
        Self { call, now, records: 0 }
    }

    /// One more record is done.
    pub(crate) fn record(&mut self, bytes: usize) {
        self.records += 1;
        self.now.bytes_done += bytes as u64;
        if self.records.is_multiple_of(RECORDS) {
            (self.call)(self.now);
        }
    }

    /// All are done.
    pub(crate) fn end(mut self) {
        self.now.bytes_all = self.now.bytes_done;
        (self.call)(self.now);
    }
}
