//! What happened before a crash, in the order in which the rig came to know it.

use crate::publication::{Id, Publication, Stream};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// A device of a user, whose place in the inbox the daemon keeps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Device {
    /// The user.
    pub(crate) user: u16,
    /// What it calls itself.
    pub(crate) name: Arc<str>,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, Stream::Inbox(self.user).name())
    }
}

/// An entry's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The life of the stream that the offset counts in.
    pub(crate) epoch: u64,
    /// The entry's offset.
    pub(crate) offset: u64,
}

/// What the daemon said about a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is on disk; where, if it went to a channel.
    Stored(Option<Place>),
    /// The daemon has it; where, if it went to a channel.
    Accepted(Option<Place>),
    /// It was refused with this code.
    Refused(u64),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A publication is about to be asked for, the first time or again.
    Asked(Publication),
    /// It was answered.
    Answered(Id, Answer),
    /// An entry came to a subscriber or a device.
    Received {
        /// In which stream.
        stream: Stream,
        /// Where it stands there.
        place: Place,
        /// Which publication it is.
        id: Id,
    },
    /// A device is about to acknowledge everything up to an offset.
    Acknowledged {
        /// Which device.
        device: Device,
        /// Up to here.
        offset: u64,
    },
}

/// Writes down what happens. Clones write to the same book.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    events: Arc<Mutex<Vec<Event>>>,
    counts: watch::Sender<Counts>,
}

/// How often something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Answers of every kind.
    pub(crate) answers: usize,
    /// Answers that say `stored`.
    pub(crate) stored: usize,
    /// Answers that refuse.
    pub(crate) refused: usize,
}

impl Recorder {
    /// An empty book.
    pub(crate) fn new() -> Self {
        Self { events: Arc::default(), counts: watch::Sender::new(Counts::default()) }
    }

    /// Writes one thing down.
    pub(crate) fn record(&self, event: Event) {
        let answer = if let Event::Answered(_, answer) = event { Some(answer) } else { None };
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        // Counted after it is written down: who waits for the count finds it in the book.
        if let Some(answer) = answer {
            self.counts.send_modify(|counts| {
                counts.answers += 1;
                counts.stored += usize::from(matches!(answer, Answer::Stored(_)));
                counts.refused += usize::from(matches!(answer, Answer::Refused(_)));
            });
        }
    }

    /// How much is written down: what comes later happened later.
    pub(crate) fn mark(&self) -> usize {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes everything, and begins an empty book.
    pub(crate) fn take(&self) -> Vec<Event> {
        self.counts.send_replace(Counts::default());
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often things happened since the book was begun.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until `is_enough`.
    pub(crate) async fn until(&self, mut is_enough: impl FnMut(&Counts) -> bool) {
        let mut counts = self.counts.subscribe();
        // The sender lives in `self`, so this ends by having enough alone.
        let _ = counts.wait_for(|counts| is_enough(counts)).await;
    }
}
