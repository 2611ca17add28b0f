//! Gives a publication its place: known by its key or new, in memory or on its way to the disk, or to whoever is there.

use crate::cell::Cell;
use crate::commit::{NotTaken, Waiting};
use crate::fan::Fan;
use crate::landing::{Answer, Hearer, Landing};
use crate::shared::{Shared, Store};
use crate::streams::{NoStream, Streaming, watch, with_channel, with_inbox};
use crate::sync::lock;
use std::sync::Arc;
use tidings_core::keys::{Known, Placed};
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
}

impl Failed {
    const fn new(code: Code, text: &'static str) -> Self {
        Self { code, text, retry_after_ms: None }
    }
}

impl From<NoStream> for Failed {
    fn from(none: NoStream) -> Self {
        Self::new(none.code(), none.text())
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
    /// The shared payload on disk that the publications' data lie in.
    pub(crate) share: Option<u64>,
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
                    lock(&self.shared.keys).forget(publisher, key);
                }
                outcome
            }
            Known::Noted => Outcome::Failed(Failed {
                code: Code::Busy,
                text: "a publication with the same idempotency key is being placed; try again",
                retry_after_ms: Some(NOTED_RETRY_MS),
            }),
            Known::UnderWay(placed) if publication.wait == Wait::Stored => {
                let (cell, answer) = match self.again(target, &placed, Level::Stored) {
                    Ok((Some(cell), answer)) => (cell, answer),
                    // Its stream is gone from memory, so it is written.
                    Ok((None, answer)) => return Outcome::Now(answer),
                    Err(failed) => return Outcome::Failed(failed),
                };
                self.wait_too(cell, hearer(answer))
            }
            Known::UnderWay(placed) | Known::Done(placed) => {
                let level = if publication.wait == Wait::Stored { Level::Stored } else { Level::Accepted };
                match self.again(target, &placed, level) {
                    Ok((_, answer)) => Outcome::Now(answer),
                    Err(failed) => Outcome::Failed(failed),
                }
            }
        }
    }

    /// The answer that was given before, and the stream that it is about if that is in memory.
    fn again(
        &self,
        target: Target<'_>,
        placed: &Placed,
        level: Level,
    ) -> Result<(Option<Arc<Cell>>, Answer), Failed> {
        let Some(channel) = &placed.channel else {
            let user = match target {
                Target::User(user) => self.shared.users.find(user),
                Target::Channel(_) => None,
            };
            let sessions = user.as_ref().map_or(0, |cell| cell.stream().members());
            return Ok((user, Answer::Sent(Sent { sessions, level })));
        };
        let name = ChannelName::parse(channel).map_err(|error| Failed::new(Code::BadRequest, error.text()))?;
        let found = with_channel(self.shared, name, |cell, stream| (Arc::clone(cell), stream.number()));
        let (cell, stream) = found?;
        let published = Published { stream, epoch: placed.epoch, offset: placed.offset, level };
        Ok((Some(cell), Answer::Published(published)))
    }

    /// Waits for the barrier behind what waits already.
    fn wait_too(&self, cell: Arc<Cell>, hearer: Hearer) -> Outcome {
        let Some(store) = &self.shared.store else { return Outcome::Later };
        let wait = |waiting: &mut Waiting| {
            cell.unwritten();
            waiting.landings.push(Landing { cell, up_to: 0, hearer: Some(hearer), key: None, bytes: 0 });
        };
        match store.commit.enter(0, wait) {
            Ok(()) => Outcome::Later,
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
            Target::User(user) if publication.class != Class::Durable => match shared.users.find(user) {
                Some(cell) => match cell.living() {
                    Some(stream) => self.place_in(&cell, stream, false, publication, hearer),
                    None => nobody(),
                },
                None => nobody(),
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
                self.note(cell, publication, offset, epoch, false);
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
        self.note(cell, publication, offset, epoch, true);
        self.shared.counters.published.add(1);
        Outcome::Now(answer(offset, Level::Accepted))
    }

    /// Tells the key of a publication where it went.
    fn note(
        &self,
        cell: &Arc<Cell>,
        publication: &Publication<'_>,
        offset: u64,
        epoch: Epoch,
        is_done: bool,
    ) {
        let Some(key) = publication.idempotency_key else { return };
        let channel = (cell.kind() == Kind::Channel).then(|| Arc::clone(cell.shared_name()));
        let placed = Placed { channel, epoch, offset };
        let mut keys = lock(&self.shared.keys);
        // The barrier may have come already. It is raised before its keys are told, so under their lock one of the two is
        // seen.
        let is_done = is_done || cell.landed() >= offset;
        let known = if is_done { Known::Done(placed) } else { Known::UnderWay(placed) };
        keys.tell(publication.from.map(|from| &**from), key, known);
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
            return Err(Failed::new(
                Code::Limit,
                "overflow: as much is kept on disk of this stream as may be; try again when some of it was received",
            ));
        }
        let (now, share, epoch) = (self.now, self.share, stream.position().epoch);
        let bytes = publication.data.bytes().len() + RECORD_BYTES;
        store.commit.enter(bytes, |waiting| {
            let Append { stream: number, entry, bytes_sum, head } =
                stream.append(publication, now).expect("the stream is on disk: its number there was seen under this lock");
            let offset = entry.offset;
            let (kind, name) = (cell.kind(), cell.shared_name());
            if let Some(head) = head {
                waiting.ops.push(Op::Head { kind, name: Arc::clone(name), head });
            }
            let key = publication.idempotency_key.map(|key| (publication.from.cloned(), Box::from(key)));
            if let Some((publisher, key)) = key.clone() {
                let at = now.wall_ms;
                let name = Arc::clone(name);
                waiting.ops.push(Op::Key(KeptKey { publisher, key, at, kind, name, stream: number, epoch, offset }));
            }
            waiting.ops.push(Op::Append { stream: number, entry, bytes_sum, share });
            cell.unwritten();
            let hearer = hearer(offset);
            waiting.landings.push(Landing { cell: Arc::clone(cell), up_to: offset, hearer, key, bytes });
            offset
        })
        .map_err(Failed::from)
    }
}

/// What is sent to a user who is not there and is not kept.
const fn nobody() -> Outcome {
    Outcome::Now(Answer::Sent(Sent { sessions: 0, level: Level::Accepted }))
}
