//! The world of one seed: who is in it, what is promised, how much may wait, and what goes wrong how often.

use crate::bug::Bug;
use crate::disk::DiskFaults;
use crate::name::StreamName;
use crate::random::Random;
use std::sync::Arc;
use tidings_core::keys::Window;
use tidings_core::policy::{
    Access, Attendance, Class, Keep, Overflow, Policy, PresenceRules, Rules, SessionLimits, Shelf,
};
use tidings_core::rate::Rate;
use tidings_proto::kept::Kind;

/// How long a client tries the same publication again: less than keys are remembered, whatever the clock does.
pub(crate) const RETRY_MS: u64 = 30_000;

/// Times of the server, in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    pub(crate) resume: u64,
    pub(crate) slow: u64,
    pub(crate) close: u64,
    pub(crate) idle: u64,
    pub(crate) reopen: u64,
    /// The shortest and the longest life of a token, if tokens end.
    pub(crate) token: Option<(u64, u64)>,
}

/// Bounds of the server.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) outbox_bytes: usize,
    pub(crate) outbox_pieces: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) page_bytes: usize,
    pub(crate) parked: usize,
}

/// What goes wrong. Intervals are middle ones, in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    pub(crate) interval: u64,
    pub(crate) cut: u64,
    pub(crate) kill: u64,
    pub(crate) power: u64,
    pub(crate) clock: u64,
    pub(crate) delay: u64,
    pub(crate) disk: DiskFaults,
    pub(crate) slow_sync: u64,
    pub(crate) sync: u64,
}

/// How users end.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    /// These are invisible.
    pub(crate) hides: Vec<Arc<str>>,
    /// This one leaves for good when the chaos ends.
    pub(crate) leaver: Option<Arc<str>>,
}

/// The world.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) bug: Option<Bug>,
    pub(crate) chaos_ms: u64,
    pub(crate) users: Vec<Arc<str>>,
    pub(crate) channels: Vec<Arc<str>>,
    pub(crate) ends: Ends,
    /// For each user, how many clients it has.
    pub(crate) devices: Vec<usize>,
    pub(crate) rules: Rules,
    pub(crate) inbox: Arc<Policy>,
    pub(crate) times: Times,
    pub(crate) bounds: Bounds,
    pub(crate) faults: Faults,
    pub(crate) window: Window,
}

