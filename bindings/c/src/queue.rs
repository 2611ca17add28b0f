//! What waits for the host: bounded, handed over in chunks, and told by whatever the host waits on.

use crate::draft::{Chunk, Draft, Numbers};
use crate::event::TidingsEventKind;
use crate::ready::Ready;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Events of one batch, and bytes after which one is full.
const BATCH_EVENTS_MAX: usize = 4_096;
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// What may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) events_max: usize,
    pub(crate) bytes_max: usize,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// What a poll came to.
#[derive(Debug)]
pub(crate) enum Polled {
    /// Some events.
    Events(Chunk),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    Ended,
}

/// Events on their way to the host. Its lock is a leaf: under it nothing is locked and nothing is called.
#[derive(Debug)]
pub(crate) struct Queue {
    bounds: Bounds,
    state: Mutex<State>,
    arrived: Condvar,
    ready: Ready,
}

#[derive(Debug, Default)]
struct State {
    full: VecDeque<Chunk>,
    open: Chunk,
    /// Of all chunks.
    events: usize,
    bytes: usize,
    /// Notices that found no room since the last poll.
    lost: u64,
    /// Threads that wait in a poll.
    waiting: usize,
    /// Local connections that wait for room.
    writers: Vec<Waker>,
    /// Whether the host was told that something waits.
    told: bool,
    closed: bool,
}

impl State {
    fn push(&mut self, draft: &Draft<'_>) {
        self.events += 1;
        self.bytes += draft.bytes();
        self.open.push(draft);
        if self.open.len() >= BATCH_EVENTS_MAX || self.open.size() >= BATCH_BYTES_MAX {
            self.full.push_back(mem::take(&mut self.open));
        }
    }

    fn is_empty(&self) -> bool {
        self.full.is_empty() && self.open.is_empty()
    }

    fn take(&mut self) -> Option<Chunk> {
        let chunk = match self.full.pop_front() {
            Some(chunk) => chunk,
            None if self.open.is_empty() => return None,
            None => mem::take(&mut self.open),
        };
        self.events -= chunk.len();
        self.bytes -= chunk.size();
        Some(chunk)
    }
}

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default(), arrived: Condvar::new(), ready: Ready::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, state: &State) -> bool {
        state.events < self.bounds.events_max && state.bytes < self.bounds.bytes_max
    }

    /// Tells the host, whatever waits: of what it asked for itself.
    pub(crate) fn tell(&self, draft: &Draft<'_>) {
        self.tell_all(|tell| tell(draft));
    }

    /// The same of several, which stay together.
    pub(crate) fn tell_all(&self, drafts: impl FnOnce(&mut dyn FnMut(&Draft<'_>))) {
        let mut state = self.state();
        drafts(&mut |draft| state.push(draft));
        self.wake(state);
    }

    /// Asks the host, if there is room.
    pub(crate) fn ask(&self, draft: &Draft<'_>) -> Result<(), Full> {
        let mut state = self.state();
        if state.closed || !self.has_room(&state) {
            return Err(Full);
        }
        state.push(draft);
        self.wake(state);
        Ok(())
    }

    /// Tells the host of something that it can find out otherwise, if there is room; else that it was not told.
    pub(crate) fn notice(&self, draft: &Draft<'_>) {
        let mut state = self.state();
        if !self.has_room(&state) {
            state.lost += 1;
            return;
        }
        self.own_up(&mut state);
        state.push(draft);
        self.wake(state);
    }

    /// Tells how many notices were lost, before the next one.
    fn own_up(&self, state: &mut State) {
        let lost = mem::take(&mut state.lost);
        if lost > 0 {
            let numbers = Numbers { count: lost, ..Numbers::default() };
            state.push(&Draft { numbers, ..Draft::new(TidingsEventKind::Lost) });
        }
    }

    /// Tells the host of frames for a local connection, all or none of them.
    pub(crate) fn frames<'a>(&self, drafts: impl Iterator<Item = Draft<'a>>) -> Result<(), Full> {
        let mut state = self.state();
        if !self.has_room(&state) {
            return Err(Full);
        }
        drafts.for_each(|draft| state.push(&draft));
        self.wake(state);
        Ok(())
    }

    /// Whether a local connection finds room now; if not, it is woken when it does.
    pub(crate) fn wants_room(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        let has_room = self.has_room(&state) || state.closed;
        if !has_room && !state.writers.iter().any(|known| known.will_wake(waker)) {
            state.writers.push(waker.clone());
        }
        has_room
    }

    /// Takes a chunk, waiting for one for as long as `patience`; `None` is for ever.
    pub(crate) fn poll(&self, patience: Option<Duration>) -> Polled {
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut state = self.state();
        loop {
            if state.lost > 0 && state.is_empty() {
                self.own_up(&mut state);
            }
            if let Some(chunk) = state.take() {
                self.taken(state);
                return Polled::Events(chunk);
            }
            if state.closed {
                return Polled::Ended;
            }
            let left = match (patience, deadline) {
                (None, _) | (_, None) => Duration::from_secs(3_600),
                (_, Some(deadline)) => deadline.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                return Polled::Nothing;
            }
            state.waiting += 1;
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
    }

    /// Wakes whoever waits for room, and takes back that something waits where nothing does.
    fn taken(&self, mut state: MutexGuard<'_, State>) {
        let writers = if self.has_room(&state) { mem::take(&mut state.writers) } else { Vec::new() };
        if state.is_empty() && state.told && !state.closed {
            state.told = false;
            self.ready.lower();
        }
        drop(state);
        writers.into_iter().for_each(Waker::wake);
    }

    /// Tells the host that something waits, if it was not told.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if state.waiting > 0 {
            self.arrived.notify_one();
        }
        let was_told = mem::replace(&mut state.told, true);
        if !was_told {
            self.ready.raise();
        }
        drop(state);
        if !was_told {
            self.ready.call();
        }
    }

    /// Nothing is taken any more but what waits.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.told = true;
        self.ready.raise();
        let writers = mem::take(&mut state.writers);
        drop(state);
        self.arrived.notify_all();
        writers.into_iter().for_each(Waker::wake);
        self.ready.call();
    }

    /// A descriptor that can be read from while something waits.
    pub(crate) fn descriptor(&self) -> io::Result<i32> {
        // Under the lock, so that nothing is missed.
        let state = self.state();
        self.ready.descriptor(state.told)
    }

    /// What is called when something begins to wait.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }
}
