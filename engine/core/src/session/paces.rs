//! How fast a session is in each namespace that has a rate of its own.

use crate::policy::Policy;
use crate::rate::Meter;
use crate::time::Instant;
use std::sync::Arc;

/// A meter for each limited namespace that the session has published in: at most one for each that is declared. Boxed,
/// because most sessions need none.
#[derive(Debug, Default)]
pub(super) struct Paces(Option<Box<Paced>>);

type Paced = Vec<(Arc<Policy>, Meter)>;

impl Paces {
    /// Counts one more message in a namespace.
    ///
    /// # Errors
    /// The milliseconds to wait when this one comes too soon; it is then not counted.
    pub(super) fn take(&mut self, policy: &Arc<Policy>, now: Instant) -> Result<(), u64> {
        if policy.rate.number() == 0 {
            return Ok(());
        }
        let paces = self.0.get_or_insert_default();
        if let Some((_, meter)) = paces.iter_mut().find(|(paced, _)| Arc::ptr_eq(paced, policy)) {
            return meter.take(policy.rate, now);
        }
        let mut meter = Meter::default();
        let taken = meter.take(policy.rate, now);
        paces.push((Arc::clone(policy), meter));
        taken
    }
}
