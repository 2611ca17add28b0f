//! Gives a publication its place: known by its key or new, in memory or on its way to the disk, or to whoever is there.

use crate::cell::Cell;
use crate::fan::Fan;
use crate::share::Share;
use crate::shared::{Shared, Store};
use crate::streams::{NoStream, Streaming, watch, with_channel, with_inbox};
use crate::sync::lock;
use crate::waiting::{Answer, FAILED, Hearer, Landing, NotTaken};
use std::sync::Arc;
use tidings_core::keys::{Known, Placed};
use tidings_core::limit::Limit;
use tidings_core::policy::Class;
use tidings_core::stream::{Append, Publication};
use tidings_core::time::Now;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::command::Wait;
use tidings_proto::frame::{Level, Published, Sent};
use tidings_proto::id::Epoch;
use tidings_proto::kept::Kind;
use tidings_store::op::{KeptKey, Op};

/// When a publisher should try again for whom too much waits for the disk.
const BUSY_RETRY_MS: u64 = 1_000;

/// When a publisher should try again whose publication of the same key has no place yet.
const NOTED_RETRY_MS: u64 = 100;

/// What a record counts for in the queue beside its data.
const RECORD_BYTES: usize = 256;

/// Where a publication goes.
#[derive(Clone, Copy)]
pub(crate) enum Target<'t> {
    Channel(ChannelName<'t>),
    User(&'t str),
}

/// What became of a publication.
pub(crate) enum Outcome {
    /// It is answered now.
    Now(Answer),
    /// Whoever asked hears of it when it is stored.
    Later,
    /// It failed and changed nothing.
    Failed(Failed),
}

/// Why a publication failed.
#[derive(Clone, Copy)]
pub(crate) struct Failed {
    pub(crate) code: Code,
    pub(crate) text: &'static str,
    pub(crate) retry_after_ms: Option<u64>,
    /// The limit that was reached, where it was one.
    pub(crate) limit: Option<Limit>,
}

impl Failed {
    const fn new(code: Code, text: &'static str) -> Self {
        Self { code, text, retry_after_ms: None, limit: None }
    }
}

impl From<NoStream> for Failed {
    fn from(none: NoStream) -> Self {
        Self { limit: none.limit(), ..Self::new(none.code(), none.text()) }
    }
}

impl From<NotTaken> for Failed {
    fn from(not_taken: NotTaken) -> Self {
        match not_taken {
            NotTaken::Failing => Self::new(
                Code::Unavailable,
                "the store has failed and is being opened afresh: nothing is kept on disk now; try again later",
            ),
            NotTaken::Busy => Self {
                code: Code::Busy,
                text: "store.queue_bytes_max: as much waits for the disk as may; try again later",
                retry_after_ms: Some(BUSY_RETRY_MS),
                limit: Some(Limit::StoreQueue),
            },
        }
    }
}

/// One batch's publications, and what they lead to.
pub(crate) struct Placing<'p> {
    pub(crate) shared: &'p Shared,
    pub(crate) now: Now,
    pub(crate) fan: &'p mut Fan,
    /// Cells in which something waits to be fanned out.
    pub(crate) placed: &'p mut Vec<Arc<Cell>>,
    /// The payload on disk that the publications' data lie in.
    pub(crate) share: Option<&'p Share>,
}

