//! What a client publishes, and tries again.

use super::link::Asked;
use super::{Client, Pending};
use crate::body;
use crate::frames::{Failure, Level};
use crate::name::StreamName;
use crate::oracle::Oracle;
use crate::plan::RETRY_MS;
use crate::trace::Violation;
use serde_json::json;
use tidings_core::policy::Class;
use tidings_proto::code::Code;
use tidings_proto::id::Epoch;

/// An unanswered publication is sent again after this time.
const AGAIN_MS: u64 = 2_500;

impl Client {
    pub(super) fn publish(&mut self, at: usize, oracle: &mut Oracle, now_ms: u64) {
        let burst = if self.random.chance(50) { self.random.between(5, 30) } else { 1 };
        for _ in 0..burst {
            self.publish_one(at, oracle, now_ms);
        }
    }

    fn publish_one(&mut self, at: usize, oracle: &mut Oracle, now_ms: u64) {
        let stream = self.target();
        let class = oracle.class(&stream);
        let passes = class != Class::Ephemeral && self.random.chance(80);
        let is_ephemeral = passes || class == Class::Ephemeral;
        let waits_for_store = class == Class::Durable && !passes && self.random.chance(700);
        let retries = !is_ephemeral && self.random.chance(750);
        let n = oracle.publish(stream.clone(), passes);
        let pad_bytes = match self.random.below(20) {
            0 => self.random.index(3_000),
            _ => self.random.index(150),
        };
        let mut fields = json!({ "event": "E", "data": body::write(n, pad_bytes) });
        if passes {
            fields["class"] = json!("ephemeral");
        }
        if waits_for_store {
            fields["wait"] = json!("stored");
        }
        if retries {
            fields["idempotency_key"] = json!(format!("key-{n}"));
        }
        let command = if stream.is_inbox() {
            fields["user"] = json!(*stream.name);
            fields["namespace"] = json!("durable");
            json!({ "send": fields })
        } else {
            fields["channel"] = json!(*stream.name);
            if class == Class::Latest {
                fields["key"] = json!(format!("value-{}", self.random.below(5)));
            }
            json!({ "publish": fields })
        };
        let pending =
            Pending { stream, command: command.clone(), waits_for_store, retries, first_ms: now_ms, sent_ms: now_ms };
        self.pending.insert(n, pending);
        self.ask(at, command, Asked::Publish(n));
    }

    fn target(&mut self) -> StreamName {
        if self.random.chance(400) {
            let user = &self.plan.users[self.random.index(self.plan.users.len())];
            return StreamName::inbox(user);
        }
        let channel = &self.plan.channels[self.random.index(self.plan.channels.len())];
        StreamName::channel(channel)
    }

    /// Sends again what is not answered, with the same key. What cannot be sent again is let go.
    pub(super) fn retry(&mut self, at: usize, now_ms: u64) {
        self.pending.retain(|_, pending| {
            let patience_ms = if pending.retries { RETRY_MS } else { AGAIN_MS };
            now_ms < pending.first_ms + patience_ms
        });
        let due: Vec<usize> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.retries && now_ms >= pending.sent_ms + AGAIN_MS)
            .map(|(n, _)| *n)
            .collect();
        for n in due {
            let Some(pending) = self.pending.get_mut(&n) else { continue };
            pending.sent_ms = now_ms;
            let command = pending.command.clone();
            self.ask(at, command, Asked::Publish(n));
        }
    }

    /// After a new connection everything unanswered is due.
    pub(super) fn retry_soon(&mut self) {
        for pending in self.pending.values_mut() {
            pending.sent_ms = 0;
        }
    }

    pub(super) fn answered(
        &mut self,
        n: usize,
        level: Level,
        place: Option<(Epoch, u64)>,
        oracle: &mut Oracle,
    ) -> Result<(), Violation> {
        let Some(pending) = self.pending.remove(&n) else { return Ok(()) };
        if pending.retries && pending.sent_ms != pending.first_ms {
            oracle.tally.retried += 1;
        }
        match (level, pending.waits_for_store) {
            (Level::Stored, true) => oracle.stored(self.who.index, n, place),
            (Level::Accepted, false) => Ok(()),
            _ => self.violation(&pending.stream, format!("publication {n} is answered as {level:?}")),
        }
    }

    pub(super) fn refused(&mut self, n: usize, failure: &Failure, now_ms: u64, oracle: &mut Oracle) {
        if failure.code == Code::Busy.number() {
            oracle.tally.busy += 1;
        }
        if let Some(pending) = self.pending.get_mut(&n) {
            pending.sent_ms = now_ms;
            // A stream that is full stays so for a while.
            if !pending.retries || failure.code == Code::Limit.number() {
                self.pending.remove(&n);
            }
        }
    }
}
