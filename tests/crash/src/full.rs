//! A disk that fills up, and has room again.
//!
//! While it is full, nothing may be called stored that is not, and all else goes on; once there is room, the daemon
//! stores again by itself, and nothing that it ever called stored is gone.

use crate::cast::reading_devices;
use crate::connection::{self, Reader, Who, Writer};
use crate::disk::bench::Bench;
use crate::ground::RigFault;
use crate::history::{Answer, Event, Recorder};
use crate::life::Report;
use crate::load::{Load, crowd};
use crate::model::Model;
use crate::model::past::Past;
use crate::readback;
use crate::server::{Program, Server};
use crate::violation::Violation;
use anyhow::{Context, ensure};
use serde_json::json;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tidings_e2e::codec::Codec;
use tidings_e2e::random::Random;
use tokio::time::timeout;

/// Size of the disk in bytes.
const DISK_BYTES: u64 = 96 << 20;

/// What is refused because the store is not working.
const UNAVAILABLE: u64 = 2008;

/// Time in which a full disk must show, and in which a daemon must store again when there is room.
const NOTICE_TIME_MAX: Duration = Duration::from_secs(30);

/// Answers before the disk fills up, and again after it has room.
const ANSWERS: usize = 300;

/// Publications in another namespace while the disk is full.
const REALTIME: u64 = 50;

/// Fills a disk under load, frees it, kills the daemon and reads everything back.
///
/// # Errors
/// When the rig itself fails.
pub(crate) async fn round(bench: &mut Bench, program: &Program, seed: u64) -> anyhow::Result<Report> {
    let disk = bench.small(DISK_BYTES).context(RigFault)?;
    let mut report = Report::default();
    if let Err(error) = trial(disk.folder(), program, seed, &mut report).await {
        if error.downcast_ref::<RigFault>().is_some() {
            return Err(error);
        }
        report.violations.push(Violation::Conduct(format!("{error:#}")));
    }
    Ok(report)
}

async fn trial(disk: &Path, program: &Program, seed: u64, report: &mut Report) -> anyhow::Result<()> {
    let data = disk.join("data");
    let mut server = Server::start(program, &data)?;
    let (address, _) = server.ready().await?;
    let (mut model, recorder) = (Model::default(), Recorder::new());
    let mut load = Load::new(address, seed, recorder.clone());
    crowd::publish(&mut load, &model, &mut Random::new(seed));
    let filled = fill_and_free(address, &recorder, disk, report).await;
    if let Some(status) = server.ended()? {
        anyhow::bail!("the daemon ended by itself ({status}); its last lines:\n{}", server.output());
    }
    load.expect_the_end();
    server.kill()?;
    report.violations.extend(load.finish().await.into_iter().map(Violation::Conduct));
    if filled.as_ref().is_err_and(|error| error.downcast_ref::<RigFault>().is_some()) {
        return filled;
    }
    if let Err(error) = filled {
        report.violations.push(Violation::Conduct(format!("{error:#}")));
        report.output = server.output();
    }

    // Whatever happened, a start must mend it.
    let all = recorder.take();
    let strange = all.iter().find_map(|event| match event {
        Event::Answered(id, Answer::Refused(code)) if ![UNAVAILABLE, 2011].contains(code) => Some((id, code)),
        _ => None,
    });
    if let Some((id, code)) = strange {
        report.violations.push(Violation::Conduct(format!("{id} was refused with {code}, not with {UNAVAILABLE}")));
    }
    let mut server = Server::start(program, &data)?;
    let (address, took) = server.ready().await?;
    report.recovery = Some(took);
    let readings = readback::everything(address, seed, &reading_devices(0)).await?;
    report.add(model.check(&Past { certain: all.len(), all, ..Past::default() }, &readings));
    Ok(())
}

async fn fill_and_free(
    address: SocketAddr,
    recorder: &Recorder,
    disk: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    until(recorder, |stored, _| stored >= ANSWERS).await.context("nothing is stored on an empty disk")?;
    let mut others = Others::meet(address, "early").await?;
    let ballast = disk.join("ballast");
    fill(&ballast).context(RigFault)?;
    until(recorder, |_, refused| refused >= 1).await.context("the disk is full, and nothing is refused")?;
    let refused = recorder.counts().refused;
    others.talk().await.context("while the disk was full, in a namespace that is not on it")?;
    if let Err(error) = Others::meet(address, "late").await {
        report.violations.push(Violation::Conduct(format!("while the disk was full, nobody could come in: {error:#}")));
    }
    until(recorder, |_, now| now >= refused + 10).await.context("the disk is full, and little is refused")?;
    fs::remove_file(&ballast).context(RigFault)?;
    let stored = recorder.counts().stored;
    let again = until(recorder, |now, _| now >= stored + ANSWERS).await;
    again.with_context(|| format!("there is room again, and {} were stored", recorder.counts().stored - stored))
}

async fn until(recorder: &Recorder, mut is_enough: impl FnMut(usize, usize) -> bool) -> anyhow::Result<()> {
    let enough = recorder.until(|counts| is_enough(counts.stored, counts.refused));
    timeout(NOTICE_TIME_MAX, enough).await.with_context(|| format!("after {NOTICE_TIME_MAX:?}"))
}

/// Writes until there is no room.
fn fill(ballast: &Path) -> anyhow::Result<()> {
    let mut file = File::create(ballast)?;
    for bytes in [1 << 20, 4 << 10] {
        let piece = vec![0x5A; bytes];
        loop {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Two who talk in a namespace that keeps nothing on disk.
struct Others {
    speaker: (Writer, Reader),
    listener: (Writer, Reader),
}

impl Others {
    const CHANNEL: &str = "realtime:others";

    /// Users that nobody knew before connect.
    async fn meet(address: SocketAddr, when: &str) -> anyhow::Result<Self> {
        let (listener, speaker) = (format!("{when}-listener"), format!("{when}-speaker"));
        let who = |user| Who { user, device: None, codec: Codec::Json };
        let (mut writer, mut reader, _) = connection::open(address, who(&listener)).await?;
        writer.send(&[json!({"id": 1, "subscribe": {"channel": Self::CHANNEL}})]).await?;
        reader.expect("subscribed").await?;
        let (speak, answered, _) = connection::open(address, who(&speaker)).await?;
        Ok(Self { speaker: (speak, answered), listener: (writer, reader) })
    }

    async fn talk(&mut self) -> anyhow::Result<()> {
        for count in 0..REALTIME {
            let body = json!({"channel": Self::CHANNEL, "event": "tick", "data": count});
            self.speaker.0.send(&[json!({"id": count, "publish": body})]).await?;
            self.speaker.1.expect("published").await?;
            let entry = self.listener.1.expect("entry").await?;
            ensure!(entry["data"] == count, "{entry} came where {count} was due");
        }
        Ok(())
    }
}
