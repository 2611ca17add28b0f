//! Publishes to channels and sends to users, many at a time.

use super::{Scene, codec};
use crate::cast::{CHANNELS, DEVICE_USERS, USERS};
use crate::connection::{self, Reader, Who, Writer};
use crate::frame;
use crate::history::Event;
use crate::publication::{Id, Publication, Stream, Wait, publisher};
use anyhow::Context;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tidings_e2e::random::Random;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Frames in one message at most.
const BATCH_MAX: u64 = 8;

/// Bytes of data from which on no more is put into a message: the last one in it may have 30 KiB, and a daemon takes
/// messages of 64.
const BATCH_BYTES_MAX: usize = 24 * 1024;

/// Longest time that a publisher waits when it is told to try again later.
const PAUSE_MS_MAX: u64 = 200;

/// Who publishes, and how.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    /// Its number.
    pub(crate) index: u16,
    /// The serial of its next publication.
    pub(crate) serial: u32,
    /// Publications that wait for an answer at most.
    pub(crate) window: usize,
    /// Its chance.
    pub(crate) random: Random,
}

/// What the two directions of one publisher share.
struct Shared {
    scene: Scene,
    index: u16,
    /// One permit for each publication that may still go out.
    room: Semaphore,
    /// How long to wait before the next one.
    pause_ms: AtomicU64,
}

impl Publisher {
    /// Publishes until the connection ends.
    ///
    /// # Errors
    /// Why it ended, or what was answered that a daemon does not answer.
    pub(crate) async fn run(mut self, scene: Scene) -> anyhow::Result<()> {
        let user = publisher(self.index);
        let who = Who { user: &user, device: None, codec: codec(&mut self.random) };
        let (writer, reader, _) = connection::open(scene.address, who).await?;
        let (room, pause_ms) = (Semaphore::new(self.window), AtomicU64::new(0));
        let shared = Shared { scene, index: self.index, room, pause_ms };
        let read = shared.read(reader);
        // What had been answered when the connection ended is still read.
        let (written, read) = tokio::join!(self.write(&shared, writer), read);
        read.and(written).with_context(|| user.clone())
    }

    async fn write(&mut self, shared: &Shared, mut writer: Writer) -> anyhow::Result<()> {
        loop {
            sleep(Duration::from_millis(shared.pause_ms.swap(0, Ordering::Relaxed))).await;
            let mut frames = Vec::new();
            let mut bytes = 0;
            let frames_max = self.random.between(1, BATCH_MAX + 1) as usize;
            while frames.len() < frames_max && bytes < BATCH_BYTES_MAX {
                let publication = self.next();
                if publication.wait != Wait::Nothing {
                    let permit = if frames.is_empty() {
                        shared.room.acquire().await.context("the connection ended")?
                    } else if let Ok(permit) = shared.room.try_acquire() {
                        permit
                    } else {
                        // What is in the batch must go out before an answer can make room.
                        break;
                    };
                    permit.forget();
                }
                self.serial += 1;
                let data = publication.id.data(shared.scene.seed);
                bytes += data.as_str().map_or(1, str::len);
                shared.scene.recorder.record(Event::Asked(publication));
                frames.push(publication.frame(data));
            }
            writer.send(&frames).await?;
        }
    }

    /// What it would publish next.
    fn next(&self) -> Publication {
        let mut random = Random::new(self.random.clone().number() ^ u64::from(self.serial));
        let index = |random: &mut Random, count: u16| random.between(0, count.into()) as u16;
        let stream = match random.between(0, 100) {
            0..55 => Stream::Channel(index(&mut random, CHANNELS)),
            55..75 => Stream::Inbox(index(&mut random, DEVICE_USERS)),
            _ => Stream::Inbox(index(&mut random, USERS)),
        };
        let wait = match random.between(0, 100) {
            0..45 => Wait::Stored,
            45..75 => Wait::Accepted,
            _ => Wait::Nothing,
        };
        let id = Id { publisher: self.index, serial: self.serial };
        Publication { id, stream, wait, is_keyed: random.between(0, 100) < 35 }
    }
}

impl Shared {
    async fn read(&self, mut reader: Reader) -> anyhow::Result<()> {
        let end = loop {
            match reader.frame().await {
                Ok(frame) => {
                    if let Some((serial, answer)) = frame::answer(&frame) {
                        let id = Id { publisher: self.index, serial };
                        self.scene.recorder.record(Event::Answered(id, answer));
                        self.room.add_permits(1);
                    }
                    // One for a publication without an id comes without one.
                    if let Some(error) = frame.get("error") {
                        let pause_ms = error["retry_after_ms"].as_u64().unwrap_or(20).min(PAUSE_MS_MAX);
                        self.pause_ms.store(pause_ms, Ordering::Relaxed);
                    }
                }
                Err(end) => break end,
            }
        };
        self.room.close();
        Err(end)
    }
}