impl Plan {
    pub(crate) fn new(random: &mut Random, bug: Option<Bug>) -> Self {
        let users: Vec<Arc<str>> = (0..random.between(2, 4)).map(|at| format!("user-{at}").into()).collect();
        let devices = users.iter().map(|_| random.index(2) + 1).collect();
        let channels = channels(random);
        let rules = rules(random);
        let inbox = Arc::new(policy(random, Class::Durable, Access::Everyone));
        let hides = users.iter().filter(|_| random.chance(150)).cloned().collect();
        let leaver = if random.chance(400) { users.last().cloned() } else { None };
        Self {
            bug,
            ends: Ends { hides, leaver },
            chaos_ms: random.between(15_000, 40_000),
            users,
            channels,
            devices,
            rules,
            inbox,
            times: Times {
                resume: random.between(5_000, 20_000),
                slow: random.between(2_000, 6_000),
                close: 1_000,
                idle: random.between(1_000, 20_000),
                reopen: random.between(50, 1_500),
                token: random.chance(500).then(|| (random.between(3_000, 6_000), random.between(7_000, 20_000))),
            },
            bounds: Bounds {
                outbox_bytes: random.index(8_000) + 1_500,
                outbox_pieces: random.index(100) + 8,
                queue_bytes: random.index(60_000) + 6_000,
                page_bytes: random.index(4_000) + 300,
                parked: if random.chance(100) { 1 } else { 100 },
            },
            faults: faults(random),
            window: Window { age_ms_max: 120_000, keys_max: 5_000 },
        }
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The rules of a stream.
    pub(crate) fn policy(&self, stream: &StreamName) -> &Arc<Policy> {
        let namespace = stream.name.split(':').next().unwrap_or_default();
        match stream.kind {
            Kind::Inbox => &self.inbox,
            Kind::Channel => self.rules.namespace(namespace).unwrap_or(&self.inbox),
        }
    }

    /// Whether the host lets a user into a channel that needs its word.
    pub(crate) fn may_join(&self, user: &str, channel: &str) -> bool {
        !channel.starts_with("closed:")
            || self.users.iter().position(|known| **known == *user).is_some_and(|at| at % 2 == 0)
    }
}

fn channels(random: &mut Random) -> Vec<Arc<str>> {
    let mut channels: Vec<Arc<str>> =
        ["durable:a", "reliable:a", "latest:a", "ephemeral:a", "closed:a"].map(Arc::from).to_vec();
    for more in ["durable:b", "reliable:b", "full:a"] {
        if random.chance(400) {
            channels.push(more.into());
        }
    }
    channels
}

fn rules(random: &mut Random) -> Rules {
    let mut namespaces: Vec<(Box<str>, Arc<Policy>)> = Vec::new();
    for (name, class) in [
        ("durable", Class::Durable),
        ("reliable", Class::Reliable),
        ("latest", Class::Latest),
        ("ephemeral", Class::Ephemeral),
    ] {
        namespaces.push((name.into(), Arc::new(policy(random, class, Access::Everyone))));
    }
    namespaces.push(("closed".into(), Arc::new(policy(random, Class::Reliable, Access::Granted))));
    let mut full = policy(random, Class::Durable, Access::Everyone);
    full.shelf.overflow = Overflow::Refuse;
    namespaces.push(("full".into(), Arc::new(full)));
    let limits = SessionLimits {
        connect_timeout_ms: 5_000,
        ping_interval_ms: 4_000,
        pong_timeout_ms: 2_000,
        idle_after_ms: 0,
        token_warning_ms: 2_000,
        subscriptions_max: 100,
        questions_max: 100,
        messages: Rate::per_minute(0),
        others: Rate::per_minute(0),
    };
    let presence = PresenceRules {
        watch: Access::Granted,
        grace_ms: random.between(500, 6_000),
        text_bytes_max: 100,
        info_bytes_max: 100,
        watched_max: 100,
        watchers_max: 100,
        strangers_max: 100,
        members_max: 100,
    };
    Rules { namespaces, limits, presence }
}

fn policy(random: &mut Random, class: Class, access: Access) -> Policy {
    let few = random.chance(400);
    let keep = Keep {
        entries_max: if few { random.index(12) + 2 } else { 10_000 },
        bytes_max: if random.chance(200) { random.index(6_000) + 1_500 } else { 10_000_000 },
        age_ms_max: if random.chance(300) { random.between(2_000, 20_000) } else { 10_000_000 },
    };
    let few = random.chance(200);
    let shelf = Shelf {
        keep: Keep {
            entries_max: if few { random.index(30) + 5 } else { 100_000 },
            bytes_max: if random.chance(150) { random.index(20_000) + 4_000 } else { 100_000_000 },
            age_ms_max: if random.chance(200) { random.between(5_000, 60_000) } else { 1_000_000_000 },
        },
        overflow: Overflow::DropOldest,
        devices_max: if random.chance(100) { 1 } else { 16 },
        device_ttl_ms: if random.chance(200) { random.between(8_000, 30_000) } else { 1_000_000_000 },
    };
    Policy {
        class,
        send_class: if class == Class::Ephemeral { Class::Ephemeral } else { Class::Durable },
        subscribe: access,
        publish: Access::Everyone,
        send: Access::Everyone,
        keep,
        shelf,
        data_bytes_max: 10_000,
        rate: Rate::per_minute(0),
        attendance: if class == Class::Latest { Attendance::None } else { Attendance::Members },
    }
}

fn faults(random: &mut Random) -> Faults {
    let calm = random.chance(100);
    let disk_is_bad = random.chance(400);
    Faults {
        interval: if calm { 1_000_000 } else { random.between(300, 2_500) },
        cut: random.between(100, 700),
        kill: if random.chance(500) { random.between(10, 120) } else { 0 },
        power: if random.chance(500) { random.between(10, 150) } else { 0 },
        clock: if random.chance(300) { 30 } else { 0 },
        delay: random.between(2, 150),
        disk: DiskFaults {
            writes: if disk_is_bad { random.below(40) } else { 0 },
            syncs: if disk_is_bad { random.below(60) } else { 0 },
            reads: if disk_is_bad { random.below(20) } else { 0 },
        },
        slow_sync: if random.chance(300) { random.between(10, 100) } else { 0 },
        sync: random.between(1, 40),
    }
}
