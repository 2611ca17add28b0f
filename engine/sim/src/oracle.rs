//! Who judges. It is told by the server what was placed, sees what clients are told, and knows what was promised.

mod device;
mod excuse;
mod here;
mod line;
mod presence;

use crate::body::Body;
use crate::fact::Fact;
use crate::known::Known;
use crate::name::{ConnId, StreamName};
use crate::plan::Plan;
use crate::tally::Tally;
use crate::trace::{About, Trace, Violation};
use device::Device;
use here::Here;
use line::Line;
pub(crate) use line::Placement;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tidings_core::history::cost_bytes;
use tidings_core::policy::Class;
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::id::{Epoch, SessionId};
use tidings_proto::kept::Entry;

/// How late a look at the clock may be.
const LOOK_MS: u64 = 1_100;

/// One publication of a client.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) stream: StreamName,
    /// It is told to be ephemeral.
    pub(crate) passes: bool,
    /// Where a client got it.
    delivered: Option<(u64, u64)>,
    /// A client was told that it is stored.
    pub(crate) stored: bool,
}

/// When things end, by the steady clock.
#[derive(Debug, Default)]
struct Ends {
    /// The tokens of connections.
    tokens: BTreeMap<ConnId, u64>,
    /// The waiting of sessions that have lost a connection.
    parked: BTreeMap<SessionId, u64>,
}

/// The judge.
#[derive(Debug)]
pub(crate) struct Oracle {
    plan: Rc<Plan>,
    pub(crate) lines: BTreeMap<StreamName, Line>,
    pub(crate) published: Vec<Published>,
    devices: BTreeMap<(Arc<str>, Box<str>), Device>,
    /// The furthest that the wall clock has been, and the steady one.
    wall_ms: u64,
    now: Now,
    /// Counts starts of the server.
    pub(crate) life: u64,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
    /// The sessions that clients were told of last, with their users: what a thief may have.
    pub(crate) sessions: BTreeMap<usize, (Arc<str>, Known)>,
    ends: Ends,
    /// Which users have connections.
    here: BTreeMap<Arc<str>, Here>,
}

impl Oracle {
    pub(crate) fn new(plan: &Rc<Plan>, trace: Trace) -> Self {
        Self {
            plan: Rc::clone(plan),
            lines: BTreeMap::new(),
            published: Vec::new(),
            devices: BTreeMap::new(),
            wall_ms: 0,
            now: Now::default(),
            life: 0,
            tally: Tally::default(),
            trace,
            sessions: BTreeMap::new(),
            ends: Ends::default(),
            here: BTreeMap::new(),
        }
    }

    pub(crate) fn see_clock(&mut self, now: Now) {
        self.now = now;
        self.wall_ms = self.wall_ms.max(now.wall_ms);
    }

    /// A client is about to publish: the number of the publication.
    pub(crate) fn publish(&mut self, stream: StreamName, passes: bool) -> usize {
        self.tally.published += 1;
        self.published.push(Published { stream, passes, delivered: None, stored: false });
        self.published.len() - 1
    }

    /// The server says what it did.
    pub(crate) fn fact(&mut self, fact: Fact) -> Result<(), Violation> {
        match fact {
            Fact::Placed { stream, epoch, entry } => return self.placed(&stream, epoch, &entry),
            Fact::Known => self.tally.known += 1,
            Fact::Seen { user, device } => self.seen(user, device),
            Fact::Registered { user, devices } => {
                for (device, seen_ms) in devices {
                    self.devices.entry((Arc::clone(&user), device)).or_default().registered_ms = Some(seen_ms);
                }
            }
            Fact::Token { conn, ends_ms } => {
                self.ends.tokens.insert(conn, ends_ms);
            }
            Fact::Full => self.tally.full += 1,
            Fact::Parked { session, until_ms } => {
                if until_ms != self.now.instant.0 + self.plan.times.resume {
                    return Err(Violation::new(About::default(), "a session is not kept as long as it was told"));
                }
                self.ends.parked.insert(session, until_ms);
            }
            Fact::Claimed(session) => {
                self.ends.parked.remove(&session);
            }
            Fact::Closed(Code::Slow) => self.tally.slow += 1,
            Fact::Closed(Code::Lost) => self.tally.lost += 1,
            Fact::SlowSync => self.tally.slow_syncs += 1,
            Fact::Page => self.tally.pages += 1,
            Fact::Reopened => self.tally.reopened += 1,
            Fact::Upkeep { removed } => {
                self.tally.upkeep += 1;
                self.tally.removed += u64::from(removed);
            }
            Fact::Above(what) => return Err(Violation::new(About::default(), format!("a bound is passed: {what}"))),
            Fact::Told(frames) => self.tally.statuses += frames,
            Fact::Here(user) => self.is_here(&user),
            Fact::Present { user, is_here, is_online } => return self.present(&user, is_here, is_online),
            Fact::Closed(_) | Fact::Note { .. } => {}
        }
        Ok(())
    }

    fn seen(&mut self, user: Arc<str>, device: Box<str>) {
        let last = self.lines.get(&StreamName::inbox(&user)).map_or(0, Line::last);
        let ttl_ms = self.plan.inbox.shelf.device_ttl_ms;
        let device = self.devices.entry((user, device)).or_default();
        device.seen(self.now.wall_ms, self.wall_ms, ttl_ms, last);
    }

