//! One entry of a stream as it is kept, in memory and on disk.

use crate::frame::EntryFrame;
use crate::id::StreamNumber;
use crate::payload::Data;
use std::sync::Arc;

/// A kept entry. Its texts were checked when it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the stream.
    pub offset: u64,
    /// The event's name.
    pub event: Box<str>,
    /// The application's data.
    pub data: Data,
    /// Who published it; `None` is the host.
    pub from: Option<Arc<str>>,
    /// In class `latest`, which value it is.
    pub key: Option<Box<str>>,
    /// When the engine took it, in milliseconds since 1970.
    pub at: u64,
}

impl Entry {
    /// Bytes of its texts and data, without bookkeeping: what a bound in bytes counts.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let from = self.from.as_ref().map_or(0, |from| from.len());
        let key = self.key.as_ref().map_or(0, |key| key.len());
        self.data.as_ref().bytes().len() + self.event.len() + from + key
    }

    /// The entry as it is rendered.
    #[must_use]
    pub fn frame(&self, stream: StreamNumber) -> EntryFrame<'_> {
        EntryFrame {
            stream,
            offset: self.offset,
            event: &self.event,
            data: self.data.as_ref(),
            from: self.from.as_deref(),
            at: self.at,
        }
    }
}
