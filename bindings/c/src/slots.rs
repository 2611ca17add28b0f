//! Things that are named by numbers, so that a name that is kept too long is found to be so.

/// What is held, each under an id of its own: the lower half is the place, the upper half how often that place was used.
/// No id is 0.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    held: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Holds one more and names it.
    pub(crate) fn add(&mut self, held: T) -> u64 {
        self.add_with(|_| held)
    }

    /// The same of what is made with its own id.
    pub(crate) fn add_with(&mut self, make: impl FnOnce(u64) -> T) -> u64 {
        let at = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, held: None });
            u32::try_from(self.places.len() - 1).expect("four thousand million of them would not fit into memory")
        });
        let place = &mut self.places[at as usize];
        // 0 is left out, so that no id is 0.
        place.generation = place.generation.checked_add(1).unwrap_or(1);
        let id = u64::from(place.generation) << 32 | u64::from(at);
        place.held = Some(make(id));
        id
    }

    fn place(&self, id: u64) -> Option<usize> {
        let (at, generation) = (usize::try_from(id & u64::from(u32::MAX)).ok()?, id >> 32);
        self.places.get(at).is_some_and(|place| u64::from(place.generation) == generation).then_some(at)
    }

    pub(crate) fn find(&self, id: u64) -> Option<&T> {
        self.places[self.place(id)?].held.as_ref()
    }

    pub(crate) fn find_mut(&mut self, id: u64) -> Option<&mut T> {
        let at = self.place(id)?;
        self.places[at].held.as_mut()
    }

    /// Holds it no longer. Its id is stale from now on.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let at = self.place(id)?;
        let held = self.places[at].held.take()?;
        self.free.push(u32::try_from(at).expect("it was made from one"));
        Some(held)
    }

    /// Everything that is held, for whoever ends it all.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        let ids: Vec<u64> = self.ids().collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    fn ids(&self) -> impl Iterator<Item = u64> {
        let held = self.places.iter().enumerate().filter(|(_, place)| place.held.is_some());
        held.map(|(at, place)| u64::from(place.generation) << 32 | at as u64)
    }

    #[cfg(test)]
    fn places(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn an_id_names_one_thing_and_no_later_one() {
        let mut slots = Slots::default();
        let first = slots.add("a");
        assert_eq!(slots.find(first), Some(&"a"));
        assert_eq!(slots.remove(first), Some("a"));
        assert_eq!(slots.remove(first), None);
        let second = slots.add("b");
        assert_ne!(first, second);
        assert_eq!((slots.find(first), slots.find(second), slots.places()), (None, Some(&"b"), 1));
        *slots.find_mut(second).unwrap() = "c";
        assert_eq!(slots.drain(), ["c"]);
        assert_eq!(slots.find(second), None);
    }

    #[test]
    fn what_never_was_an_id_names_nothing() {
        let mut slots = Slots::default();
        let id = slots.add(7);
        for other in [0, 1, id ^ 1, id ^ 1 << 32, u64::MAX, u64::from(u32::MAX)] {
            assert!(slots.find(other).is_none() && slots.find_mut(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_place_that_was_used_up_begins_anew_without_0() {
        let mut slots = Slots::default();
        let id = slots.add(1);
        slots.remove(id);
        slots.places[0].generation = u32::MAX;
        assert_eq!(slots.add(2), 1 << 32);
    }
}
