//! What a daemon must not do, as a sentence for each time that it did.

use crate::history::Device;
use crate::publication::{Id, Stream};
use crate::reading::Gap;
use std::fmt;

/// Why an entry had to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It was answered `stored`.
    Stored,
    /// It was delivered, or read after an earlier crash.
    Delivered,
    /// It was answered `accepted`, and the daemon then stopped by itself.
    Flushed,
}

/// One breach of what the daemon promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    /// An entry that had to be there is not.
    Lost { id: Id, stream: Stream, reader: Option<Device>, claim: Claim, offset: Option<u64> },
    /// An entry stands in a stream twice.
    Doubled { id: Id, stream: Stream, offsets: [u64; 2] },
    /// An offset holds another entry than before.
    Changed { stream: Stream, offset: u64, was: Id, is: Id },
    /// An entry stands elsewhere than the daemon said.
    Moved { id: Id, stream: Stream, was: u64, is: u64 },
    /// An entry stands in another stream than the one it was published to.
    Misplaced { id: Id, asked: Stream, is: Stream },
    /// Offsets that no entry has, though later ones do, or the daemon told a later one as the last.
    Hole { stream: Stream, reader: Option<Device>, from: u64, to: u64 },
    /// Offsets do not rise.
    Backward { stream: Stream, offset: u64, after: u64 },
    /// A publisher's entries stand in another order than it published them.
    Reordered { stream: Stream, earlier: Id, later: Id },
    /// A stream has another epoch than before.
    Epoch { stream: Stream, was: u64, is: u64 },
    /// A gap, though no limit explains it.
    Gap { stream: Stream, gap: Gap },
    /// A device is taken to have acknowledged more than it did.
    Skipped { device: Device, acknowledged: u64, delivered: u64 },
    /// Data, publisher or event are not those of any publication.
    Damaged { stream: Stream, offset: u64, id: Option<Id> },
    /// It was refused, and is there.
    Refused { id: Id, stream: Stream, code: u64 },
    /// It was not there after an earlier crash, nobody asked for it again, and it is there now.
    Returned { id: Id, stream: Stream },
    /// `stored` was asked for, and `accepted` was answered.
    Weakened { id: Id },
    /// Something else that a daemon does not do: it does not start, ends by itself, closes a connection.
    Conduct(String),
}

impl Violation {
    /// Whether an entry is gone.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Changed { .. } | Self::Hole { .. } | Self::Skipped { .. })
    }

    /// Where it stands in a list: what tells most comes first.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Conduct(_) => 0,
            Self::Epoch { .. } => 1,
            _ if self.is_loss() => 2,
            _ if self.is_double() => 3,
            _ => 4,
        }
    }

    /// Whether an entry is there twice.
    pub(crate) fn is_double(&self) -> bool {
        matches!(self, Self::Doubled { .. })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { id, stream, reader, claim, offset } => {
                lost(f, *id, *stream, reader.as_ref(), (*claim, *offset))
            }
            Self::Doubled { id, stream, offsets: [first, second] } => {
                write!(f, "doubled: {id} stands at {first} and at {second} of {stream}")
            }
            Self::Changed { stream, offset, was, is } => {
                write!(f, "changed: {stream} held {was} at {offset} and now holds {is} there")
            }
            Self::Moved { id, stream, was, is } => {
                write!(f, "moved: {id} was said to stand at {was} of {stream} and stands at {is}")
            }
            Self::Misplaced { id, asked, is } => write!(f, "misplaced: {id} went to {asked} and stands in {is}"),
            Self::Hole { stream, reader, from, to } => {
                write!(f, "hole: {stream} has no entries {from} to {to}")?;
                reader.as_ref().map_or(Ok(()), |device| write!(f, " for {device}"))
            }
            Self::Backward { stream, offset, after } => write!(f, "backward: {offset} came after {after} of {stream}"),
            Self::Reordered { stream, earlier, later } => {
                write!(f, "reordered: in {stream}, {later} stands before {earlier}")
            }
            Self::Epoch { stream, was, is } => write!(f, "epoch: {stream} had {was:016x} and now has {is:016x}"),
            Self::Gap { stream, gap: Gap { from, to, reason } } => {
                write!(f, "gap: {stream} tells {from} to {to} as {reason}, and no limit was reached")
            }
            Self::Skipped { device, acknowledged, delivered } => {
                write!(f, "skipped: {device} acknowledged up to {acknowledged} and is continued after {delivered}")
            }
            Self::Damaged { stream, offset, id: Some(id) } => {
                write!(f, "damaged: {id} at {offset} of {stream} is not what was published")
            }
            Self::Damaged { stream, offset, id: None } => {
                write!(f, "damaged: {stream} holds at {offset} what nobody published")
            }
            Self::Refused { id, stream, code } => write!(f, "refused: {id} was refused with {code} and is in {stream}"),
            Self::Returned { id, stream } => {
                write!(f, "returned: {id} was gone after a crash and is in {stream} again")
            }
            Self::Weakened { id } => write!(f, "weakened: {id} asked for `stored` and was answered `accepted`"),
            Self::Conduct(what) => write!(f, "conduct: {what}"),
        }
    }
}

fn lost(
    f: &mut fmt::Formatter<'_>,
    id: Id,
    stream: Stream,
    reader: Option<&Device>,
    (claim, offset): (Claim, Option<u64>),
) -> fmt::Result {
    let claim = match claim {
        Claim::Stored => "was answered `stored`",
        Claim::Delivered => "was delivered",
        Claim::Flushed => "was answered `accepted` before the daemon stopped by itself",
    };
    write!(f, "lost: {id} {claim}")?;
    if let Some(offset) = offset {
        write!(f, " at {offset}")?;
    }
    write!(f, " and is not in {stream}")?;
    reader.map_or(Ok(()), |device| write!(f, " for {device}"))
}
