//! A session's looks at the past.

use super::Turn;
use crate::past::{too_many, unread, wish};
use crate::place::Failed;
use crate::wish::Asked;
use bytes::Bytes;
use std::sync::Arc;
use tidings_core::policy::Class;
use tidings_core::session::Look;
use tidings_core::stream::Delivery;

impl Turn<'_> {
    /// Answers what memory can tell, and has the reader answer what is on disk.
    pub(super) fn show_past(&mut self, id: u64, look: &Look<'_>) -> Result<(), Failed> {
        let (shared, outbox) = (self.shared, &self.conn.outbox);
        let wish = wish(&shared.settled, look)?;
        if let Some(store) = shared.store.as_ref().filter(|_| wish.policy.class == Class::Durable) {
            let asked = Asked { wish, to: Arc::clone(outbox), id };
            let waiting_max = shared.settled.limits.history_waiting_max;
            return if store.behind.ask(asked, waiting_max) { Ok(()) } else { Err(too_many()) };
        }
        // What was answered before counts for what waits.
        self.send_replies();
        let answer = wish.answer(shared, outbox, id)?;
        // Not as answers are enqueued that have room of their own: it is not to fill that.
        match self.fan.push(outbox, Bytes::from(answer)) {
            Delivery::Taken => Ok(()),
            Delivery::Full => Err(unread()),
        }
    }
}
