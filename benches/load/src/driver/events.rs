//! What comes to those who receive by server-sent events.

use super::{Driver, Receiver};
use crate::connection::{Join, Stage};
use memchr::memmem;

/// What ends an event.
const END: &[u8] = b"\n\n";

impl Driver {
    /// Handles all whole events in `bytes` and returns how much of it they are. As their marks are found without decoding,
    /// they need not be taken apart.
    pub(super) fn events(&mut self, number: usize, bytes: &[u8], now_ns: u64, receiver: &mut impl Receiver) -> usize {
        let Some(end) = memmem::rfind(bytes, END) else { return 0 };
        let events = &bytes[..end + END.len()];
        let marks =
            self.finder.each(events, self.options.payload_bytes, |mark| receiver.received(number, mark, now_ns));
        if marks > 0 {
            self.tally.deliveries += marks as u64;
            self.tally.frame_bytes = events.len() / marks;
        }
        if marks == 0 || self.connections[number].stage != Stage::Ready {
            self.told(number, events);
        }
        events.len()
    }

    /// Looks at events without a mark.
    fn told(&mut self, number: usize, events: &[u8]) {
        let says = |what: &str| memmem::find(events, what.as_bytes()).is_some();
        let last = match self.connections[number].seat.join {
            Join::Channel(_) => "\"subscribed\":",
            _ => "\"connected\":",
        };
        if self.connections[number].stage == Stage::Joining && says(last) {
            self.ready(number);
        }
        if says("{\"gap\":") {
            self.tally.gaps += 1;
        }
        if let Some(at) = memmem::find(events, b"{\"close\":") {
            let line = events[at..].split(|byte| *byte == b'\n').next().unwrap_or_default();
            self.lost(number, 1000, String::from_utf8_lossy(line).into_owned());
        }
    }
}
