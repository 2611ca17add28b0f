//! Values with short numbers, in pages, so that growing moves nothing and wastes at most a page.

const PAGE: usize = 256;

/// Where a value is. Stays the same until it is taken out.
pub(crate) type Key = u32;

/// No value.
pub(crate) const NONE: Key = Key::MAX;

/// The values.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pages: Vec<Vec<Option<T>>>,
    free: Vec<Key>,
    count: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), free: Vec::new(), count: 0 }
    }
}

impl<T> Slab<T> {
    pub(crate) fn add(&mut self, value: T) -> Key {
        self.count += 1;
        if let Some(key) = self.free.pop() {
            *self.place(key).expect("a free key is a place that was taken before") = Some(value);
            return key;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let full = (self.pages.len() - 1) * PAGE;
        let page = self.pages.last_mut().expect("one was added if there was none");
        page.push(Some(value));
        Key::try_from(full + page.len() - 1).expect("fewer than 2^32 fit into memory")
    }

    fn place(&mut self, key: Key) -> Option<&mut Option<T>> {
        self.pages.get_mut(key as usize / PAGE)?.get_mut(key as usize % PAGE)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let value = self.place(key)?.take()?;
        self.count -= 1;
        self.free.push(key);
        if self.count == 0 {
            // After a peak the memory goes back.
            *self = Self::default();
        }
        Some(value)
    }

    pub(crate) fn find(&self, key: Key) -> Option<&T> {
        self.pages.get(key as usize / PAGE)?.get(key as usize % PAGE)?.as_ref()
    }

    pub(crate) fn find_mut(&mut self, key: Key) -> Option<&mut T> {
        self.place(key)?.as_mut()
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn keys_are_stable_and_used_again() {
        let mut slab = Slab::default();
        let keys: Vec<_> = (0..1_000).map(|value| slab.add(value)).collect();
        assert_eq!(slab.remove(keys[300]), Some(300));
        assert_eq!(slab.remove(keys[300]), None);
        assert_eq!(slab.find(keys[999]), Some(&999));
        assert_eq!(slab.add(-1), keys[300]);
        assert_eq!(slab.len(), 1_000);
        for key in keys {
            slab.remove(key);
        }
        assert_eq!(slab.len(), 0);
        assert_eq!(slab.add(7), 0);
    }
}
