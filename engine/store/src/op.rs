//! What is written to an archive.

use std::sync::Arc;
use tidings_proto::id::Epoch;
use tidings_proto::kept::{Entry, Head, Kind};
use tidings_proto::payload::Data;

/// One change of an archive. A crash leaves the first so many of a list of them, so what leans on another stands behind
/// it: a [`Head`](Op::Head) before its stream's first entry, a [`Share`](Op::Share) before the entries that refer to it,
/// a [`Key`](Op::Key) before the entry that it answers for.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A new entry, behind all that the stream has.
    Append {
        /// The stream's number, from its head.
        stream: u64,
        /// The entry.
        entry: Entry,
        /// The bytes of all entries that the stream has ever had, this one included, each as [`entry_bytes`] counts it.
        ///
        /// [`entry_bytes`]: crate::archive::entry_bytes
        bytes_sum: u64,
        /// The shared payload that the entry's data lie in; the entry carries them all the same.
        share: Option<u64>,
    },
    /// A payload that many inboxes refer to and that is stored once.
    Share {
        /// Its id: a number from [`Archive::new_stream`], which serves streams and payloads alike.
        ///
        /// [`Archive::new_stream`]: crate::archive::Archive::new_stream
        id: u64,
        /// How many entries will refer to it.
        refs: u32,
        /// The payload.
        data: Data,
    },
    /// What is known of a stream beside its entries. Replaces the head before.
    Head {
        /// What kind of stream it is.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// The head.
        head: Head,
    },
    /// Takes entries away. A shared payload loses one reference for each, and goes with the last.
    ///
    /// Before a stream's newest entry goes, a head whose `last` covers it must have been written: nothing else would tell
    /// after a restart that its offset was given out.
    Remove {
        /// The stream's number.
        stream: u64,
        /// The first offset.
        from: u64,
        /// The last offset, which goes too.
        to: u64,
    },
    /// Remembers a publisher's idempotency key.
    Key(KeptKey),
    /// Forgets idempotency keys older than this.
    ForgetKeys {
        /// In milliseconds since 1970; a key of exactly this age stays.
        before_ms: u64,
    },
    /// Forgets a stream: its head and all its entries. Keys that answer for them are not answered after a restart, so a
    /// stream goes only when it is quiet for longer than keys are kept.
    Forget {
        /// What kind of stream it is.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// Its number.
        stream: u64,
    },
}

/// An idempotency key, and the entry that answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// Who published; `None` is the host.
    pub publisher: Option<Arc<str>>,
    /// The key.
    pub key: Box<str>,
    /// When the engine took it, in milliseconds since 1970.
    pub at: u64,
    /// The kind of the entry's stream.
    pub kind: Kind,
    /// The name of the entry's stream.
    pub name: Arc<str>,
    /// The number of the entry's stream.
    pub stream: u64,
    /// The life that the offset counts in.
    pub epoch: Epoch,
    /// The entry's place.
    pub offset: u64,
}
