//! Idempotency keys: the same key from the same publisher within a window is the same publication.

use crate::salt::Salted;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tidings_proto::id::Epoch;

/// How long keys are remembered, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Milliseconds.
    pub age_ms_max: u64,
    /// Keys. The oldest make room.
    pub keys_max: usize,
}

/// Where a publication went: what its answer is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The channel's name; `None` for an event that was sent to a user.
    pub channel: Option<Arc<str>>,
    /// The life of the stream.
    pub epoch: Epoch,
    /// The publication's place in it.
    pub offset: u64,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it is noted now, and whoever noted it tells how the publication goes on.
    New,
    /// Whoever noted it has not yet told where the publication went.
    Noted,
    /// The publication has its place and waits for the disk.
    UnderWay(Placed),
    /// The publication is done; where it should be stored, it is.
    Done(Placed),
}

/// Whose key.
pub type Publisher<'p> = Option<&'p str>;

/// The keys of the window, of all publishers.
#[derive(Debug)]
pub struct Keys {
    window: Window,
    known: HashMap<Arc<str>, Remembered, Salted>,
    /// By the order in which they were noted, with their numbers: a name may have failed, and be noted anew since.
    order: VecDeque<(Arc<str>, u64)>,
    noted: u64,
}

#[derive(Debug)]
struct Remembered {
    number: u64,
    at_ms: u64,
    known: Known,
}

/// The two in one: no user's id holds a line feed, and the host's is empty.
fn name_of(publisher: Publisher<'_>, key: &str) -> String {
    format!("{}\n{key}", publisher.unwrap_or_default())
}

