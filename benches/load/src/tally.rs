//! What happened beside the deliveries: closes, refusals, errors, gaps, answers.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One connection that the server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Which.
    pub connection: usize,
    /// The code of its close frame; 1005 when the frame had none, 1006 when there was no frame.
    pub code: u16,
    /// What was said with it.
    pub reason: String,
}

/// Counts of one driver since it was made.
#[derive(Debug, Default)]
pub struct Tally {
    /// Connections that are ready now.
    pub ready: usize,
    /// Connections that the server ended, in order.
    pub closed: Vec<Closed>,
    /// Errors that the server sent, by their words.
    pub errors: BTreeMap<String, u64>,
    /// `gap` frames.
    pub gaps: u64,
    /// Answers to messages that carried an id.
    pub answers: u64,
    /// Pings answered, control frames and the protocol's own.
    pub pings: u64,
    /// Marks received.
    pub deliveries: u64,
    /// Length of the last frame with a mark in it, head included.
    pub frame_bytes: usize,
}

impl Tally {
    /// Counts an error.
    pub fn error(&mut self, text: String) {
        *self.errors.entry(text).or_default() += 1;
    }

    /// How often each code and reason ended a connection for which `which` says yes.
    #[must_use]
    pub fn closes(&self, which: impl Fn(usize) -> bool) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for closed in self.closed.iter().filter(|closed| which(closed.connection)) {
            *counts.entry(format!("{} {}", closed.code, closed.reason).trim_end().to_owned()).or_default() += 1;
        }
        counts
    }

    /// For machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "closed": self.closes(|_| true),
            "errors": self.errors,
            "gaps": self.gaps,
            "answers": self.answers,
            "pings": self.pings,
        })
    }
}

/// What to do about something that a server said; empty when nothing is known.
#[must_use]
pub fn advice(said: &str) -> &'static str {
    let said = said.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["rate_limited", "flood", "429", "too many"]) {
        "Start the daemon with RATE_LIMIT_MESSAGES_PER_MINUTE=0."
    } else if has(&["unauthorized", "401", "3500", "token"]) {
        "Give the server's JWT_SECRET as --secret, or a token that it knows as --token (`tidingsd token --user load`)."
    } else if has(&["403", "origin"]) {
        "The server allows only certain origins; the driver sends none."
    } else if has(&["forbidden"]) {
        "The token lacks a right, or the namespace is not for clients to publish in: give --secret, or another --namespace."
    } else if has(&["503", "overloaded", "3004"]) {
        "Allow more connections in the server, or ask for fewer."
    } else if has(&["3501", "connect_timeout", "408"]) {
        "The driver could not keep up: use a smaller --parallel, or a core of its own."
    } else if has(&["404"]) {
        "The address needs the path of the WebSocket, as in ws://127.0.0.1:8080/ws."
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::{Closed, Tally, advice};

    #[test]
    fn closes_are_counted_by_code_and_reason() {
        let closed = |connection, code, reason: &str| Closed { connection, code, reason: reason.to_owned() };
        let tally = Tally {
            closed: vec![closed(1, 3002, "slow"), closed(2, 1006, ""), closed(3, 3002, "slow")],
            ..Tally::default()
        };
        let all: Vec<_> = tally.closes(|_| true).into_iter().collect();
        assert_eq!(all, [("1006".to_owned(), 1), ("3002 slow".to_owned(), 2)]);
        assert_eq!(tally.closes(|connection| connection == 2).len(), 1);
    }

    #[test]
    fn a_rate_limit_is_explained() {
        assert!(advice("2006 rate_limited: too many messages").contains("RATE_LIMIT_MESSAGES_PER_MINUTE=0"));
        assert!(advice("something else").is_empty());
    }
}
