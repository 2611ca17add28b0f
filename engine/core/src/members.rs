//! The members of a stream: a dense table with stable slots, sixteen bytes a member.

/// Where a member stands. Stays the same until the member leaves.
pub type Slot = u32;

/// One place of the table. `mark` of a member is the first offset that it still has to get, or 0; of a free place, the
/// next free place plus one, or 0.
#[derive(Debug)]
struct Place<S> {
    to: Option<S>,
    mark: u64,
}

/// Members and the free places between them.
#[derive(Debug)]
pub(crate) struct Members<S> {
    places: Vec<Place<S>>,
    count: usize,
    free: u64,
}

impl<S> Default for Members<S> {
    fn default() -> Self {
        Self { places: Vec::new(), count: 0, free: 0 }
    }
}

/// A member as it is visited.
pub(crate) struct Member<'a, S> {
    pub(crate) to: &'a S,
    /// The first offset that this member still has to get; 0 when it is up to date.
    pub(crate) behind: &'a mut u64,
}

impl<S> Members<S> {
    pub(crate) fn add(&mut self, to: S, behind: u64) -> Slot {
        self.count += 1;
        let place = Place { to: Some(to), mark: behind };
        let Some(at) = self.free.checked_sub(1).and_then(|at| usize::try_from(at).ok()) else {
            if self.places.is_empty() {
                self.places.reserve_exact(1);
            }
            self.places.push(place);
            return Slot::try_from(self.places.len() - 1).expect("a process has fewer than 2^32 connections");
        };
        self.free = self.places[at].mark;
        self.places[at] = place;
        Slot::try_from(at).expect("slots are below 2^32")
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<(S, u64)> {
        let place = self.places.get_mut(slot as usize)?;
        let to = place.to.take()?;
        let behind = std::mem::replace(&mut place.mark, self.free);
        self.free = u64::from(slot) + 1;
        self.count -= 1;
        if self.count == 0 {
            *self = Self::default();
        }
        Some((to, behind))
    }

    pub(crate) fn member(&mut self, slot: Slot) -> Option<Member<'_, S>> {
        let Place { to: Some(to), mark } = self.places.get_mut(slot as usize)? else { return None };
        Some(Member { to, behind: mark })
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = Member<'_, S>> {
        self.places.iter_mut().filter_map(|place| match place {
            Place { to: Some(to), mark } => Some(Member { to, behind: mark }),
            Place { to: None, .. } => None,
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &S> {
        self.places.iter().filter_map(|place| place.to.as_ref())
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::Members;

    #[test]
    fn slots_are_stable_and_used_again() {
        let mut members = Members::default();
        let slots: Vec<_> = (0..4).map(|name| members.add(name, 0)).collect();
        assert_eq!(members.remove(slots[1]).map(|(to, _)| to), Some(1));
        assert!(members.remove(slots[1]).is_none());
        assert_eq!(members.len(), 3);
        assert_eq!(members.add(9, 0), slots[1]);
        assert_eq!(members.iter().copied().collect::<Vec<_>>(), [0, 9, 2, 3]);
        for slot in slots {
            members.remove(slot);
        }
        assert_eq!(members.iter().count(), 0);
    }

    #[test]
    fn a_member_costs_sixteen_bytes() {
        assert_eq!(size_of::<super::Place<std::sync::Arc<u8>>>(), 16);
    }
}
