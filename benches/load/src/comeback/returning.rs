//! The book of a comeback: who has got what of that which waited.

use crate::book::Faults;
use crate::command;
use crate::driver::{Driver, Receiver};
use crate::marker::Mark;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::HashSet;

/// Most missing entries that are remembered one by one.
const MISSING_MAX: usize = 1_000_000;

/// What `connected` told of an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Inbox {
    stream: u64,
    offset: u64,
    delivered: u64,
}

/// Those who come back, a connection each.
#[derive(Debug)]
pub(super) struct Returning {
    entries: u64,
    /// The last entry that each has.
    last: Vec<u64>,
    inboxes: Vec<Option<Inbox>>,
    greeted: usize,
    arrived: u64,
    missing: HashSet<(usize, u64)>,
    faults: Faults,
}

impl Returning {
    pub(super) fn new(users: u32, entries: u64) -> Self {
        Self {
            entries,
            last: vec![0; users as usize],
            inboxes: vec![None; users as usize],
            greeted: 0,
            arrived: 0,
            missing: HashSet::new(),
            faults: Faults::default(),
        }
    }

    /// Entries that came for the first time.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Users that the server has let in.
    pub(super) fn let_in(&self) -> usize {
        self.greeted
    }

    /// Whether everything came.
    pub(super) fn is_complete(&self) -> bool {
        self.arrived >= self.entries * self.last.len() as u64
    }

    /// What went wrong, in numbers.
    pub(super) fn faults(&self) -> Faults {
        let lost = self.entries * self.last.len() as u64 - self.arrived;
        Faults { lost, ..self.faults }
    }

    /// What went wrong beside that, in words.
    pub(super) fn failures(&self, gaps: u64) -> Vec<String> {
        let mut failures = Vec::new();
        if gaps > 0 {
            failures
                .push(format!("the server told {gaps} gaps (store.inbox.entries_max and bytes_max end what waits)"));
        }
        let fresh = |inbox: &Inbox| inbox.delivered == 0 && inbox.offset == self.entries;
        let odd = self.inboxes.iter().flatten().filter(|inbox| !fresh(inbox)).count();
        if odd > 0 {
            failures
                .push(format!("connected told {odd} users another inbox than offset {}, delivered 0", self.entries));
        }
        failures
    }

    /// What is wrong when nothing should have come.
    pub(super) fn failures_of_nothing(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let came = self.arrived + self.faults.duplicates + self.faults.misdelivered + self.faults.foreign;
        if came > 0 {
            failures.push(format!("{came} entries came again after all were acknowledged"));
        }
        let done = |inbox: &Inbox| inbox.delivered == self.entries && inbox.offset == self.entries;
        let odd = self.inboxes.iter().flatten().filter(|inbox| !done(inbox)).count();
        if odd > 0 {
            let entries = self.entries;
            failures
                .push(format!("after all was acknowledged, connected told {odd} users less than {entries} delivered"));
        }
        failures
    }

    /// Lets every user acknowledge the last of what came.
    pub(super) fn acknowledge(&self, driver: &mut Driver) -> Result<()> {
        for (number, inbox) in self.inboxes.iter().enumerate() {
            let Inbox { stream, offset, .. } = inbox.context("somebody was not let in and cannot acknowledge")?;
            driver.command(number, &command::ack(stream, offset))?;
        }
        Ok(())
    }

    fn unexpected(&mut self, connection: usize, sequence: u64) {
        let last = self.last[connection];
        if sequence > last {
            let missed = (last + 1..sequence).map(|sequence| (connection, sequence));
            self.missing.extend(missed.take(MISSING_MAX.saturating_sub(self.missing.len())));
            self.last[connection] = sequence;
            self.arrived += 1;
        } else if self.missing.remove(&(connection, sequence)) {
            self.faults.reordered += 1;
            self.arrived += 1;
        } else {
            self.faults.duplicates += 1;
        }
    }
}

impl Receiver for Returning {
    fn received(&mut self, connection: usize, mark: Mark, _: u64) {
        if mark.due_ns != connection as u64 {
            self.faults.misdelivered += 1;
        } else if !(1..=self.entries).contains(&mark.sequence) {
            self.faults.foreign += 1;
        } else if mark.sequence == self.last[connection] + 1 {
            self.last[connection] = mark.sequence;
            self.arrived += 1;
        } else {
            self.unexpected(connection, mark.sequence);
        }
    }

    fn greeted(&mut self, connection: usize, connected: &Value) {
        let number = |name: &str| connected["inbox"][name].as_u64().unwrap_or_default();
        let inbox = Inbox { stream: number("stream"), offset: number("offset"), delivered: number("delivered") };
        if self.inboxes[connection].replace(inbox).is_none() {
            self.greeted += 1;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::Returning;
    use crate::book::Faults;
    use crate::comeback::options::{ComebackOptions, Others};
    use crate::driver::Receiver as _;
    use crate::marker::Mark;
    use serde_json::json;

    pub(in crate::comeback) fn options(users: u32, entries: u64) -> ComebackOptions {
        ComebackOptions {
            users,
            entries,
            namespace: "messaging".to_owned(),
            payload_bytes: 128,
            parallel: 1,
            others: Others { subscribers: 0, namespace: "realtime".to_owned(), rate: 1.0, before_seconds: 0.0 },
        }
    }

    #[test]
    fn each_kind_of_fault_is_counted() {
        let mut returning = Returning::new(2, 4);
        let mut receive = |connection, user, sequence| {
            returning.received(connection, Mark { sequence, due_ns: user }, 0);
        };
        receive(0, 0, 1);
        receive(0, 0, 3);
        receive(0, 0, 2);
        receive(0, 0, 2);
        receive(0, 1, 1);
        receive(0, 0, 5);
        receive(1, 1, 1);
        receive(1, 1, 4);
        assert_eq!(returning.arrived(), 5);
        assert!(!returning.is_complete());
        assert_eq!(returning.faults(), Faults { lost: 3, duplicates: 1, reordered: 1, misdelivered: 1, foreign: 1 });
    }

    #[test]
    fn what_connected_tells_is_looked_at() {
        let greet = |delivered: u64| {
            let mut returning = Returning::new(1, 4);
            returning.greeted(0, &json!({"inbox": {"stream": 7, "offset": 4, "delivered": delivered}}));
            assert_eq!(returning.let_in(), 1);
            (returning.failures(0).is_empty(), returning.failures_of_nothing().is_empty())
        };
        assert_eq!(greet(0), (true, false));
        assert_eq!(greet(4), (false, true));
        assert_eq!(greet(3), (false, false));
    }
}
