//! The sessions that are open, by id. No guard of the map leaves this file.

use crate::conn::Conn;
use dashmap::DashSet;
use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidings_proto::id::SessionId;

/// A connection, found by its id. The set of them is a third of a map from ids: it holds nothing that they hold already.
struct ById(Arc<Conn>);

impl Borrow<SessionId> for ById {
    fn borrow(&self) -> &SessionId {
        self.0.outbox.session_ref()
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<SessionId>::borrow(self).hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.outbox.session() == other.0.outbox.session()
    }
}

impl Eq for ById {}

/// All open connections, up to a limit.
pub(crate) struct Sessions {
    conns: DashSet<ById>,
    count: AtomicUsize,
    connections_max: usize,
}

impl Sessions {
    pub(crate) fn new(connections_max: usize) -> Self {
        Self { conns: DashSet::new(), count: AtomicUsize::new(0), connections_max }
    }

    /// Takes a place. False when there is none left.
    pub(crate) fn reserve(&self) -> bool {
        let taken = self.count.fetch_add(1, Ordering::AcqRel);
        if taken >= self.connections_max {
            self.count.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        true
    }

    /// Adds a connection for which a place was taken.
    pub(crate) fn add(&self, conn: &Arc<Conn>) {
        self.conns.insert(ById(Arc::clone(conn)));
    }

    pub(crate) fn remove(&self, id: SessionId) {
        if self.conns.remove(&id).is_some() {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
    }

    pub(crate) fn find(&self, id: SessionId) -> Option<Arc<Conn>> {
        self.conns.get(&id).map(|conn| Arc::clone(&conn.0))
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(crate) fn ids(&self) -> Vec<SessionId> {
        self.conns.iter().map(|conn| conn.0.outbox.session()).collect()
    }
}
