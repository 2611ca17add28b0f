//! Sessions by the numbers that a host knows them by.

use crate::slots::Slots;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tidings::inspect::SessionId;

/// The sessions that the host was told of, and those that may come back.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// How long a session keeps its number after its connection was lost.
    resumed_within: Duration,
    /// How many such sessions keep theirs.
    parted_max: usize,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    known: Slots<Known>,
    numbers: HashMap<SessionId, u64>,
    /// Sessions without a connection, the oldest first. One that has come back since, or has gone again, has another stamp.
    parted: VecDeque<(u64, u64)>,
    stamps: u64,
}

#[derive(Debug)]
struct Known {
    session: SessionId,
    /// Two for a moment, when one connection takes the session over from another.
    connections: u32,
    stamp: u64,
    /// `None` is so far away that no clock has it.
    until: Option<Instant>,
}

impl Sessions {
    pub(crate) fn new(resumed_within: Duration, parted_max: usize) -> Self {
        Self { resumed_within, parted_max, book: Mutex::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session has a connection. Returns its number: the one that it had before, if it comes back.
    pub(crate) fn opened(&self, session: SessionId) -> u64 {
        let mut book = self.book();
        book.tidy(self.parted_max);
        let number = book.number(session);
        if let Some(known) = book.known.find_mut(number) {
            known.connections += 1;
        }
        number
    }

    /// A connection of a session is over. Returns its number, 0 where nobody was told of it.
    pub(crate) fn closed(&self, session: SessionId) -> u64 {
        let mut book = self.book();
        book.tidy(self.parted_max);
        let Some(&number) = book.numbers.get(&session) else { return 0 };
        let Some(known) = book.known.find_mut(number) else { return 0 };
        known.connections = known.connections.saturating_sub(1);
        if known.connections == 0 {
            book.part(number, self.resumed_within);
        }
        number
    }

    /// The number of a session that was found by looking for it.
    pub(crate) fn number(&self, session: SessionId) -> u64 {
        let mut book = self.book();
        book.tidy(self.parted_max);
        if let Some(&number) = book.numbers.get(&session) {
            return number;
        }
        let number = book.number(session);
        // Its closing was told before, or its opening is about to be.
        book.part(number, self.resumed_within);
        number
    }

    /// The session of this number, if it is one's.
    pub(crate) fn find(&self, number: u64) -> Option<SessionId> {
        self.book().known.find(number).map(|known| known.session)
    }
}

impl Book {
    fn number(&mut self, session: SessionId) -> u64 {
        if let Some(&number) = self.numbers.get(&session) {
            return number;
        }
        let number = self.known.add(Known { session, connections: 0, stamp: 0, until: None });
        self.numbers.insert(session, number);
        number
    }

    /// From now on it is forgotten when its time is over.
    fn part(&mut self, number: u64, within: Duration) {
        self.stamps += 1;
        let stamp = self.stamps;
        if let Some(known) = self.known.find_mut(number) {
            known.stamp = stamp;
            known.until = Instant::now().checked_add(within);
            self.parted.push_back((number, stamp));
        }
    }

    /// Forgets sessions that cannot come back any more.
    fn tidy(&mut self, parted_max: usize) {
        while let Some(&(number, stamp)) = self.parted.front() {
            let known = self.known.find(number).filter(|known| known.stamp == stamp && known.connections == 0);
            if known.is_some_and(|known| known.until.is_none_or(|until| until > Instant::now()))
                && self.parted.len() <= parted_max
            {
                return;
            }
            self.parted.pop_front();
            if let Some(session) = known.map(|known| known.session) {
                self.known.remove(number);
                self.numbers.remove(&session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sessions;
    use std::time::Duration;
    use tidings::inspect::SessionId;

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_session_that_comes_back_keeps_its_number() {
        let sessions = Sessions::new(LONG, 10);
        let number = sessions.opened(SessionId(1));
        assert_eq!(sessions.closed(SessionId(1)), number);
        assert_eq!(sessions.find(number), Some(SessionId(1)));
        assert_eq!(sessions.opened(SessionId(1)), number);
        assert_ne!(sessions.opened(SessionId(2)), number);
    }

    #[test]
    fn a_session_that_is_taken_over_is_not_gone_with_its_first_connection() {
        let sessions = Sessions::new(Duration::ZERO, 10);
        let number = sessions.opened(SessionId(1));
        assert_eq!(sessions.opened(SessionId(1)), number);
        assert_eq!(sessions.closed(SessionId(1)), number);
        sessions.opened(SessionId(2));
        assert_eq!(sessions.find(number), Some(SessionId(1)));
    }

    #[test]
    fn a_session_that_cannot_come_back_is_stale() {
        let sessions = Sessions::new(Duration::ZERO, 10);
        let number = sessions.opened(SessionId(1));
        sessions.closed(SessionId(1));
        let other = sessions.opened(SessionId(2));
        assert_eq!(sessions.find(number), None);
        assert_ne!(other, number);
        assert_eq!(sessions.closed(SessionId(1)), 0);
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let sessions = Sessions::new(LONG, 3);
        for id in 0..100 {
            sessions.opened(SessionId(id));
            sessions.closed(SessionId(id));
        }
        sessions.opened(SessionId(1_000));
        let book = sessions.book();
        assert!(book.numbers.len() <= 5 && book.parted.len() <= 4, "{}", book.numbers.len());
    }
}
