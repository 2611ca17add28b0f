//! Who takes part: channels, users and their devices.

use crate::history::Device;

/// Durable channels.
pub(crate) const CHANNELS: u16 = 4;

/// Users who are sent to.
pub(crate) const USERS: u16 = 120;

/// The first of them have devices that read and acknowledge under load, and are sent to more often.
pub(crate) const DEVICE_USERS: u16 = 6;

/// The last of them are read back by a device that was never there before.
pub(crate) const FRESH_USERS: u16 = 10;

/// Publishers.
pub(crate) const PUBLISHERS: u16 = 6;

/// The devices that read and acknowledge under load: a phone for every user of the first, a tablet too for every second.
pub(crate) fn busy_devices() -> Vec<Device> {
    let device = |user, name: &str| Device { user, name: name.into() };
    let mut devices: Vec<Device> = (0..DEVICE_USERS).map(|user| device(user, "phone")).collect();
    devices.extend((0..DEVICE_USERS).step_by(2).map(|user| device(user, "tablet")));
    devices
}

/// The devices by which inboxes are read back: the busy ones of those who have any; for the others one that never
/// acknowledges, known or, for the last, new each time (`round` tells them apart).
pub(crate) fn reading_devices(round: u64) -> Vec<Device> {
    let mut devices = busy_devices();
    devices.extend((DEVICE_USERS..USERS).map(|user| {
        let is_fresh = user >= USERS - FRESH_USERS;
        Device { user, name: if is_fresh { format!("new-{round}").into() } else { "reader".into() } }
    }));
    devices
}
