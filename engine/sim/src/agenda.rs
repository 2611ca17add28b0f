//! What will happen, by virtual time; what happens at the same time does so in the order in which it was put down.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Events to come.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    heap: BinaryHeap<Due<E>>,
    count: u64,
}

#[derive(Debug)]
struct Due<E> {
    at_ms: u64,
    number: u64,
    event: E,
}

impl<E> Agenda<E> {
    pub(crate) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }

    pub(crate) fn add(&mut self, at_ms: u64, event: E) {
        self.count += 1;
        self.heap.push(Due { at_ms, number: self.count, event });
    }

    /// The next event and its time.
    pub(crate) fn next(&mut self) -> Option<(u64, E)> {
        self.heap.pop().map(|due| (due.at_ms, due.event))
    }
}

impl<E> Due<E> {
    const fn order(&self) -> (u64, u64) {
        (self.at_ms, self.number)
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        other.order().cmp(&self.order())
    }
}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl<E> Eq for Due<E> {}
