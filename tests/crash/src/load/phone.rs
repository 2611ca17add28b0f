//! A user's device: reads its inbox and acknowledges what it has.

use super::{Scene, codec};
use crate::connection::{self, Reader, Who, Writer};
use crate::frame::{entry, epoch, number};
use crate::history::{Device, Event, Place};
use crate::publication::Stream;
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tidings_e2e::random::Random;

/// One entry of so many is acknowledged, with all before it.
const ACKNOWLEDGED_ONE_IN: u64 = 6;

/// A device that is connected.
#[derive(Debug)]
pub(crate) struct Phone {
    device: Device,
    writer: Writer,
    reader: Reader,
    /// The number of the inbox.
    stream: u64,
    epoch: u64,
    /// The last offset that came.
    offset: u64,
    random: Random,
}

impl Phone {
    /// Connects.
    ///
    /// # Errors
    /// When the daemon does not let it in.
    pub(crate) async fn connect(scene: &Scene, device: Device, mut random: Random) -> anyhow::Result<Self> {
        let user = Stream::Inbox(device.user).name();
        let who = Who { user: &user, device: Some(&device.name), codec: codec(&mut random) };
        let (writer, reader, connected) = connection::open(scene.address, who).await?;
        let inbox = &connected["inbox"];
        let (stream, epoch, offset) = (number(inbox, "stream")?, epoch(inbox)?, number(inbox, "delivered")?);
        Ok(Self { device, writer, reader, stream, epoch, offset, random })
    }

    /// Reads and acknowledges until the connection ends.
    ///
    /// # Errors
    /// Why it ended, or how what came breaks the order.
    pub(crate) async fn run(mut self, scene: Scene) -> anyhow::Result<()> {
        loop {
            let frame = self.reader.frame().await.with_context(|| self.device.to_string())?;
            self.take(&scene, &frame).with_context(|| self.device.to_string())?;
            if self.random.between(0, ACKNOWLEDGED_ONE_IN) == 0 {
                // Sometimes less than what came: an acknowledgement may be late.
                let offset = self.offset - self.random.between(0, 3).min(self.offset);
                scene.recorder.record(Event::Acknowledged { device: self.device.clone(), offset });
                self.writer.send(&[json!({"ack": {"stream": self.stream, "offset": offset}})]).await?;
            }
        }
    }

    fn take(&mut self, scene: &Scene, frame: &Value) -> anyhow::Result<()> {
        let Some(held) = frame.get("entry") else { bail!("the daemon said {frame}") };
        let entry = entry(held, scene.seed)?;
        ensure!(held["stream"] == self.stream, "an entry of another stream came: {held}");
        ensure!(entry.offset == self.offset + 1, "{} came after {}", entry.offset, self.offset);
        self.offset = entry.offset;
        let id = entry.id.filter(|_| entry.is_intact);
        let id = id.with_context(|| format!("{} holds what nobody sent", entry.offset))?;
        let place = Place { epoch: self.epoch, offset: entry.offset };
        scene.recorder.record(Event::Received { stream: Stream::Inbox(self.device.user), place, id });
        Ok(())
    }
}
