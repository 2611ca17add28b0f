//! When a gap is right: what is missing was too old, too much, or held back for nobody.

use super::Oracle;
use super::line::{Line, Placement};
use crate::name::StreamName;
use crate::trace::{About, Violation};
use std::sync::Arc;
use tidings_core::policy::{Class, Keep};
use tidings_proto::id::Epoch;

impl Oracle {
    /// A client is told that the offsets `from` to `to` will not come.
    pub(crate) fn gap(
        &mut self,
        client: (usize, &Arc<str>, &str),
        stream: &StreamName,
        epoch: Epoch,
        offsets: (u64, u64),
    ) -> Result<(), Violation> {
        let (client, user, device) = client;
        self.tally.gaps += 1;
        let class = self.class(stream);
        let policy = self.plan.policy(stream);
        let Some(line) = self.lines.get(stream) else { return Ok(()) };
        let (from, to) = offsets;
        for offset in from..=to {
            let Some(entry) = line.at(epoch.0, offset) else { continue };
            let is_right = match class {
                Class::Ephemeral => true,
                Class::Durable => {
                    let keep = policy.shelf.keep;
                    let is_old = self.wall_ms.saturating_sub(entry.at) > keep.age_ms_max;
                    is_old || is_above(line, epoch, offset, &keep, |entry| entry.disk_bytes)
                }
                _ => {
                    let is_old = self.now.instant.0.saturating_sub(entry.taken_ms) > policy.keep.age_ms_max;
                    is_old || is_above(line, epoch, offset, &policy.keep, |entry| entry.memory_bytes)
                }
            };
            let is_right = is_right || (stream.is_inbox() && self.is_nobodys(user, device, offset));
            if !is_right {
                let what = format!("a gap from {from} to {to} is told, but {offset} was within the bounds");
                return Err(Violation::new(About::both(client, stream), what));
            }
        }
        Ok(())
    }

    /// Whether an entry was not held back for this device.
    fn is_nobodys(&self, user: &Arc<str>, device: &str, offset: u64) -> bool {
        if device.is_empty() {
            // Sessions without a name have a place in common, and none before one of them acknowledges.
            return true;
        }
        let shelf = self.plan.inbox.shelf;
        let devices = self.plan.users.iter().zip(&self.plan.devices).find(|(known, _)| *known == user);
        if devices.is_some_and(|(_, devices)| *devices > shelf.devices_max) {
            return true;
        }
        self.devices.get(&(Arc::clone(user), device.into())).is_none_or(|device| {
            device.is_away(self.wall_ms, shelf.device_ttl_ms) || device.is_forgotten || offset <= device.forgotten_up_to
        })
    }

    /// Whether a device need not find everything behind what it acknowledged.
    pub(crate) fn may_be_new(&self, user: &Arc<str>, device: &str, offset: u64) -> bool {
        self.is_nobodys(user, device, offset)
    }
}

fn is_above(line: &Line, epoch: Epoch, offset: u64, keep: &Keep, bytes: impl Fn(&Placement) -> u64) -> bool {
    let here = line.at(epoch.0, offset).map_or(0, &bytes);
    let (mut count, mut sum) = (1, here);
    for later in line.behind(epoch.0, offset) {
        count += 1;
        sum += bytes(later);
    }
    count > keep.entries_max || sum > keep.bytes_max as u64
}
