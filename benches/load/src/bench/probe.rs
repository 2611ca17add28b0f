//! How long the daemon's frames are, so that the floor can write frames of the same length.

use super::Bench;
use super::parts::{PARALLEL, fanout_options, unicast_options};
use crate::codec::Codec;
use crate::fanout::Fanout;
use crate::plan::{Limit, Pace, Plan};
use crate::server::Server;
use crate::unicast::Unicast;
use anyhow::{Result, ensure};

/// Messages of a probe; enough that offsets have about as many digits as in a run.
const PROBE_MESSAGES: u64 = 2_000;

const PROBE: Plan = Plan { pace: Pace::Window(PARALLEL), limit: Limit::Messages(PROBE_MESSAGES) };

impl Bench<'_> {
    /// Length of a frame that the daemon delivers to a subscriber, head included.
    pub(super) fn probe_fanout(&mut self, codec: Codec, payload_bytes: usize) -> Result<usize> {
        self.progress.stage(format!("probe: {} frames to a channel", codec.name()));
        let daemon: Server = self.start_daemon(false)?;
        let options = fanout_options(1, codec, payload_bytes);
        let mut fanout = Fanout::open(&daemon.target(codec)?, &options, self.progress)?;
        let report = fanout.run(&PROBE, 0, None, self.progress)?;
        ensure!(report.passed(), "the probe failed: {:?} {:?}", report.failure, report.faults);
        Ok(report.frame_bytes)
    }

    /// Length of a frame that the daemon delivers to a user. One of a `durable` inbox has an offset.
    pub(super) fn probe_unicast(&mut self, durable: bool, codec: Codec) -> Result<usize> {
        self.progress.stage(format!("probe: {} frames to a user", codec.name()));
        let daemon: Server = self.start_daemon(durable)?;
        let mut unicast = Unicast::open(&daemon.target(codec)?, &unicast_options(2, codec), self.progress)?;
        let messages = Plan { limit: Limit::Messages(100), ..PROBE };
        let report = unicast.run(&messages, 0, None, self.progress)?;
        ensure!(report.passed(), "the probe failed: {:?} {:?}", report.failure, report.faults);
        Ok(report.frame_bytes)
    }
}
