//! Asks again for what it is not known whether the daemon has it.

use crate::connection::{self, Who};
use crate::frame;
use crate::history::{Event, Recorder};
use crate::publication::{Id, Publication, publisher};
use anyhow::Context;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tidings_e2e::codec::Codec;

/// Publications that wait for their answer at the same time.
const BATCH: usize = 16;

/// Asks for all of `publications` again, by the same publishers with the same keys, and waits for the answers.
///
/// # Errors
/// When one is not answered.
pub(crate) async fn all(
    address: SocketAddr,
    seed: u64,
    recorder: &Recorder,
    publications: &[Publication],
) -> anyhow::Result<()> {
    let mut shares: BTreeMap<u16, Vec<Publication>> = BTreeMap::new();
    for publication in publications {
        shares.entry(publication.id.publisher).or_default().push(*publication);
    }
    for (index, share) in shares {
        let user = publisher(index);
        let who = Who { user: &user, device: None, codec: Codec::Json };
        let (mut writer, mut reader, _) = connection::open(address, who).await?;
        for batch in share.chunks(BATCH) {
            batch.iter().for_each(|publication| recorder.record(Event::Asked(*publication)));
            for publication in batch {
                writer.send(&[publication.frame(publication.id.data(seed))]).await?;
            }
            let mut waiting = batch.len();
            while waiting > 0 {
                let frame: Value = reader.soon("the answer to a publication that was asked for again").await?;
                let (serial, answer) = frame::answer(&frame).with_context(|| format!("the daemon said {frame}"))?;
                recorder.record(Event::Answered(Id { publisher: index, serial }, answer));
                waiting -= 1;
            }
        }
    }
    Ok(())
}
