//! What a comeback consists of.

use crate::command::{Answer, NAMES_MAX, Shape};
use crate::driver::DriverOptions;
use crate::fanout::{Fanout, FanoutOptions};
use crate::plan::Pace;
use crate::progress::Progress;
use crate::target::Target;
use crate::token::Tokens;
use anyhow::{Result, ensure};

/// The first of the absent users; those before it are the others and the senders.
pub(super) const FIRST_USER: u32 = 10_000;
/// Most subscribers of the others' channel.
pub(super) const OTHERS_MAX: u32 = 9_000;

/// What a comeback consists of.
#[derive(Debug, Clone)]
pub struct ComebackOptions {
    /// Users that come back.
    pub users: u32,
    /// Entries that wait for each.
    pub entries: u64,
    /// Namespace whose rules apply to what is sent to them.
    pub namespace: String,
    /// Length of the text in each entry's data, in bytes.
    pub payload_bytes: usize,
    /// Connections being opened at once.
    pub parallel: usize,
    /// Who talks meanwhile.
    pub others: Others,
}

/// Those who were never away.
#[derive(Debug, Clone)]
pub struct Others {
    /// Subscribers of one channel; 0 for no others.
    pub subscribers: u32,
    /// Namespace of the channel.
    pub namespace: String,
    /// Messages a second, in an open loop.
    pub rate: f64,
    /// How long their latency is measured before the comeback, in seconds.
    pub before_seconds: f64,
}

impl ComebackOptions {
    /// Whether it can be carried out.
    pub(super) fn check(&self, target: &Target) -> Result<()> {
        let &Self { users, entries, ref others, .. } = self;
        ensure!(!target.is_floor(), "the floor server keeps nothing for users who are away");
        ensure!(
            matches!(target.tokens, Tokens::Secret(_)),
            "each user needs a token: give the server's JWT_SECRET as --secret"
        );
        ensure!((1..NAMES_MAX - FIRST_USER).contains(&users), "between 1 and {} users", NAMES_MAX - FIRST_USER - 1);
        ensure!((1..u64::from(u32::MAX)).contains(&entries), "at least 1 entry, and fewer than 2^32");
        ensure!(others.subscribers <= OTHERS_MAX, "at most {OTHERS_MAX} others");
        Ok(())
    }

    pub(super) fn driver_options(&self) -> DriverOptions {
        DriverOptions {
            namespace: self.namespace.clone(),
            payload_bytes: self.payload_bytes,
            parallel: self.parallel,
            pipelined: false,
        }
    }
}

impl Others {
    pub(super) fn pace(&self) -> Pace {
        Pace::Rate(self.rate)
    }

    /// Connects them, if there are any.
    pub(super) fn open(
        &self,
        target: &Target,
        options: &ComebackOptions,
        progress: &mut Progress,
    ) -> Result<Option<Fanout>> {
        if self.subscribers == 0 {
            return Ok(None);
        }
        let shape = Shape {
            codec: target.codec,
            namespace: self.namespace.clone(),
            payload_bytes: options.payload_bytes,
            answer: Answer::Nothing,
            unicast: false,
        };
        let fanout =
            FanoutOptions { subscribers: self.subscribers, channels: 1, slow: 0, shape, parallel: options.parallel };
        Fanout::open(target, &fanout, progress).map(Some)
    }
}