impl Placing<'_> {
    /// Places a publication. `hearer` makes who is told when it is stored of the answer.
    pub(crate) fn place(
        &mut self,
        target: Target<'_>,
        publication: &Publication<'_>,
        hearer: impl FnOnce(Answer) -> Hearer,
    ) -> Outcome {
        let Some(key) = publication.idempotency_key else { return self.place_new(target, publication, hearer) };
        let publisher = publication.from.map(|from| &**from);
        let known = lock(&self.shared.keys).note(publisher, key, self.shared.clock.steady_wall_ms());
        if known != Known::New {
            self.shared.counters.duplicates.add(1);
        }
        match known {
            Known::New => {
                let outcome = self.place_new(target, publication, hearer);
                if matches!(outcome, Outcome::Failed(_)) {
                    self.free(publisher, key);
                }
                outcome
            }
            Known::Noted => Outcome::Failed(Failed {
                code: Code::Busy,
                text: "a publication with the same idempotency key is being placed; try again",
                retry_after_ms: Some(NOTED_RETRY_MS),
                limit: None,
            }),
            Known::UnderWay(placed) if publication.wait == Wait::Stored => {
                match self.again(target, &placed, publication.wait) {
                    Ok(answer) => self.wait_too((publisher, key), &placed, hearer(answer)),
                    Err(failed) => Outcome::Failed(failed),
                }
            }
            Known::UnderWay(placed) | Known::Done(placed) => {
                self.again(target, &placed, publication.wait).map_or_else(Outcome::Failed, Outcome::Now)
            }
        }
    }

    /// The publication failed: its key may be tried again. If the store was opened afresh meanwhile, and has one of that
    /// key from before, the key answers for that.
    fn free(&self, publisher: Option<&str>, key: &str) {
        let mut keys = lock(&self.shared.keys);
        if !matches!(keys.note(publisher, key, self.shared.clock.steady_wall_ms()), Known::Done(_)) {
            keys.forget(publisher, key);
        }
    }

    /// The answer that was given before. It is called stored only if it is about something that is.
    fn again(&self, target: Target<'_>, placed: &Placed, wait: Wait) -> Result<Answer, Failed> {
        let Some(channel) = &placed.channel else {
            let is_kept = self.shared.store.is_some() && placed.offset > 0;
            let sessions = match target {
                Target::User(user) => self.shared.streams.users.find(user).map_or(0, |cell| cell.stream().members()),
                Target::Channel(_) => 0,
            };
            return Ok(Answer::Sent(Sent { sessions, level: level(wait, is_kept) }));
        };
        let name = ChannelName::parse(channel).map_err(|error| Failed::new(Code::BadRequest, error.text()))?;
        let found = with_channel(self.shared, name, |_, stream| (stream.number(), stream.disk_number().is_some()));
        let (stream, is_on_disk) = found?;
        let level = level(wait, is_on_disk && placed.offset > 0);
        Ok(Answer::Published(Published { stream, epoch: placed.epoch, offset: placed.offset, level }))
    }

    /// Waits for the barrier behind what waits already, with the publication that it repeats.
    fn wait_too(&self, (publisher, key): (Option<&str>, &str), placed: &Placed, hearer: Hearer) -> Outcome {
        let failed = Failed::new(Code::Unavailable, FAILED);
        let Some(store) = &self.shared.store else { return Outcome::Failed(failed) };
        let now_ms = self.shared.clock.steady_wall_ms();
        let entered = store.commit.enter(0, |waiting| {
            let mut keys = lock(&self.shared.keys);
            match keys.note(publisher, key, now_ms) {
                Known::UnderWay(known) | Known::Done(known) if known == *placed => {
                    waiting.landings.push(Landing { cell: None, up_to: 0, hearer: Some(hearer), key: None, bytes: 0 });
                    return true;
                }
                // It has failed since it was looked for, and the store is open again already.
                Known::New => keys.forget(publisher, key),
                _ => {}
            }
            false
        });
        match entered {
            Ok(true) => Outcome::Later,
            Ok(false) => Outcome::Failed(failed),
            Err(not_taken) => Outcome::Failed(not_taken.into()),
        }
    }

    fn place_new(
        &mut self,
        target: Target<'_>,
        publication: &Publication<'_>,
        hearer: impl FnOnce(Answer) -> Hearer,
    ) -> Outcome {
        let shared = self.shared;
        match target {
            Target::Channel(channel) => {
                let placed = with_channel(shared, channel, |cell, stream| {
                    self.place_in(cell, stream, true, publication, hearer)
                });
                placed.unwrap_or_else(|none| Outcome::Failed(none.into()))
            }
            // Who is not there gets nothing of what is not kept, so nothing is made for it.
            Target::User(user) if publication.class != Class::Durable => match shared.streams.users.find(user) {
                Some(cell) => match cell.living() {
                    Some(stream) => self.place_in(&cell, stream, false, publication, hearer),
                    None => self.pass_nobody(publication),
                },
                None => self.pass_nobody(publication),
            },
            Target::User(user) => {
                let placed =
                    with_inbox(shared, user, |cell, stream| self.place_in(cell, stream, false, publication, hearer));
                placed.unwrap_or_else(|none| Outcome::Failed(none.into()))
            }
        }
    }

    fn place_in(
        &mut self,
        cell: &Arc<Cell>,
        mut stream: Streaming<'_>,
        is_channel: bool,
        publication: &Publication<'_>,
        hearer: impl FnOnce(Answer) -> Hearer,
    ) -> Outcome {
        let members = stream.members();
        let (number, epoch) = (stream.number(), stream.position().epoch);
        let answer = |offset, level| {
            if is_channel {
                Answer::Published(Published { stream: number, epoch, offset, level })
            } else {
                Answer::Sent(Sent { sessions: members, level })
            }
        };
        let offset = match &self.shared.store {
            _ if publication.class == Class::Ephemeral && stream.class() != Class::Ephemeral => {
                stream.pass(publication, self.now, self.fan);
                0
            }
            Some(store) if stream.disk_number().is_some() => {
                let wait = publication.wait;
                let level = if wait == Wait::Stored { Level::Stored } else { Level::Accepted };
                let told = |offset| (wait == Wait::Stored).then(|| hearer(answer(offset, level)));
                let offset = match self.append(store, cell, &mut stream, publication, told) {
                    Ok(offset) => offset,
                    Err(failed) => return Outcome::Failed(failed),
                };
                drop(stream);
                watch(self.shared, cell, self.now);
                self.shared.counters.published.add(1);
                return if wait == Wait::Stored {
                    Outcome::Later
                } else {
                    Outcome::Now(answer(offset, Level::Accepted))
                };
            }
            _ => stream.publish(publication, self.now),
        };
        let is_pending = stream.is_pending();
        drop(stream);
        if is_pending && !self.placed.iter().any(|placed| Arc::ptr_eq(placed, cell)) {
            self.placed.push(Arc::clone(cell));
        }
        self.done(publication, placed_in(cell, epoch, offset));
        self.shared.counters.published.add(1);
        Outcome::Now(answer(offset, Level::Accepted))
    }

    /// What is sent to a user who is not there and is not kept.
    fn pass_nobody(&self, publication: &Publication<'_>) -> Outcome {
        self.done(publication, Placed { channel: None, epoch: Epoch(0), offset: 0 });
        Outcome::Now(Answer::Sent(Sent { sessions: 0, level: Level::Accepted }))
    }

    /// Tells the key of a publication where it went that waits for no disk.
    fn done(&self, publication: &Publication<'_>, placed: Placed) {
        if let Some(key) = publication.idempotency_key {
            lock(&self.shared.keys).tell(publication.from.map(|from| &**from), key, Known::Done(placed));
        }
    }

    /// Gives a publication its place in a stream on disk, and queues what must be written for it.
    fn append(
        &self,
        store: &Store,
        cell: &Arc<Cell>,
        stream: &mut Streaming<'_>,
        publication: &Publication<'_>,
        hearer: impl FnOnce(u64) -> Option<Hearer>,
    ) -> Result<u64, Failed> {
        if stream.is_full() {
            let text =
                "overflow: as much is kept on disk of this stream as may be; try again when some of it was received";
            return Err(Failed { limit: Some(Limit::Stored), ..Failed::new(Code::Limit, text) });
        }
        let (now, epoch) = (self.now, stream.position().epoch);
        let bytes = publication.data.bytes().len() + RECORD_BYTES;
        let queued = store.commit.enter(bytes, |waiting| {
            let Append { stream: number, entry, bytes_sum, head } = stream
                .append(publication, now)
                .expect("the stream is on disk: its number there was seen under this lock");
            let offset = entry.offset;
            let (kind, name) = (cell.kind(), cell.shared_name());
            if let Some(head) = head {
                waiting.ops.push(Op::Head { kind, name: Arc::clone(name), head });
            }
            let key = publication.idempotency_key.map(|key| (publication.from.cloned(), Box::from(key)));
            if let Some((publisher, key)) = key.clone() {
                // Before the thread that writes can see it, so that what it tells of the key comes later.
                let known = Known::UnderWay(placed_in(cell, epoch, offset));
                lock(&self.shared.keys).tell(publisher.as_deref(), &key, known);
                // Not moved by steps of the wall clock, which would keep it too long or not at all.
                let (at, name) = (self.shared.clock.steady_wall_ms(), Arc::clone(name));
                waiting.ops.push(Op::Key(KeptKey { publisher, key, at, kind, name, stream: number, epoch, offset }));
            }
            let share = self.share.map(|share| share.queue(waiting));
            waiting.ops.push(Op::Append { stream: number, entry, bytes_sum, share });
            cell.unwritten();
            let hearer = hearer(offset);
            waiting.landings.push(Landing { cell: Some(Arc::clone(cell)), up_to: offset, hearer, key, bytes });
            offset
        });
        queued.map_err(Failed::from)
    }
}

fn placed_in(cell: &Cell, epoch: Epoch, offset: u64) -> Placed {
    let channel = (cell.kind() == Kind::Channel).then(|| Arc::clone(cell.shared_name()));
    Placed { channel, epoch, offset }
}

/// What is told of a publication that is where it should be.
const fn level(wait: Wait, is_kept: bool) -> Level {
    match wait {
        Wait::Stored if is_kept => Level::Stored,
        _ => Level::Accepted,
    }
}
