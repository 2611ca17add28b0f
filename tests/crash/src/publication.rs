//! What the rig publishes: every publication tells by its event who made it, and by its content that nothing changed it.

use serde_json::{Value, json};
use std::fmt;
use tidings_e2e::random::Random;

/// The namespace whose publications are on disk before they are called `stored`.
pub(crate) const NAMESPACE: &str = "messaging";

/// Largest data in bytes: 30 KiB, a little below what the namespace allows.
const DATA_BYTES_MAX: u64 = 30 * 1024;

/// One publication, for the whole life of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id {
    /// Which publisher made it.
    pub(crate) publisher: u16,
    /// Rises by one with each publication of the publisher.
    pub(crate) serial: u32,
}

impl Id {
    /// The name of the event that carries it.
    pub(crate) fn event(self) -> String {
        self.to_string()
    }

    /// The publication that an event of this name carries.
    pub(crate) fn of_event(event: &str) -> Option<Self> {
        let (publisher, serial) = event.strip_prefix('p')?.split_once('.')?;
        Some(Self { publisher: publisher.parse().ok()?, serial: serial.parse().ok()? })
    }

    /// Its data: a digit or a string of 2 bytes to 30 KiB, in JSON. The same for the same `seed`, so that what is read back
    /// can be compared to the last byte and need not be remembered.
    pub(crate) fn data(self, seed: u64) -> Value {
        let mut random = Random::new(seed ^ (u64::from(self.publisher) << 32 | u64::from(self.serial)));
        // Every power of two is as likely as every other: most are small, and some fill pages.
        let power = random.between(0, 15);
        let bytes = random.between(1 << power, 2 << power).min(DATA_BYTES_MAX);
        if bytes == 1 {
            return json!(random.between(0, 10));
        }
        let mut text = String::new();
        while (text.len() as u64) < bytes - 2 {
            text.push(char::from(b'a' + (random.number() % 26) as u8));
        }
        Value::String(text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}.{}", self.publisher, self.serial)
    }
}

/// Who a publisher is to the daemon.
pub(crate) fn publisher(index: u16) -> String {
    format!("publisher-{index}")
}

/// Where a publication goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Stream {
    /// A channel.
    Channel(u16),
    /// The inbox of a user.
    Inbox(u16),
}

impl Stream {
    /// The channel's name or the user's id.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Channel(index) => format!("{NAMESPACE}:crash-{index}"),
            Self::Inbox(index) => format!("user-{index}"),
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(_) => write!(f, "channel {}", self.name()),
            Self::Inbox(_) => write!(f, "the inbox of {}", self.name()),
        }
    }
}

/// What the publisher waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// That it is on disk.
    Stored,
    /// That the daemon has it.
    Accepted,
    /// Nothing: it goes without an id and is not answered.
    Nothing,
}

/// A publication as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Publication {
    /// Which.
    pub(crate) id: Id,
    /// Where it goes.
    pub(crate) stream: Stream,
    /// What is waited for.
    pub(crate) wait: Wait,
    /// Whether it carries an idempotency key, and so may be asked for again.
    pub(crate) is_keyed: bool,
}

impl Publication {
    /// The frame that asks for it with its data. Its id is the serial, so that an answer names the publication.
    pub(crate) fn frame(&self, data: Value) -> Value {
        let name = self.stream.name();
        let mut body = json!({"event": self.id.event(), "data": data});
        let command = match self.stream {
            Stream::Channel(_) => {
                body["channel"] = name.into();
                "publish"
            }
            Stream::Inbox(_) => {
                body["user"] = name.into();
                body["namespace"] = NAMESPACE.into();
                "send"
            }
        };
        if self.is_keyed {
            body["idempotency_key"] = self.id.event().into();
        }
        if self.wait == Wait::Stored {
            body["wait"] = "stored".into();
        }
        let mut frame = json!({command: body});
        if self.wait != Wait::Nothing {
            frame["id"] = self.id.serial.into();
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::{DATA_BYTES_MAX, Id};

    #[test]
    fn an_event_names_its_publication() {
        let id = Id { publisher: 3, serial: 1_842 };
        assert_eq!(Id::of_event(&id.event()), Some(id));
        assert_eq!(Id::of_event("p3"), None);
        assert_eq!(Id::of_event("there"), None);
    }

    #[test]
    fn data_is_repeatable_and_of_every_size() {
        let sizes: Vec<usize> = (0..2_000)
            .map(|serial| {
                let id = Id { publisher: 1, serial };
                assert_eq!(id.data(7), id.data(7));
                id.data(7).to_string().len()
            })
            .collect();
        let max = usize::try_from(DATA_BYTES_MAX).unwrap();
        assert!(sizes.contains(&1) && sizes.contains(&max) && sizes.iter().all(|bytes| (1..=max).contains(bytes)));
        assert!(sizes.iter().filter(|bytes| **bytes < 256).count() > 800, "most are small");
    }
}