impl Keys {
    /// No keys. `salt` is random.
    #[must_use]
    pub fn new(window: Window, salt: u64) -> Self {
        Self { window, known: HashMap::with_hasher(Salted::new(salt)), order: VecDeque::new(), noted: 0 }
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What is known of a key. One that is new is noted. `at_ms` never goes back.
    pub fn note(&mut self, publisher: Publisher<'_>, key: &str, at_ms: u64) -> Known {
        self.expire(at_ms);
        let name = name_of(publisher, key);
        if let Some(remembered) = self.known.get(&*name)
            && !self.is_over(remembered, at_ms)
        {
            return remembered.known.clone();
        }
        self.remember(name.into(), at_ms, Known::Noted);
        Known::New
    }

    /// How the publication goes on: [`Known::UnderWay`], then [`Known::Done`].
    pub fn tell(&mut self, publisher: Publisher<'_>, key: &str, known: Known) {
        if let Some(remembered) = self.known.get_mut(&*name_of(publisher, key)) {
            remembered.known = known;
        }
    }

    /// The publication is stored.
    pub fn done(&mut self, publisher: Publisher<'_>, key: &str) {
        if let Some(remembered) = self.known.get_mut(&*name_of(publisher, key))
            && let Known::UnderWay(placed) = &remembered.known
        {
            remembered.known = Known::Done(placed.clone());
        }
    }

    /// The publication failed: the same key may be tried again.
    pub fn forget(&mut self, publisher: Publisher<'_>, key: &str) {
        self.known.remove(&*name_of(publisher, key));
    }

    /// A key that was kept on disk, of a publication that was stored. Given in the order of their times.
    pub fn restore(&mut self, publisher: Publisher<'_>, key: &str, at_ms: u64, placed: Placed) {
        let name = name_of(publisher, key);
        if !self.known.contains_key(&*name) {
            self.remember(name.into(), at_ms, Known::Done(placed));
        }
    }

    /// One that waits for the disk is not over, however long that takes.
    fn is_over(&self, remembered: &Remembered, at_ms: u64) -> bool {
        matches!(remembered.known, Known::Done(_)) && at_ms.saturating_sub(remembered.at_ms) > self.window.age_ms_max
    }

    /// Lets the oldest go that are over. Behind one that is not, others wait, and count as over all the same.
    fn expire(&mut self, at_ms: u64) {
        while let Some((name, number)) = self.order.front() {
            let remembered = self.known.get(name).filter(|remembered| remembered.number == *number);
            if remembered.is_some_and(|remembered| !self.is_over(remembered, at_ms)) {
                return;
            }
            self.drop_oldest();
        }
        if self.known.capacity() > 0 {
            // Nothing is left, nor what a peak has taken.
            self.known.shrink_to_fit();
            self.order = VecDeque::new();
        }
    }

    fn remember(&mut self, name: Arc<str>, at_ms: u64, known: Known) {
        // Those that failed count as well, or a peer whose publications fail could make the order grow.
        // One that waits for the disk stays, or its end would be told to whoever has the key by then; as many as may wait
        // there are bounded by the bytes that may.
        while self.order.len() >= self.window.keys_max.max(1) && !self.is_oldest_under_way() {
            self.drop_oldest();
        }
        self.noted += 1;
        self.order.push_back((Arc::clone(&name), self.noted));
        self.known.insert(name, Remembered { number: self.noted, at_ms, known });
    }

    fn is_oldest_under_way(&self) -> bool {
        self.order.front().and_then(|(name, number)| Some((self.known.get(name)?, number))).is_some_and(
            |(remembered, number)| {
                remembered.number == *number && matches!(remembered.known, Known::Noted | Known::UnderWay(_))
            },
        )
    }

    fn drop_oldest(&mut self) {
        let Some((name, number)) = self.order.pop_front() else { return };
        if self.known.get(&name).is_some_and(|remembered| remembered.number == number) {
            self.known.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Known, Placed, Window};
    use tidings_proto::id::Epoch;

    fn placed(offset: u64) -> Placed {
        Placed { channel: None, epoch: Epoch(1), offset }
    }

    fn keys(keys_max: usize) -> Keys {
        Keys::new(Window { age_ms_max: 100, keys_max }, 7)
    }

    fn put(keys: &mut Keys, key: &str, at_ms: u64) {
        assert_eq!(keys.note(Some("alice"), key, at_ms), Known::New);
        keys.tell(Some("alice"), key, Known::Done(placed(at_ms)));
    }

    #[test]
    fn the_first_answer_is_given_again() {
        let mut keys = keys(10);
        assert_eq!(keys.note(Some("alice"), "k", 0), Known::New);
        assert_eq!(keys.note(Some("alice"), "k", 0), Known::Noted);
        keys.tell(Some("alice"), "k", Known::UnderWay(placed(3)));
        assert_eq!(keys.note(Some("alice"), "k", 1), Known::UnderWay(placed(3)));
        keys.done(Some("alice"), "k");
        assert_eq!(keys.note(Some("alice"), "k", 100), Known::Done(placed(3)));
        assert_eq!(keys.note(Some("alice"), "k", 101), Known::New);
    }

    #[test]
    fn keys_of_others_are_other_keys() {
        let mut keys = keys(10);
        put(&mut keys, "k", 0);
        assert_eq!(keys.note(Some("bob"), "k", 0), Known::New);
        assert_eq!(keys.note(None, "k", 0), Known::New);
        assert_eq!(keys.note(Some("alice"), "\nk", 0), Known::New);
    }

    #[test]
    fn what_failed_may_be_tried_again() {
        let mut keys = keys(10);
        assert_eq!(keys.note(None, "k", 0), Known::New);
        keys.forget(None, "k");
        assert_eq!(keys.note(None, "k", 50), Known::New);
        keys.tell(None, "k", Known::Done(placed(1)));
        // The time of the one that failed does not count.
        assert_eq!(keys.note(None, "k", 150), Known::Done(placed(1)));
    }

    #[test]
    fn what_waits_for_the_disk_is_not_forgotten_by_age() {
        let mut keys = keys(10);
        assert_eq!(keys.note(None, "k", 0), Known::New);
        keys.tell(None, "k", Known::UnderWay(placed(1)));
        assert_eq!(keys.note(None, "k", 5_000), Known::UnderWay(placed(1)));
    }

    #[test]
    fn one_that_waits_keeps_no_other_key_beyond_its_time() {
        let mut keys = keys(10);
        assert_eq!(keys.note(None, "waits", 0), Known::New);
        put(&mut keys, "k", 1);
        assert_eq!(keys.note(Some("alice"), "k", 101), Known::Done(placed(1)));
        put(&mut keys, "k", 102);
        keys.tell(None, "waits", Known::Done(placed(9)));
        assert_eq!(keys.note(Some("alice"), "k", 150), Known::Done(placed(102)), "the first went, the second stays");
        assert_eq!((keys.len(), keys.order.len()), (1, 1));
    }

    #[test]
    fn keys_that_were_kept_on_disk_are_done_and_bounded() {
        let mut keys = keys(2);
        for at_ms in 1..=3 {
            keys.restore(Some("alice"), &at_ms.to_string(), at_ms, placed(at_ms));
            keys.restore(Some("alice"), &at_ms.to_string(), at_ms + 50, placed(90));
        }
        assert_eq!(keys.len(), 2);
        assert_eq!(keys.note(Some("alice"), "3", 103), Known::Done(placed(3)));
        assert_eq!(keys.note(Some("alice"), "2", 103), Known::New, "its time counts from when it was noted");
        assert_eq!(keys.note(Some("alice"), "1", 103), Known::New);
    }

    #[test]
    fn the_oldest_make_room_and_failures_are_bounded_too() {
        let mut keys = keys(3);
        for at_ms in 0..5 {
            put(&mut keys, &at_ms.to_string(), at_ms);
        }
        assert_eq!(keys.len(), 3);
        assert_eq!(keys.note(Some("alice"), "4", 5), Known::Done(placed(4)));
        for turn in 0..1_000 {
            keys.note(None, &turn.to_string(), 5);
            keys.forget(None, &turn.to_string());
        }
        assert!(keys.order.len() <= 3);
    }

    #[test]
    fn memory_goes_back() {
        let mut keys = keys(1_000);
        for at_ms in 0..1_000 {
            put(&mut keys, &at_ms.to_string(), 0);
        }
        keys.note(None, "k", 101);
        keys.forget(None, "k");
        keys.note(None, "k", 102);
        assert_eq!(keys.len(), 1);
    }
}
