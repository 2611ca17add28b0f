//! Clients that keep the daemon busy while it waits to be killed.
//!
//! * [`crowd`]: who takes part. [`publisher`]: publishes to channels and sends to users, many at a time.
//!   [`subscriber`]: reads channels. [`phone`]: a device that reads its inbox and acknowledges.

pub(crate) mod crowd;
pub(crate) mod phone;
pub(crate) mod publisher;
pub(crate) mod subscriber;

use crate::history::Recorder;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidings_e2e::codec::Codec;
use tidings_e2e::random::Random;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long connections may take to notice that the daemon is gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// What every client of a load knows.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    /// Where the daemon listens.
    pub(crate) address: SocketAddr,
    /// The seed of the data.
    pub(crate) seed: u64,
    /// Where everything is written down.
    pub(crate) recorder: Recorder,
    /// Whether the daemon may end now.
    is_ending: Arc<AtomicBool>,
}

/// Running clients. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Load {
    scene: Scene,
    clients: JoinSet<anyhow::Result<()>>,
}

impl Load {
    /// No clients yet.
    pub(crate) fn new(address: SocketAddr, seed: u64, recorder: Recorder) -> Self {
        let scene = Scene { address, seed, recorder, is_ending: Arc::default() };
        Self { scene, clients: JoinSet::new() }
    }

    /// What its clients know.
    pub(crate) fn scene(&self) -> Scene {
        self.scene.clone()
    }

    /// Adds a client, which runs until its connection ends.
    pub(crate) fn add(&mut self, client: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let is_ending = Arc::clone(&self.scene.is_ending);
        self.clients.spawn(async move {
            match client.await {
                // Whatever ends a connection now was to be expected.
                Err(_) if is_ending.load(Ordering::SeqCst) => Ok(()),
                done => done,
            }
        });
    }

    /// From now on the daemon may end at any time.
    pub(crate) fn expect_the_end(&self) {
        self.scene.is_ending.store(true, Ordering::SeqCst);
    }

    /// Waits until every client has read what the daemon had sent before it ended. Returns what they complain about.
    pub(crate) async fn finish(mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        while let Ok(Some(ended)) = timeout(PATIENCE, self.clients.join_next()).await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(complaint)) => complaints.push(format!("{complaint:#}")),
                Err(panic) => complaints.push(format!("a client of the rig failed: {panic}")),
            }
        }
        if !self.clients.is_empty() {
            complaints.push(format!("{} connections outlived the daemon", self.clients.len()));
        }
        complaints
    }
}

/// One of the two codecs.
pub(crate) fn codec(random: &mut Random) -> Codec {
    if random.between(0, 2) == 0 { Codec::Json } else { Codec::MessagePack }
}
