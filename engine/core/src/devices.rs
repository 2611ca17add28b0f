//! The devices of a user, and how far each has come in the user's inbox.

use crate::policy::Shelf;
use tidings_proto::kept::Device;

/// A seen device is written down again when this part of its time to live has passed.
const SEEN_PARTS: u64 = 30;

/// What a device acknowledges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark<'a> {
    pub(crate) name: &'a str,
    pub(crate) offset: u64,
    pub(crate) read: bool,
}

/// The devices of one user. At most [`Shelf::devices_max`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Devices(Vec<Device>);

impl Devices {
    pub(crate) const fn new(devices: Vec<Device>) -> Self {
        Self(devices)
    }

    pub(crate) fn list(&self) -> &[Device] {
        &self.0
    }

    /// A device comes. One that is not known has everything up to `before` and nothing behind it. Returns what it has,
    /// and whether something changed that must be written down.
    ///
    /// Sessions without a name get their place with the first acknowledgement: most of them never have a second session,
    /// and a place of their own would hold entries back for nobody.
    pub(crate) fn see(&mut self, name: &str, before: u64, shelf: &Shelf, wall_ms: u64) -> (u64, bool) {
        if let Some((delivered, changed)) = self.see_again(name, shelf, wall_ms) {
            return (delivered, changed);
        }
        if name.is_empty() {
            return (before, false);
        }
        self.add(name, before, shelf, wall_ms);
        (before, true)
    }

