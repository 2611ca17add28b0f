//! Reads everything back that the daemon has.

use crate::cast::CHANNELS;
use crate::connection::{self, Reader, Who, Writer};
use crate::frame::{entry, epoch, gap, number};
use crate::history::Device;
use crate::publication::Stream;
use crate::reading::Reading;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tidings_e2e::codec::Codec;
use tokio::task::JoinSet;

/// Connections that read inboxes at the same time.
const AT_ONCE: usize = 8;

/// Reads every channel from its beginning and the inbox of every device from where it stands.
///
/// # Errors
/// When the daemon does not give them.
pub(crate) async fn everything(address: SocketAddr, seed: u64, devices: &[Device]) -> anyhow::Result<Vec<Reading>> {
    let mut tasks = JoinSet::new();
    tasks.spawn(channels(address, seed));
    for share in devices.chunks(devices.len().div_ceil(AT_ONCE).max(1)) {
        tasks.spawn(inboxes(address, seed, share.to_vec()));
    }
    let mut readings = Vec::new();
    while let Some(read) = tasks.join_next().await {
        readings.extend(read??);
    }
    Ok(readings)
}

async fn channels(address: SocketAddr, seed: u64) -> anyhow::Result<Vec<Reading>> {
    let who = Who { user: "auditor", device: None, codec: Codec::Json };
    let (mut writer, mut reader, _) = connection::open(address, who).await?;
    let mut readings = Vec::new();
    for stream in (0..CHANNELS).map(Stream::Channel) {
        let reading = channel(&mut writer, &mut reader, stream, seed).await;
        readings.push(reading.with_context(|| format!("reading {stream} back"))?);
    }
    Ok(readings)
}

async fn channel(writer: &mut Writer, reader: &mut Reader, stream: Stream, seed: u64) -> anyhow::Result<Reading> {
    let name = stream.name();
    let command = |command: &str, body: Value| json!({"id": 1, command: body});
    writer.send(&[command("subscribe", json!({"channel": name}))]).await?;
    let told = reader.expect("subscribed").await?;
    writer.send(&[command("unsubscribe", json!({"channel": name}))]).await?;
    reader.expect("unsubscribed").await?;
    let since = json!({"epoch": told["epoch"], "offset": 0});
    writer.send(&[command("subscribe", json!({"channel": name, "since": since}))]).await?;
    let told = reader.expect("subscribed").await?;
    let number_of = number(&told, "stream")?;
    let (epoch, last) = (epoch(&told)?, number(&told, "offset")?);
    let reading = Reading { stream, device: None, epoch, after: 0, last, entries: Vec::new(), gaps: Vec::new() };
    let reading = to_the_end(reader, number_of, reading, seed).await?;
    writer.send(&[command("unsubscribe", json!({"channel": name}))]).await?;
    reader.expect("unsubscribed").await?;
    Ok(reading)
}

async fn inboxes(address: SocketAddr, seed: u64, devices: Vec<Device>) -> anyhow::Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for device in devices {
        let name = device.to_string();
        readings.push(inbox(address, seed, device).await.with_context(|| format!("reading back as {name}"))?);
    }
    Ok(readings)
}

async fn inbox(address: SocketAddr, seed: u64, device: Device) -> anyhow::Result<Reading> {
    let stream = Stream::Inbox(device.user);
    let user = stream.name();
    let who = Who { user: &user, device: Some(&device.name), codec: Codec::MessagePack };
    // The writer lives until everything is read.
    let (_writer, mut reader, connected) = connection::open(address, who).await?;
    let inbox = &connected["inbox"];
    let (epoch, after, last) = (epoch(inbox)?, number(inbox, "delivered")?, number(inbox, "offset")?);
    let device = Some(device);
    let reading = Reading { stream, device, epoch, after, last, entries: Vec::new(), gaps: Vec::new() };
    to_the_end(&mut reader, number(inbox, "stream")?, reading, seed).await
}

/// Reads until the last entry has come, or a gap that reaches it.
async fn to_the_end(reader: &mut Reader, number_of: u64, mut reading: Reading, seed: u64) -> anyhow::Result<Reading> {
    let mut reached = reading.after;
    while reached < reading.last {
        let what = format!("what follows {reached} of {}, up to {},", reading.stream, reading.last);
        let frame = reader.soon(&what).await?;
        if let Some(held) = frame.get("entry").filter(|held| held["stream"] == number_of) {
            let entry = entry(held, seed)?;
            reached = reached.max(entry.offset);
            reading.entries.push(entry);
        } else if let Some(held) = frame.get("gap") {
            let gap = gap(held)?;
            reached = reached.max(gap.to);
            reading.gaps.push(gap);
        } else {
            bail!("the daemon said {frame} instead of {what}");
        }
    }
    Ok(reading)
}
