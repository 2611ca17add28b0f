//! Where channels stood that were forgotten, so that a position in one stays good when nothing has happened in it since.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use tidings_proto::id::{Epoch, Position};

/// The positions of channels that are no longer held, by a 64-bit hash of their names with a random key: two names that
/// meet are a chance of one in 2^64 for each pair, and nobody can look for one.
pub(crate) struct Forgotten {
    hasher: RandomState,
    positions: HashMap<u64, Position>,
    /// In the order in which they were forgotten.
    order: VecDeque<(u64, Epoch)>,
    channels_max: usize,
}

impl Forgotten {
    pub(crate) fn new(channels_max: usize) -> Self {
        Self { hasher: RandomState::new(), positions: HashMap::new(), order: VecDeque::new(), channels_max }
    }

    /// Remembers where a channel stood.
    pub(crate) fn remember(&mut self, name: &str, position: Position) {
        if self.channels_max == 0 {
            return;
        }
        while self.order.len() >= self.channels_max {
            let Some((hash, epoch)) = self.order.pop_front() else { break };
            if self.positions.get(&hash).is_some_and(|position| position.epoch == epoch) {
                self.positions.remove(&hash);
            }
        }
        let hash = self.hasher.hash_one(name);
        if self.positions.insert(hash, position).is_none_or(|before| before.epoch != position.epoch) {
            self.order.push_back((hash, position.epoch));
        }
    }

    /// Where a channel stood, for a look alone.
    pub(crate) fn position(&self, name: &str) -> Option<Position> {
        self.positions.get(&self.hasher.hash_one(name)).copied()
    }

    /// Where a channel stood. It is held again, so it is remembered no more.
    pub(crate) fn recall(&mut self, name: &str) -> Option<Position> {
        if self.positions.is_empty() {
            return None;
        }
        self.positions.remove(&self.hasher.hash_one(name))
    }
}

#[cfg(test)]
mod tests {
    use super::Forgotten;
    use tidings_proto::id::{Epoch, Position};

    const fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch: Epoch(epoch), offset }
    }

    #[test]
    fn a_channel_is_recalled_once() {
        let mut forgotten = Forgotten::new(10);
        forgotten.remember("a:b", at(1, 7));
        assert_eq!(forgotten.recall("a:c"), None);
        assert_eq!((forgotten.position("a:c"), forgotten.position("a:b")), (None, Some(at(1, 7))));
        assert_eq!(forgotten.recall("a:b"), Some(at(1, 7)));
        assert_eq!(forgotten.recall("a:b"), None);
        forgotten.remember("a:b", at(1, 9));
        assert_eq!(forgotten.recall("a:b"), Some(at(1, 9)));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut forgotten = Forgotten::new(2);
        for number in 1..=3 {
            forgotten.remember(&format!("a:{number}"), at(number, 1));
        }
        assert_eq!(forgotten.recall("a:1"), None);
        assert_eq!(forgotten.recall("a:3"), Some(at(3, 1)));
        for turn in 0..100 {
            forgotten.remember("a:2", at(2, turn));
            forgotten.recall("a:2");
        }
        assert!(forgotten.order.len() <= 2 && forgotten.positions.len() <= 2);
    }
}
