//! Who has received what: finds loss, duplicates, wrong order and wrong addressees.

use crate::driver::Receiver;
use crate::latency::Latencies;
use crate::marker::Mark;
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::fmt;

/// Most missing deliveries that are remembered one by one; further ones are counted as lost for good.
const MISSING_MAX: usize = 1_000_000;
/// Stands for "not of the run" in place of an expected sequence number.
const UNTRACKED: u64 = u64::MAX;

/// What went wrong with deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Deliveries that did not come.
    pub lost: u64,
    /// Deliveries that came again.
    pub duplicates: u64,
    /// Deliveries that came after one that was sent later.
    pub reordered: u64,
    /// Deliveries that were for somebody else.
    pub misdelivered: u64,
    /// Marks that nobody in this run sent.
    pub foreign: u64,
}

impl Faults {
    /// Whether there was any.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// For machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "lost": self.lost, "duplicates": self.duplicates, "reordered": self.reordered,
            "misdelivered": self.misdelivered, "foreign": self.foreign,
        })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, duplicates, reordered, misdelivered, foreign } = self;
        write!(
            f,
            "{lost} lost, {duplicates} duplicates, {reordered} out of order, {misdelivered} misdelivered, {foreign} not of \
             this run"
        )
    }
}

/// The book of a fan-out. Message `n` goes to channel `n % channels`, and to each of its subscribers in turn.
#[derive(Debug)]
pub struct Book {
    channels: u64,
    /// What each connection expects next, or [`UNTRACKED`].
    expected: Vec<u64>,
    members: Vec<u32>,
    /// Deliveries that each message from `first` on still lacks.
    remaining: VecDeque<u32>,
    first: u64,
    in_flight: usize,
    arrivals: u64,
    missing: HashSet<(usize, u64)>,
    faults: Faults,
    latencies: Latencies,
}

impl Book {
    /// A book of so many channels, without subscribers.
    #[must_use]
    pub fn new(channels: u32) -> Self {
        Self {
            channels: u64::from(channels),
            expected: Vec::new(),
            members: vec![0; channels as usize],
            remaining: VecDeque::new(),
            first: 0,
            in_flight: 0,
            arrivals: 0,
            missing: HashSet::new(),
            faults: Faults::default(),
            latencies: Latencies::default(),
        }
    }

    /// Adds the next connection: a subscriber of a channel whose deliveries count, or somebody else.
    pub fn add(&mut self, subscribed: Option<u32>) {
        self.expected.push(subscribed.map_or(UNTRACKED, u64::from));
        if let Some(channel) = subscribed {
            self.members[channel as usize] += 1;
        }
    }

    /// Whether a connection's deliveries count.
    #[must_use]
    pub fn tracks(&self, connection: usize) -> bool {
        self.expected.get(connection).is_some_and(|expected| *expected != UNTRACKED)
    }

    /// Enters a new message, and returns its number and channel.
    pub fn publish(&mut self) -> (u64, u32) {
        let sequence = self.first + self.remaining.len() as u64;
        let channel = (sequence % self.channels) as u32;
        let members = self.members[channel as usize];
        self.remaining.push_back(members);
        if members > 0 {
            self.in_flight += 1;
        }
        (sequence, channel)
    }

    /// Messages that somebody still lacks.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Deliveries so far.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Ends a run: returns its latencies and faults and begins anew. What has not come is lost.
    pub fn close_run(&mut self) -> (Latencies, Faults) {
        let missing: u64 = self.remaining.iter().map(|left| u64::from(*left)).sum();
        let mut faults = std::mem::take(&mut self.faults);
        faults.lost = faults.lost.max(missing);
        (std::mem::take(&mut self.latencies), faults)
    }

    fn settle(&mut self, mark: Mark, now_ns: u64) {
        self.arrivals += 1;
        self.latencies.record_ns(now_ns.saturating_sub(mark.due_ns));
        let Some(left) = mark.sequence.checked_sub(self.first).and_then(|at| self.remaining.get_mut(at as usize))
        else {
            return;
        };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.in_flight -= 1;
            while self.remaining.front() == Some(&0) {
                self.remaining.pop_front();
                self.first += 1;
            }
        }
    }

    fn unexpected(&mut self, connection: usize, expected: u64, mark: Mark, now_ns: u64) {
        if expected == UNTRACKED {
            return;
        }
        if mark.sequence >= self.first + self.remaining.len() as u64 {
            self.faults.foreign += 1;
        } else if mark.sequence % self.channels != expected % self.channels {
            self.faults.misdelivered += 1;
        } else if mark.sequence > expected {
            let mut sequence = expected;
            while sequence < mark.sequence && self.missing.len() < MISSING_MAX {
                self.missing.insert((connection, sequence));
                sequence += self.channels;
            }
            self.faults.lost += (mark.sequence - expected) / self.channels;
            self.expected[connection] = mark.sequence + self.channels;
            self.settle(mark, now_ns);
        } else if self.missing.remove(&(connection, mark.sequence)) {
            self.faults.lost -= 1;
            self.faults.reordered += 1;
            self.settle(mark, now_ns);
        } else {
            self.faults.duplicates += 1;
        }
    }
}

impl Receiver for Book {
    fn received(&mut self, connection: usize, mark: Mark, now_ns: u64) {
        let expected = self.expected.get(connection).copied().unwrap_or(UNTRACKED);
        let known = mark.sequence < self.first + self.remaining.len() as u64;
        if mark.sequence == expected && known {
            self.expected[connection] = expected + self.channels;
            self.settle(mark, now_ns);
        } else {
            self.unexpected(connection, expected, mark, now_ns);
        }
    }
}

#[cfg(test)]
mod tests;
