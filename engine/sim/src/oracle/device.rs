//! What is owed to a device of a user.

/// A device of a user, as the server has seen it.
#[derive(Debug, Clone, Default)]
pub(super) struct Device {
    /// When it was last connected, on the wall clock.
    seen_ms: u64,
    /// When it was last connected, as the disk knows it, if it does.
    pub(super) registered_ms: Option<u64>,
    /// A crash came before the disk knew it.
    pub(super) is_forgotten: bool,
    /// It was away for too long, or forgotten: it is owed nothing up to here.
    pub(super) forgotten_up_to: u64,
}

impl Device {
    /// It is connected at `now_ms` on a clock that has been at `furthest_ms`.
    pub(super) fn seen(&mut self, now_ms: u64, furthest_ms: u64, ttl_ms: u64, last: u64) {
        if self.is_away(furthest_ms, ttl_ms) || self.is_forgotten {
            self.forgotten_up_to = last;
            self.is_forgotten = false;
        }
        self.seen_ms = now_ms;
    }

    pub(super) fn is_away(&self, furthest_ms: u64, ttl_ms: u64) -> bool {
        // Being seen is written down now and then.
        furthest_ms.saturating_sub(self.seen_ms) > ttl_ms - ttl_ms / 15
    }

    /// The memory is gone: a device that the disk does not know is as new.
    pub(super) fn crashed(&mut self) {
        self.is_forgotten |= self.registered_ms.is_none();
        self.seen_ms = self.registered_ms.map_or(self.seen_ms, |registered_ms| self.seen_ms.min(registered_ms));
    }
}
