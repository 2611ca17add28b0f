//! The engine of a host: started, drained, stopped, freed.

use crate::border::{self, Needs};
use crate::bridge::{Bridge, Manner};
use crate::config::TidingsConfig;
use crate::draft::{Draft, Numbers};
use crate::event::TidingsEventKind;
use crate::fork;
use crate::local::Locals;
use crate::memory::wanted;
use crate::queue::{Bounds, Queue};
use crate::requests::Requests;
use crate::served::Doors;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::status::{Failure, TidingsError, TidingsStatus};
use std::mem::{self, MaybeUninit};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidings::Engine;
use tokio::runtime::{Builder, Handle, Runtime};

/// How long the runtime's threads have to end when everything that they did has.
const THREADS_PATIENCE: Duration = Duration::from_secs(5);

/// The longest patience that clocks can add up, ten years, in milliseconds.
const PATIENCE_MS_MAX: u64 = 10 * 365 * 86_400_000;

fn patience(ms: u64) -> Duration {
    Duration::from_millis(ms.min(PATIENCE_MS_MAX))
}

/// What an engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsState {
    /// It takes connections.
    Running = 1,
    /// It takes no more, and lets those that there are end.
    Stopping = 2,
    /// It has ended.
    Stopped = 3,
    /// It has failed inside: stop and free it.
    Poisoned = 4,
}

/// A running engine, with threads of its own.
#[derive(Debug)]
pub struct TidingsEngine {
    engine: Engine,
    parts: Parts,
    doors: Doors,
    handle: Handle,
    /// Until it is stopped. Who stops holds the lock for as long as that takes.
    runtime: Mutex<Option<Runtime>>,
    state: AtomicI32,
    is_poisoned: AtomicBool,
    forks: u64,
}

/// What the engine and its host share.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) queue: Arc<Queue>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) locals: Arc<Locals>,
    pub(crate) bridge: Bridge,
}

impl Parts {
    fn new(settings: &Settings) -> Result<Self, String> {
        let host = &settings.host;
        if host.events_max == 0 || host.events_bytes_max == 0 {
            return Err("host.events_max and host.events_bytes_max must be more than 0".into());
        }
        let bounds = Bounds { events_max: host.events_max, bytes_max: host.events_bytes_max };
        let queue = Arc::new(Queue::new(bounds));
        let resumed_within = Duration::from_millis(settings.times.resume_window_ms);
        let sessions = Arc::new(Sessions::new(resumed_within, settings.limits.connections_max));
        let manner = Manner::of(host, Duration::from_millis(settings.times.question_timeout_ms))?;
        let bridge = Bridge::new(Arc::clone(&queue), Arc::clone(&sessions), manner);
        let requests = Arc::new(Requests::new(Arc::clone(&queue), host.data));
        let locals = Arc::new(Locals::new(Arc::clone(&queue)));
        Ok(Self { queue, requests, sessions, locals, bridge })
    }
}

impl TidingsEngine {
    fn start(settings: &Settings) -> Result<Self, Failure> {
        fork::watch();
        let config = |why| Failure::new(TidingsStatus::Config, why);
        let parts = Parts::new(settings).map_err(config)?;
        let mut builder = Builder::new_multi_thread();
        if settings.host.threads > 0 {
            builder.worker_threads(settings.host.threads);
        }
        let runtime = builder.thread_name("tidings").enable_all().build().map_err(|error| {
            Failure::new(TidingsStatus::Runtime, format!("the engine's threads cannot be started: {error}"))
        })?;
        let handle = runtime.handle().clone();
        let _inside = handle.enter();
        let engine = Engine::start(settings.engine(), parts.bridge.clone())?;
        let doors = Doors::new(&engine, settings).map_err(config)?;
        Ok(Self {
            engine,
            parts,
            doors,
            handle: handle.clone(),
            runtime: Mutex::new(Some(runtime)),
            state: AtomicI32::new(TidingsState::Running as i32),
            is_poisoned: AtomicBool::new(false),
            forks: fork::count(),
        })
    }

    /// The engine as a Rust host has it.
    pub(crate) const fn inner(&self) -> &Engine {
        &self.engine
    }

