//! Users by name: four bytes each, beside the users themselves.

use super::person::Person;
use super::slab::{Key, Slab};
use crate::salt::Salted;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::Arc;

/// All users, by number and by name.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) slab: Slab<Person>,
    names: HashTable<Key>,
    salt: Salted,
}

impl People {
    pub(crate) fn new(salt: u64) -> Self {
        Self { slab: Slab::default(), names: HashTable::new(), salt: Salted::new(salt) }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Key> {
        let is_it = |key: &Key| self.slab.find(*key).is_some_and(|person| *person.name == *name);
        self.names.find(self.salt.hash_one(name), is_it).copied()
    }

    /// The user of a name, made if there is none.
    pub(crate) fn find_or_add(&mut self, name: &Arc<str>) -> Key {
        if let Some(key) = self.find(name) {
            return key;
        }
        let key = self.slab.add(Person::new(Arc::clone(name)));
        let Self { slab, names, salt } = self;
        let hash = |key: &Key| slab.find(*key).map_or(0, |person| salt.hash_one(&*person.name));
        names.insert_unique(salt.hash_one(&**name), key, hash);
        key
    }

    pub(crate) fn remove(&mut self, key: Key) {
        let Some(person) = self.slab.find(key) else { return };
        if let Ok(found) = self.names.find_entry(self.salt.hash_one(&*person.name), |other| *other == key) {
            found.remove();
        }
        self.slab.remove(key);
        if self.names.is_empty() {
            self.names = HashTable::new();
        }
    }
}
