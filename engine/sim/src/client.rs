//! One simulated client: honest, forgetful where a plan says so, and strict about what it is told.

mod act;
mod hear;
pub(crate) mod heard;
mod history;
pub(crate) mod link;
pub(crate) mod presence;
mod publish;

use crate::known::Known;
use crate::name::{ConnId, StreamName};
use crate::plan::Plan;
use crate::random::Random;
use crate::trace::{About, Violation};
use link::Link;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tidings_core::policy::Class;
use tidings_proto::id::Epoch;
use tidings_proto::wire::WireForm;

/// What a client does to the world.
#[derive(Debug)]
pub(crate) enum Do {
    Open(ConnId, WireForm),
    Send(ConnId, Vec<u8>),
    Shut(ConnId),
}

/// Who it is.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) index: usize,
    pub(crate) user: Arc<str>,
    /// Empty when it gives none.
    pub(crate) device: Arc<str>,
    pub(crate) form: WireForm,
    /// It resumes without telling where it stands in its channels.
    pub(crate) is_terse: bool,
}

/// Everything of a stream up to here was received, or told to be missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Have {
    pub(crate) epoch: Epoch,
    pub(crate) offset: u64,
    /// The start of the server at which this was heard.
    pub(crate) life: u64,
}

/// What it remembers.
#[derive(Debug, Default)]
struct Memory {
    known: Option<Known>,
    streams: BTreeMap<StreamName, Have>,
    /// What it has acknowledged of its inbox. No loss of memory changes this: the server must know it.
    acknowledged: Option<u64>,
    /// Whom its session watches, as far as it knows.
    watched: BTreeSet<Arc<str>>,
}

/// A publication that is not answered yet.
#[derive(Debug, Clone)]
struct Pending {
    stream: StreamName,
    command: serde_json::Value,
    waits_for_store: bool,
    retries: bool,
    first_ms: u64,
    sent_ms: u64,
}

/// Its part in who is there.
#[derive(Debug)]
pub(crate) struct Part {
    /// How present it wants its device to be.
    chosen: &'static str,
    /// It is gone for good.
    pub(crate) has_left: bool,
}

/// The client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) who: Who,
    plan: Rc<Plan>,
    pub(crate) links: Vec<Link>,
    memory: Memory,
    pending: BTreeMap<usize, Pending>,
    wants: BTreeSet<Arc<str>>,
    next_id: u64,
    opened: u64,
    away_until: u64,
    pub(crate) part: Part,
    random: Random,
    pub(crate) out: Vec<Do>,
}

impl Client {
    pub(crate) fn new(plan: &Rc<Plan>, who: Who, mut random: Random) -> Self {
        let wants = plan.channels.iter().filter(|_| random.chance(700)).cloned().collect();
        Self {
            who,
            plan: Rc::clone(plan),
            links: Vec::new(),
            memory: Memory::default(),
            pending: BTreeMap::new(),
            wants,
            next_id: 0,
            opened: 0,
            away_until: random.below(1_000),
            part: Part { chosen: "online", has_left: false },
            random,
            out: Vec::new(),
        }
    }

    fn inbox(&self) -> StreamName {
        StreamName::inbox(&self.who.user)
    }

    fn about(&self, stream: &StreamName) -> About {
        About::both(self.who.index, stream)
    }

    fn violation<T>(&self, stream: &StreamName, what: impl Into<String>) -> Result<T, Violation> {
        Err(Violation::new(self.about(stream), what))
    }

    /// The link that it publishes over.
    fn live(&self) -> Option<usize> {
        self.links.iter().rposition(|link| link.live_since.is_some())
    }

    /// A connection is over: by a close frame, or because the link broke.
    pub(crate) fn ended(&mut self, conn: ConnId, now_ms: u64, calm: bool) {
        let before = self.links.len();
        self.links.retain(|link| link.conn != conn);
        if self.links.len() < before && self.links.is_empty() {
            let away_ms = match self.random.below(10) {
                _ if calm => self.random.below(300),
                0 => self.random.between(3_000, 25_000),
                1..4 => self.random.between(500, 4_000),
                _ => self.random.below(500),
            };
            self.away_until = now_ms + away_ms;
        }
    }

    /// Its session is over, and cannot be resumed.
    pub(crate) fn forget_session(&mut self) {
        self.memory.known = None;
        self.memory.watched.clear();
    }

    /// It goes without a word, and does not come back.
    pub(crate) fn leave(&mut self) {
        self.part.has_left = true;
        self.out.extend(self.links.drain(..).map(|link| Do::Shut(link.conn)));
    }

    /// The channels that it is to be in.
    pub(crate) fn channels(&self) -> impl Iterator<Item = Arc<str>> {
        self.wants.iter().filter(|channel| self.plan.may_join(&self.who.user, channel)).cloned()
    }

    /// Why it does not have everything, if it does not. `position` tells where streams stand.
    pub(crate) fn unrest(&self, position: impl Fn(&StreamName) -> Option<(Epoch, u64)>) -> Option<String> {
        if self.part.has_left {
            return None;
        }
        let Some(at) = self.live() else { return Some("it is not connected".into()) };
        if self.links.len() > 1 {
            return Some("it has two connections".into());
        }
        if let Some((n, _)) = self.pending.iter().find(|(_, pending)| pending.retries) {
            return Some(format!("publication {n} is not answered"));
        }
        let streams = self.channels().map(|channel| StreamName::channel(&channel)).chain([self.inbox()]);
        for stream in streams {
            let Some(reading) = self.links[at].reading(&stream) else { return Some(format!("it is not in {stream}")) };
            let last = reading.last;
            let Some((epoch, offset)) = position(&stream) else { return Some(format!("{stream} is not loaded")) };
            let have = self.memory.streams.get(&stream).map(|have| (have.epoch, have.offset));
            // What is ephemeral may have been skipped, and nothing says so.
            let is_skipped = self.plan.policy(&stream).class == Class::Ephemeral;
            if !is_skipped && have != Some((epoch, offset)) {
                return Some(format!("it has {have:?} (link {last:?}) of {stream}, which stands at {offset}"));
            }
        }
        None
    }
}
