//! The engine of a host: started, drained, stopped, freed.

use crate::bridge::{Bridge, Manner};
use crate::doors::Doors;
use crate::draft::{Draft, Numbers};
use crate::event::TidingsEventKind;
use crate::fork;
use crate::locals::Locals;
use crate::logs;
use crate::queue::{Bounds, Queue};
use crate::requests::{Requests, Telling};
use crate::revocations::Revoked;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::status::{Failure, TidingsStatus};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidings::Engine;
use tokio::runtime::{Builder, Handle, Runtime};
use tracing::dispatcher::with_default;

/// How long the runtime's threads have to end when everything that they did has.
const THREADS_PATIENCE: Duration = Duration::from_secs(5);

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

/// What an engine must be for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Running, or on its way to its end.
    Running,
    /// Not broken.
    Whole,
    /// Nothing: it is to be stopped.
    Nothing,
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
    pub(crate) revoked: Arc<Revoked>,
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
        let revoked = Arc::new(Revoked::new(host.revocations_max));
        let manner = Manner::of(host, Duration::from_millis(settings.times.question_timeout_ms))?;
        let bridge = Bridge::new(Arc::clone(&queue), Arc::clone(&sessions), Arc::clone(&revoked), manner);
        let requests = Arc::new(Requests::new(Arc::clone(&queue), host.data));
        let locals = Arc::new(Locals::new(Arc::clone(&queue)));
        Ok(Self { queue, requests, sessions, locals, revoked, bridge })
    }
}

impl TidingsEngine {
    /// Starts one.
    ///
    /// # Errors
    /// The settings contradict themselves, or the system has no threads for it.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Failure> {
        fork::watch();
        let config = |why| Failure::new(TidingsStatus::Config, why);
        let parts = Parts::new(settings).map_err(config)?;
        let mut builder = Builder::new_multi_thread();
        if settings.host.threads > 0 {
            builder.worker_threads(settings.host.threads);
        }
        let logs = logs::dispatch(&parts.queue, settings.host.log);
        if let Some(logs) = logs.clone() {
            builder.on_thread_start(move || logs::begin(&logs)).on_thread_stop(logs::end);
        }
        let runtime = builder.thread_name("tidings").enable_all().build().map_err(|error| {
            Failure::new(TidingsStatus::Runtime, format!("the engine's threads cannot be started: {error}"))
        })?;
        let handle = runtime.handle().clone();
        let _inside = handle.enter();
        let opened = || {
            let engine = Engine::start(settings.engine(), parts.bridge.clone())?;
            let doors = Doors::new(&engine, settings).map_err(config)?;
            Ok::<_, Failure>((engine, doors))
        };
        let (engine, doors) = match &logs {
            Some(logs) => with_default(logs, opened),
            None => opened(),
        }?;
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

    /// What it is doing, by its number.
    pub(crate) fn state(&self) -> i32 {
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
    pub(crate) fn stop(&self, patience: Duration) -> usize {
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
    pub(crate) fn drain(&self, patience: Duration) -> u64 {
        self.begin_to_stop();
        let engine = self.engine.clone();
        self.parts.requests.begin(&self.handle, async move {
            let count = engine.shutdown(patience).await as u64;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| {
                let numbers = Numbers { count, ..Numbers::default() };
                tell(&Draft { id, numbers, ..Draft::new(TidingsEventKind::Done) });
            }) as Telling)
        })
    }
}