    pub(crate) const fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) const fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Where tasks are started.
    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether a call may go on.
    pub(crate) fn check(&self, needs: Needs) -> Result<(), Failure> {
        if self.forks != fork::count() {
            let text = "this process is a fork of the one that started the engine: start one of its own after the fork";
            return Err(Failure::new(TidingsStatus::Forked, text));
        }
        if needs != Needs::Nothing && self.is_poisoned.load(Ordering::Relaxed) {
            return Err(Failure::new(TidingsStatus::Poisoned, "the engine has failed inside before: stop and free it"));
        }
        if needs == Needs::Running && self.state.load(Ordering::Relaxed) == TidingsState::Stopped as i32 {
            return Err(Failure::new(TidingsStatus::Stopped, "the engine was stopped"));
        }
        Ok(())
    }

    /// The library has failed inside: nothing but stopping and freeing is answered from now on.
    pub(crate) fn poison(&self) {
        self.is_poisoned.store(true, Ordering::Relaxed);
        self.parts.queue.close();
    }

    fn state(&self) -> i32 {
        if self.is_poisoned.load(Ordering::Relaxed) {
            return TidingsState::Poisoned as i32;
        }
        self.state.load(Ordering::Relaxed)
    }

    fn begin_to_stop(&self) {
        let running = TidingsState::Running as i32;
        let stopping = TidingsState::Stopping as i32;
        // It fails when somebody else was first, which comes to the same.
        let _ = self.state.compare_exchange(running, stopping, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Ends everything. Whoever comes second waits for the first, and finds nothing left to do.
    fn stop(&self, patience: Duration) -> usize {
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = runtime.take() else { return 0 };
        self.begin_to_stop();
        let left = running.block_on(async {
            let left = self.engine.shutdown(patience).await;
            self.doors.close(patience).await;
            left
        });
        self.parts.locals.close();
        self.state.store(TidingsState::Stopped as i32, Ordering::Relaxed);
        self.parts.queue.close();
        running.shutdown_timeout(THREADS_PATIENCE);
        left
    }

    /// Begins to end everything; whoever waits for it is told by an event.
    fn drain(&self, patience: Duration) -> u64 {
        self.begin_to_stop();
        let engine = self.engine.clone();
        self.parts.requests.begin(&self.handle, async move {
            let count = engine.shutdown(patience).await as u64;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| {
                let numbers = Numbers { count, ..Numbers::default() };
                tell(&Draft { id, numbers, ..Draft::new(TidingsEventKind::Done) });
            }) as crate::requests::Telling)
        })
    }
}

/// Starts an engine. Where `store.path` is set, the store there is opened, which may take a while.
///
/// Thread: any. Blocks: while the store is opened. Owner: the configuration stays the caller's and may be freed or used again;
/// the caller frees `*engine` with `tidings_engine_free`. After a fork an engine works in the process alone that started it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_start(
    config: Option<&TidingsConfig>,
    engine: Option<&mut MaybeUninit<*mut TidingsEngine>>,
    error: *mut TidingsError,
) -> i32 {
    border::cross("tidings_engine_start", error, || {
        let engine = wanted(engine, "engine")?;
        let settings = border::there(config, "config")?.settings()?;
        engine.write(Box::into_raw(Box::new(TidingsEngine::start(&settings)?)));
        Ok(())
    })
}

/// Tells what an engine is doing: `*state` becomes a `tidings_state`.
///
/// Thread: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_state(
    engine: Option<&TidingsEngine>,
    state: Option<&mut MaybeUninit<i32>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_state", engine, Needs::Nothing, error, |engine| {
        wanted(state, "state")?.write(engine.state());
        Ok(())
    })
}

/// Begins to stop an engine without waiting: it takes no more connections, tells each client when to come back, and lets what
/// waits for them leave. When all are gone or `patience_ms` is over, the request `*request` is done: `TIDINGS_EVENT_KIND_DONE`,
/// `count` the sessions that are still there. Then stop it.
///
/// Thread: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_drain(
    engine: Option<&TidingsEngine>,
    patience_ms: u64,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_engine_drain", engine, error, |engine| {
        let request = wanted(request, "request")?;
        request.write(engine.drain(patience(patience_ms)));
        Ok(())
    })
}

/// Stops an engine: takes no more connections, tells each client when to come back, lets what waits for them leave, for at most
/// `patience_ms`; then what waits for the disk is written, and the threads end. `*left` (which may be NULL) becomes how many
/// sessions were still there. What waits can be polled after it. An engine that was stopped is not stopped twice: that is
/// no error.
///
/// Thread: any but the wake callback. Other threads that poll are woken. Blocks: for up to twice `patience_ms`, and up to
/// 30 s for a disk that does not answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_stop(
    engine: Option<&TidingsEngine>,
    patience_ms: u64,
    left: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_engine_stop", engine, Needs::Nothing, error, |engine| {
        let count = engine.stop(patience(patience_ms));
        if let Some(left) = left {
            left.write(count as u64);
        }
        Ok(())
    })
}

/// Frees an engine and sets `*engine` to NULL. NULL, in either place, is nothing to free. An engine that was not stopped is
/// stopped first, without patience. Batches are their owner's and stay. In a fork of the process that started it, what it holds
/// is left alone, and `TIDINGS_STATUS_FORKED` is returned.
///
/// Thread: any, when no other call uses it. Blocks: no, if it was stopped; else as `tidings_engine_stop`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_engine_free(engine: Option<&mut *mut TidingsEngine>) -> i32 {
    border::cross("tidings_engine_free", std::ptr::null_mut(), || {
        // SAFETY: it is from `tidings_engine_start`, and the caller uses it nowhere else.
        let Some(engine) = engine.and_then(|engine| unsafe { border::give_back(engine) }) else { return Ok(()) };
        if let Err(failure) = engine.check(Needs::Nothing) {
            // Its threads are in another process, so nothing of it would end here.
            mem::forget(engine);
            return Err(failure);
        }
        engine.stop(Duration::ZERO);
        Ok(())
    })
}