    /// What the user has read stays, whichever device goes for the new one.
    fn add(&mut self, name: &str, delivered: u64, shelf: &Shelf, wall_ms: u64) {
        let read = self.read();
        while self.0.len() >= shelf.devices_max.max(1) {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, device)| device.seen_at).map(|(at, _)| at);
            oldest.into_iter().for_each(|at| drop(self.0.swap_remove(at)));
        }
        self.0.reserve_exact(1);
        self.0.push(Device { name: name.into(), delivered, read, seen_at: wall_ms });
    }

    /// A device that is known is still there. Returns what it has, and whether something changed that must be written down.
    pub(crate) fn see_again(&mut self, name: &str, shelf: &Shelf, wall_ms: u64) -> Option<(u64, bool)> {
        let device = self.find(name)?;
        let stale = wall_ms >= device.seen_at.saturating_add(shelf.device_ttl_ms / SEEN_PARTS);
        if stale {
            device.seen_at = wall_ms;
        }
        Some((device.delivered, stale))
    }

    /// The device has everything up to an offset, and its user has read it where `read` says so. Nothing goes back.
    /// `before` is what nobody waits for any more. Returns whether anything moved.
    pub(crate) fn mark(&mut self, mark: Mark<'_>, before: u64, shelf: &Shelf, wall_ms: u64) -> bool {
        let Mark { name, offset, read } = mark;
        if self.find(name).is_none() {
            if offset <= before {
                return false;
            }
            // One without a name, or one that had to make room while it was connected.
            self.add(name, before, shelf, wall_ms);
        }
        let Some(device) = self.find(name) else { return false };
        let moved = offset > device.delivered || (read && offset > device.read);
        if moved {
            device.delivered = device.delivered.max(offset);
            device.seen_at = device.seen_at.max(wall_ms);
            if read {
                device.read = device.read.max(offset);
            }
        }
        moved
    }

    /// What the user has read, on whichever device.
    pub(crate) fn read(&self) -> u64 {
        self.0.iter().map(|device| device.read).max().unwrap_or(0)
    }

    /// What all of them have that still count, or `None` when none does: then nobody has anything.
    pub(crate) fn delivered_to_all(&self, shelf: &Shelf, wall_ms: u64) -> Option<u64> {
        let counts = |device: &&Device| wall_ms.saturating_sub(device.seen_at) <= shelf.device_ttl_ms;
        self.0.iter().filter(counts).map(|device| device.delivered).min()
    }

    fn find(&mut self, name: &str) -> Option<&mut Device> {
        self.0.iter_mut().find(|device| *device.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Devices, Mark};
    use crate::policy::{Keep, Overflow, Shelf};

    const SHELF: Shelf = Shelf {
        keep: Keep { entries_max: 10, bytes_max: 10_000, age_ms_max: 1_000 },
        overflow: Overflow::DropOldest,
        devices_max: 2,
        device_ttl_ms: 3_000,
    };

    fn ack(devices: &mut Devices, name: &str, offset: u64, read: bool) -> bool {
        devices.mark(Mark { name, offset, read }, 0, &SHELF, 2)
    }

    #[test]
    fn each_has_its_own_place() {
        let mut devices = Devices::default();
        assert_eq!(devices.see("phone", 0, &SHELF, 1), (0, true));
        assert_eq!(devices.see("tablet", 0, &SHELF, 1), (0, true));
        assert!(ack(&mut devices, "phone", 5, false));
        assert!(!ack(&mut devices, "phone", 5, false));
        assert!(!ack(&mut devices, "phone", 4, false));
        assert!(ack(&mut devices, "phone", 3, true));
        assert_eq!(devices.delivered_to_all(&SHELF, 2), Some(0));
        assert!(ack(&mut devices, "tablet", 2, true));
        assert_eq!(devices.delivered_to_all(&SHELF, 2), Some(2));
        assert_eq!((devices.read(), devices.see("phone", 0, &SHELF, 2)), (3, (5, false)));
    }

    #[test]
    fn sessions_without_a_name_have_a_place_from_their_first_acknowledgement_on() {
        let mut devices = Devices::default();
        assert_eq!(devices.see("", 3, &SHELF, 1), (3, false));
        assert_eq!(devices.delivered_to_all(&SHELF, 2), None);
        assert!(!ack(&mut devices, "", 0, true));
        assert!(devices.list().is_empty());
        assert!(ack(&mut devices, "", 5, false));
        assert_eq!(devices.see("", 3, &SHELF, 2), (5, false));
        assert_eq!(devices.delivered_to_all(&SHELF, 2), Some(5));
    }

    #[test]
    fn a_new_device_has_not_read_what_the_user_has_not() {
        let mut devices = Devices::default();
        devices.see("phone", 0, &SHELF, 1);
        assert!(ack(&mut devices, "phone", 2, false));
        devices.see("laptop", 2, &SHELF, 2);
        assert_eq!(devices.read(), 0);
        assert!(ack(&mut devices, "phone", 2, true));
        assert_eq!(devices.read(), 2);
    }

    #[test]
    fn who_had_to_make_room_while_connected_has_a_place_again() {
        let mut devices = Devices::default();
        for (at, name) in ["phone", "laptop", "tablet"].into_iter().enumerate() {
            devices.see(name, 0, &SHELF, at as u64);
        }
        assert!(ack(&mut devices, "phone", 4, false));
        let names: Vec<&str> = devices.list().iter().map(|device| &*device.name).collect();
        assert_eq!(names, ["tablet", "phone"]);
    }

    #[test]
    fn who_was_not_seen_for_long_holds_nothing_back_and_makes_room() {
        let mut devices = Devices::default();
        devices.see("old", 0, &SHELF, 0);
        devices.see("phone", 7, &SHELF, 2_000);
        assert_eq!(devices.delivered_to_all(&SHELF, 3_000), Some(0));
        assert_eq!(devices.delivered_to_all(&SHELF, 3_001), Some(7));
        devices.see("new", 9, &SHELF, 3_001);
        let names: Vec<&str> = devices.list().iter().map(|device| &*device.name).collect();
        assert_eq!(names, ["phone", "new"]);
    }

    #[test]
    fn being_seen_again_is_written_down_now_and_then() {
        let mut devices = Devices::default();
        devices.see("phone", 0, &SHELF, 1_000);
        assert_eq!(devices.see("phone", 0, &SHELF, 1_099), (0, false));
        assert_eq!(devices.see("phone", 0, &SHELF, 1_100), (0, true));
        assert_eq!(devices.see("phone", 0, &SHELF, 1_101), (0, false));
    }
}
