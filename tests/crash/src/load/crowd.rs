//! Who makes up a load.

use super::Load;
use super::phone::Phone;
use super::publisher::Publisher;
use super::subscriber::{self, Since};
use crate::cast::{CHANNELS, PUBLISHERS, busy_devices};
use crate::model::Model;
use crate::publication::Stream;
use tidings_e2e::random::Random;

/// Subscribers of all channels.
const SUBSCRIBERS: u16 = 3;

/// Publications of one publisher that wait for their answer at most.
const WINDOWS: [usize; 4] = [1, 4, 16, 64];

/// Connects all devices, then lets subscribers and publishers in.
///
/// # Errors
/// When the daemon does not let a device in.
pub(crate) async fn join(load: &mut Load, model: &Model, random: &mut Random) -> anyhow::Result<()> {
    // All of them are there before the first entry: what one device acknowledges is kept for the others.
    for device in busy_devices() {
        let phone = Phone::connect(&load.scene(), device, fork(random)).await?;
        load.add(phone.run(load.scene()));
    }
    for index in 0..SUBSCRIBERS {
        let channels = (0..CHANNELS).map(Stream::Channel);
        let since = |stream: Stream| -> Since {
            // From the beginning, so that it reads what is kept while more is written.
            (stream, model.epoch(stream).filter(|_| index == 0))
        };
        load.add(subscriber::run(load.scene(), index, channels.map(since).collect(), fork(random)));
    }
    publish(load, model, random);
    Ok(())
}

/// Lets publishers in.
pub(crate) fn publish(load: &mut Load, model: &Model, random: &mut Random) {
    for index in 0..PUBLISHERS {
        let mut random = fork(random);
        let window = WINDOWS[random.between(0, WINDOWS.len() as u64) as usize];
        let publisher = Publisher { index, serial: model.next_serial(index), window, random };
        load.add(publisher.run(load.scene()));
    }
}

/// Another chance for somebody, so that nobody's choices depend on who is faster.
fn fork(random: &mut Random) -> Random {
    Random::new(random.number())
}
