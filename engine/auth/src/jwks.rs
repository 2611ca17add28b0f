//! Keys that an issuer publishes at an address (JWKS): fetched at the start, kept as long as they are good, and fetched
//! again before that time is over or when a token names a key that is not among them.

#[cfg(test)]
mod tests;

use crate::error::AuthError;
use crate::fetch::{Fetched, address, client, fetch};
use crate::key::Key;
use crate::published;
use reqwest::{Client, Url};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

/// The first pause after a request that failed; each further one is twice as long.
const BACK_OFF: Duration = Duration::from_secs(1);

/// The longest pause after requests that failed.
const BACK_OFF_MAX: Duration = Duration::from_secs(300);

/// How keys are fetched and how long they are kept. All times are in milliseconds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JwksOptions {
    /// The issuer whose keys these are: they are good for tokens with this `iss` alone. Without it, for every token.
    pub issuer: Option<String>,
    /// Shortest time for which keys are kept, 5 min, whatever the answer's `Cache-Control` says.
    pub cache_ms_min: u64,
    /// Longest time for which keys are kept, 24 h. Keys that the issuer takes back are used this long at most, while it
    /// can be reached.
    pub cache_ms_max: u64,
    /// How long the keys stay good while the issuer cannot be reached, 24 h since they came.
    pub stale_ms_max: u64,
    /// Shortest time between two requests that tokens with unknown keys lead to, 1 min.
    pub unknown_pause_ms: u64,
    /// How long a token with an unknown key waits for the keys, 3 s. Below the engine's `question_timeout_ms`.
    pub wait_ms: u64,
    /// Time for a whole request, 5 s.
    pub fetch_timeout_ms: u64,
}

impl Default for JwksOptions {
    fn default() -> Self {
        Self {
            issuer: None,
            cache_ms_min: 300_000,
            cache_ms_max: 86_400_000,
            stale_ms_max: 86_400_000,
            unknown_pause_ms: 60_000,
            wait_ms: 3_000,
            fetch_timeout_ms: 5_000,
        }
    }
}

/// The keys that are published at one address. Dropping it ends the fetching.
pub struct Jwks {
    inner: Arc<Inner>,
    task: AbortHandle,
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("url", &self.inner.url.as_str()).finish_non_exhaustive()
    }
}

impl Drop for Jwks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Inner {
    url: Url,
    options: JwksOptions,
    client: Client,
    state: Mutex<State>,
    /// Counts the requests that are over.
    over: watch::Sender<u64>,
    /// Somebody has a token with a key that is not known.
    wanted: Notify,
}

struct State {
    keys: Arc<[Key]>,
    /// When the keys came.
    fetched: Option<Instant>,
    /// When the last request began.
    began: Instant,
    is_fetching: bool,
    /// How many requests have failed since one succeeded.
    failures: u32,
}

impl Jwks {
    /// Begins to fetch, inside a tokio runtime. Until keys have come, tokens that need them wait.
    ///
    /// # Errors
    /// [`AuthError::KeysUrl`] for an address that is neither `https` nor on this machine; [`AuthError::Client`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(url: &str, options: JwksOptions) -> Result<Self, AuthError> {
        let client = client(Duration::from_millis(options.fetch_timeout_ms))?;
        let state = State { keys: Arc::new([]), fetched: None, began: Instant::now(), is_fetching: true, failures: 0 };
        let inner = Arc::new(Inner {
            url: address(url)?,
            options,
            client,
            state: Mutex::new(state),
            over: watch::Sender::new(0),
            wanted: Notify::new(),
        });
        let task = tokio::spawn(run(Arc::clone(&inner))).abort_handle();
        Ok(Self { inner, task })
    }

    /// Waits until the first request is over. Returns whether there are keys.
    pub async fn ready(&self) -> bool {
        // The sender lives as long as we.
        let _ = self.inner.over.subscribe().wait_for(|over| *over > 0).await;
        self.keys().is_some()
    }

    /// The keys, unless none ever came or they are too old.
    pub(crate) fn keys(&self) -> Option<Arc<[Key]>> {
        let state = self.inner.state();
        let stale = Duration::from_millis(self.inner.options.stale_ms_max);
        let is_good = state.fetched.is_some_and(|fetched| fetched.elapsed() <= stale);
        is_good.then(|| Arc::clone(&state.keys))
    }

    /// A token names a key that is not known: asks for the keys, unless they were asked for a moment ago. All who ask wait
    /// for the same request. `None` if none is under way and none may be made yet.
    pub(crate) fn want(&self) -> Option<Wait> {
        let inner = &*self.inner;
        let over = inner.over.subscribe();
        let state = inner.state();
        if !state.is_fetching {
            if state.began.elapsed() < Duration::from_millis(inner.options.unknown_pause_ms) {
                return None;
            }
            inner.wanted.notify_one();
        }
        let deadline = Instant::now() + Duration::from_millis(inner.options.wait_ms);
        Some(Wait { over, deadline })
    }
}

/// A request that somebody waits for.
pub(crate) struct Wait {
    over: watch::Receiver<u64>,
    deadline: Instant,
}

impl Wait {
    /// Waits until it is over. False if patience ended first.
    pub(crate) async fn done(mut self) -> bool {
        timeout_at(self.deadline, self.over.changed()).await.is_ok()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it is whole at every moment: each field is set by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request. Returns how long to wait for the next.
    async fn fetch(&self) -> Duration {
        {
            let mut state = self.state();
            state.began = Instant::now();
            state.is_fetching = true;
        }
        let fetched = match fetch(&self.client, &self.url).await {
            Ok(Fetched { document, max_age }) => published::read(&document, self.options.issuer.as_deref())
                .map(|keys| (keys, max_age))
                .map_err(str::to_owned),
            Err(error) => Err(error),
        };
        let mut state = self.state();
        state.is_fetching = false;
        let pause = match fetched {
            Ok((keys, max_age)) => {
                if state.failures > 0 {
                    tracing::info!(url = self.url.as_str(), "the keys of the tokens come again");
                }
                state.keys = keys.into();
                state.fetched = Some(Instant::now());
                state.failures = 0;
                let min = Duration::from_millis(self.options.cache_ms_min);
                let max = Duration::from_millis(self.options.cache_ms_max).max(min);
                jittered(max_age.unwrap_or(min).clamp(min, max))
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                let pause = jittered(back_off(state.failures));
                tracing::warn!(
                    url = self.url.as_str(),
                    error,
                    failures = state.failures,
                    retry_ms = pause.as_millis(),
                    "the keys of the tokens could not be fetched; those that came before stay good for a while"
                );
                pause
            }
        };
        drop(state);
        self.over.send_modify(|over| *over += 1);
        pause
    }
}

/// Fetches for ever.
async fn run(inner: Arc<Inner>) {
    loop {
        let pause = inner.fetch().await;
        let due = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(due) => break,
                () = inner.wanted.notified() => {
                    // One that asked just before the last request began has had its answer.
                    let unknown_pause = Duration::from_millis(inner.options.unknown_pause_ms);
                    if inner.state().began.elapsed() >= unknown_pause {
                        break;
                    }
                }
            }
        }
    }
}

fn back_off(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    BACK_OFF.saturating_mul(1 << doublings).min(BACK_OFF_MAX)
}

/// Between four fifths of it and all of it, so that a fleet of servers does not come at once.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without random bits it is the whole pause.
    let _ = getrandom::fill(&mut byte);
    pause - pause / 5 * u32::from(byte[0]) / 255
}
