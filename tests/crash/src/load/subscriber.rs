//! Reads channels while they are written to.

use super::{Scene, codec};
use crate::connection::{self, Who};
use crate::frame::{entry, epoch, number};
use crate::history::{Event, Place};
use crate::publication::Stream;
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidings_e2e::random::Random;

/// A channel to subscribe to: from the beginning of this epoch, or from now on.
pub(crate) type Since = (Stream, Option<u64>);

/// A channel as one subscriber has it.
#[derive(Debug)]
struct Joined {
    stream: Stream,
    epoch: u64,
    /// The last offset that came.
    offset: u64,
}

/// Subscribes to channels and reads until the connection ends.
///
/// # Errors
/// Why it ended, or how what came breaks the order.
pub(crate) async fn run(scene: Scene, index: u16, channels: Vec<Since>, mut random: Random) -> anyhow::Result<()> {
    let user = format!("subscriber-{index}");
    let who = Who { user: &user, device: None, codec: codec(&mut random) };
    let (mut writer, mut reader, _) = connection::open(scene.address, who).await?;
    let subscribe = |(channel, since): &Since| {
        let since = since.map(|epoch| json!({"epoch": format!("{epoch:016x}"), "offset": 0}));
        json!({"id": 1, "subscribe": {"channel": channel.name(), "since": since}})
    };
    writer.send(&channels.iter().map(subscribe).collect::<Vec<Value>>()).await?;
    let mut joined = BTreeMap::new();
    loop {
        let frame = reader.frame().await.with_context(|| user.clone())?;
        take(&scene, &channels, &mut joined, &frame).with_context(|| user.clone())?;
    }
}

/// Takes one frame of the daemon.
fn take(scene: &Scene, channels: &[Since], joined: &mut BTreeMap<u64, Joined>, frame: &Value) -> anyhow::Result<()> {
    if let Some(told) = frame.get("subscribed") {
        let (stream, since) = channels
            .iter()
            .find(|(stream, _)| told["channel"] == stream.name())
            .with_context(|| format!("nobody asked for {told}"))?;
        let offset = if since.is_some() { 0 } else { number(told, "offset")? };
        joined.insert(number(told, "stream")?, Joined { stream: *stream, epoch: epoch(told)?, offset });
    } else if let Some(held) = frame.get("entry") {
        let number = number(held, "stream")?;
        let joined = joined.get_mut(&number).with_context(|| format!("an entry of {number} came before its stream"))?;
        let entry = entry(held, scene.seed)?;
        let Joined { stream, epoch, offset } = joined;
        ensure!(entry.offset == *offset + 1, "in {stream}, {} came after {offset}", entry.offset);
        *offset = entry.offset;
        let id = entry.id.filter(|_| entry.is_intact);
        let id = id.with_context(|| format!("{stream} delivered at {offset} what nobody published"))?;
        scene.recorder.record(Event::Received { stream: *stream, place: Place { epoch: *epoch, offset: *offset }, id });
    } else {
        bail!("the daemon said {frame}");
    }
    Ok(())
}