    fn placed(&mut self, stream: &StreamName, epoch: Epoch, entry: &Entry) -> Result<(), Violation> {
        let Ok(Body { n, .. }) = entry.data.to::<Body>() else {
            return Err(Violation::new(About::stream(stream), "data that nobody has published was placed"));
        };
        let placement = Placement {
            n,
            at: entry.at,
            taken_ms: self.now.instant.0,
            disk_bytes: entry.record_bytes(),
            memory_bytes: cost_bytes(entry) as u64,
            key: entry.key.clone(),
            shown: false,
        };
        let line = self.lines.entry(stream.clone()).or_default();
        let before = line.place(epoch.0, entry.offset, placement);
        match before {
            Some(before) if before.shown => {
                let what = format!("offset {} was {} and is given again, to {n}", entry.offset, before.n);
                Err(Violation::new(About::stream(stream), what))
            }
            _ => Ok(()),
        }
    }

    /// A stream in memory or on disk has this epoch, as a client is told. On disk it never changes.
    pub(crate) fn epoch_told(&mut self, stream: &StreamName, epoch: Epoch) -> Result<(), Violation> {
        let durable = self.class(stream) == Class::Durable;
        let line = self.lines.entry(stream.clone()).or_default();
        let before = *line.epoch.get_or_insert(epoch.0);
        line.epoch = Some(epoch.0);
        if durable && before != epoch.0 {
            return Err(Violation::new(About::stream(stream), "the epoch of a stream on disk has changed"));
        }
        Ok(())
    }

    /// A client has got an entry. Its place, its data and its time are the same for everybody and for ever.
    pub(crate) fn received(
        &mut self,
        client: usize,
        stream: &StreamName,
        epoch: Epoch,
        got: (u64, usize, u64),
    ) -> Result<(), Violation> {
        let (offset, n, at) = got;
        let about = || About::both(client, stream);
        let violation = |what: String| Err(Violation::new(about(), what));
        self.tally.delivered += 1;
        let class = self.class(stream);
        let Some(published) = self.published.get_mut(n) else { return violation(format!("nobody has published {n}")) };
        if published.stream != *stream {
            return violation(format!("publication {n} was for {}", published.stream));
        }
        let Some(placed) = self.lines.get_mut(stream).and_then(|line| line.at_mut(epoch.0, offset)) else {
            return violation(format!("nothing was placed at offset {offset}"));
        };
        placed.shown = true;
        if placed.n != n || placed.at != at {
            return violation(format!("offset {offset} is publication {}, and came as {n}", placed.n));
        }
        if published.passes {
            return violation(format!("publication {n} is ephemeral and came with offset {offset}"));
        }
        let here = (epoch.0, offset);
        match published.delivered {
            // What a stream in memory had is gone with it, so the publisher's second try is the first of a new epoch.
            Some(before) if before != here && (class == Class::Durable || before.0 == epoch.0) => {
                violation(format!("publication {n} came at offset {} and at offset {offset}", before.1))
            }
            _ => {
                published.delivered = Some(here);
                Ok(())
            }
        }
    }

    /// What came over a connection was placed while its token was good, or until the server had to look at the clock: it
    /// looks every half second, and a second after a connection was opened.
    pub(crate) fn held_a_token(
        &self,
        (client, conn): (usize, ConnId),
        stream: &StreamName,
        epoch: Epoch,
        offset: u64,
    ) -> Result<(), Violation> {
        let placed = self.lines.get(stream).and_then(|line| line.at(epoch.0, offset));
        match (self.ends.tokens.get(&conn), placed) {
            (Some(ends_ms), Some(placed)) if placed.taken_ms > ends_ms + LOOK_MS => {
                let late_ms = placed.taken_ms - ends_ms;
                let what = format!("offset {offset} came, placed {late_ms} ms after the connection's token had ended");
                Err(Violation::new(About::both(client, stream), what))
            }
            _ => Ok(()),
        }
    }

    /// A client was told that its publication is stored, perhaps where.
    pub(crate) fn stored(&mut self, client: usize, n: usize, place: Option<(Epoch, u64)>) -> Result<(), Violation> {
        self.tally.stored += 1;
        let Some(published) = self.published.get_mut(n) else { return Ok(()) };
        published.stored = true;
        let stream = published.stream.clone();
        let Some((epoch, offset)) = place else { return Ok(()) };
        match self.lines.get_mut(&stream).and_then(|line| line.at_mut(epoch.0, offset)) {
            Some(placed) if placed.n == n => {
                placed.shown = true;
                Ok(())
            }
            other => {
                let there = other.map(|placed| placed.n);
                let what = format!("publication {n} was told to be stored at offset {offset}, where {there:?} is");
                Err(Violation::new(About::both(client, &stream), what))
            }
        }
    }

    pub(crate) fn class(&self, stream: &StreamName) -> Class {
        self.plan.policy(stream).class
    }

    /// Whether a value of class latest was replaced by a later one.
    pub(crate) fn is_replaced(&self, stream: &StreamName, epoch: Epoch, offset: u64) -> bool {
        let Some(line) = self.lines.get(stream) else { return false };
        let Some(value) = line.at(epoch.0, offset) else { return true };
        line.behind(epoch.0, offset).any(|later| later.key == value.key)
    }

    /// Whether a session of this life of the server must be there to be resumed.
    pub(crate) fn must_be_kept(&self, known: &Known) -> bool {
        let waits = self.ends.parked.get(&known.session).is_none_or(|until_ms| self.now.instant.0 < *until_ms);
        waits && known.life == self.life && self.plan.bounds.parked > 1
    }

    /// The server's memory is gone.
    pub(crate) fn crashed(&mut self) {
        self.life += 1;
        self.devices.values_mut().for_each(Device::crashed);
    }
}
