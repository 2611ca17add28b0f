//! Asking the application.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url, redirect};
use tidings::Code;
use tidings::host::Denial;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};

use crate::answer::Read;
use crate::breaker::Breaker;
use crate::error::HookError;
use crate::options::Options;
use crate::question::{Asked, Kind};
use crate::signature::sign;

/// What a client waits before the second try, at most; twice as long before each further one.
const BACKOFF: Duration = Duration::from_millis(100);

/// Connections that are kept for later, and for how long. Most servers keep them for longer.
const IDLE_MAX: usize = 64;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The log is told of failures at most this often.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(10);

/// The way to an application. Clones share its connections and all that is known of it.
#[derive(Clone, Debug)]
pub struct Hook(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    url: Url,
    options: Options,
    breaker: Breaker,
    places: Semaphore,
    waiting: AtomicUsize,
    complained: Mutex<Option<Instant>>,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Nobody is asked, after too many failures.
    Paused,
    /// Too many wait.
    Busy,
    /// It did not come in time.
    Late,
    /// There was no connection, or it was lost.
    Unreachable,
    /// The status is not 2xx.
    Status(u16),
    /// The answer is too long.
    Large,
    /// The answer is none of those that were asked for.
    Malformed,
}

impl Failure {
    const fn name(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Unreachable => "unreachable",
            Self::Status(_) => "status",
            Self::Large => "large",
            Self::Malformed => "malformed",
        }
    }

    /// Whether it says that the application is not well, rather than that it does not understand: it is asked again, and it
    /// counts towards a pause. What one user can bring about by what it says must not end everybody's questions.
    const fn is_sickness(self) -> bool {
        matches!(self, Self::Late | Self::Unreachable | Self::Status(429 | 500..=599))
    }

    fn denial(self) -> Denial {
        match self {
            Self::Busy => Denial::new(Code::Busy, "too many wait for the application; try again later"),
            Self::Late => Denial::new(Code::Timeout, "the application did not answer in time; try again later"),
            _ => Denial::new(Code::Unavailable, "the application cannot be asked now; try again later"),
        }
    }
}

/// One of those who wait for a place.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hook {
    /// A way to the application. Nothing is sent yet.
    ///
    /// # Errors
    /// The options can't be, or TLS can't be set up.
    pub fn new(options: Options) -> Result<Self, HookError> {
        let url = options.check()?;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            // What stands in the environment for other programs must not carry tokens elsewhere.
            .no_proxy()
            .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(options.timeout_ms))
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(|_| {
                HookError("the hook's HTTP client can't be set up: are the system's certificates there?".into())
            })?;
        let breaker = Breaker::new(options.bounds.failures_max, Duration::from_millis(options.bounds.pause_ms));
        let places = Semaphore::new(options.bounds.requests_max.min(Semaphore::MAX_PERMITS));
        let (waiting, complained) = (AtomicUsize::new(0), Mutex::new(None));
        Ok(Self(Arc::new(Inner { client, url, options, breaker, places, waiting, complained })))
    }

    /// Whether this kind of question is asked here.
    #[must_use]
    pub fn answers(&self, kind: Kind) -> bool {
        self.0.options.questions.has(kind)
    }

    /// Whether the application is asked now, and not paused after failures.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.0.breaker.is_closed()
    }

    /// Asks, again if need be, until there is an answer or no time left.
    pub(crate) async fn ask<T>(&self, asked: Asked<'_>, read: fn(&[u8]) -> Read<T>) -> Result<T, Denial> {
        let (kind, began) = (asked.kind(), Instant::now());
        let inner = &*self.0;
        let deadline = Duration::from_millis(inner.options.deadline_ms);
        let answered = timeout(deadline, inner.ask(asked, read, began + deadline)).await;
        let answer = answered.unwrap_or(Err(Failure::Late));
        let outcome = match &answer {
            Ok(Ok(_)) => "allowed",
            Ok(Err(_)) => "denied",
            Err(failure) => failure.name(),
        };
        metrics::counter!("tidings_hook_questions_total", "question" => kind.name(), "outcome" => outcome).increment(1);
        metrics::histogram!("tidings_hook_seconds", "question" => kind.name()).record(began.elapsed());
        answer.unwrap_or_else(|failure| {
            inner.complain(kind, failure);
            Err(failure.denial())
        })
    }
}

impl Inner {
    async fn ask<T>(
        &self,
        asked: Asked<'_>,
        read: fn(&[u8]) -> Read<T>,
        deadline: Instant,
    ) -> Result<Result<T, Denial>, Failure> {
        let kind = asked.kind();
        let id = id();
        let body = Bytes::from(asked.body(&id, since_1970().as_millis() as u64));
        let retries = if kind == Kind::Call && !self.options.retry_calls { 0 } else { self.options.retries };
        let mut tried = 0;
        loop {
            let failure = match self.try_once(&id, &body, read).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let pause = backoff(tried);
            if !failure.is_sickness() || tried >= retries || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            tried += 1;
            metrics::counter!("tidings_hook_retries_total", "question" => kind.name()).increment(1);
            sleep(pause).await;
        }
    }

    /// Asks once, if it is this question's turn.
    async fn try_once<T>(
        &self,
        id: &str,
        body: &Bytes,
        read: fn(&[u8]) -> Read<T>,
    ) -> Result<Result<T, Denial>, Failure> {
        if !self.breaker.admits(Instant::now()) {
            return Err(Failure::Paused);
        }
        let _place = self.place().await?;
        // Much may have happened while it waited.
        let pass = self.breaker.admit(Instant::now()).ok_or(Failure::Paused)?;
        let answer = self.post(id, body).await.and_then(|body| read(&body).map_err(|_| Failure::Malformed));
        match &answer {
            Err(failure) if failure.is_sickness() => pass.fail(Instant::now()),
            _ => pass.succeed(),
        }
        answer
    }

    /// A place among the requests that are on their way.
    async fn place(&self) -> Result<SemaphorePermit<'_>, Failure> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.options.bounds.waiting_max {
            return Err(Failure::Busy);
        }
        // It is never closed.
        self.places.acquire().await.map_err(|_| Failure::Busy)
    }

    /// Sends a request and returns the answer's body.
    async fn post(&self, id: &str, body: &Bytes) -> Result<Vec<u8>, Failure> {
        let timestamp = since_1970().as_secs();
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign(&self.options.secrets, id, timestamp, body))
            .body(body.clone())
            .send()
            .await;
        let mut response = sent.map_err(|error| lost(&error))?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status().as_u16()));
        }
        let bytes_max = self.options.bounds.response_bytes_max;
        if response.content_length().is_some_and(|bytes| bytes > bytes_max as u64) {
            return Err(Failure::Large);
        }
        let mut answer = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| lost(&error))? {
            if answer.len() + piece.len() > bytes_max {
                return Err(Failure::Large);
            }
            answer.extend_from_slice(&piece);
        }
        Ok(answer)
    }

    /// Tells the log, now and then, and nothing of what was asked.
    fn complain(&self, kind: Kind, failure: Failure) {
        let now = Instant::now();
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now.duration_since(last) >= COMPLAINT_INTERVAL) {
            *last = Some(now);
            tracing::warn!(
                question = kind.name(),
                ?failure,
                "the hook gave no answer, which is a no; told every 10 s at most"
            );
        }
    }
}

fn lost(error: &reqwest::Error) -> Failure {
    if error.is_timeout() { Failure::Late } else { Failure::Unreachable }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How long to wait after so many tries: anything up to a bound that doubles, so that those who failed together do not come
/// back together.
fn backoff(tried: u32) -> Duration {
    let most = BACKOFF * 2_u32.saturating_pow(tried.min(6));
    let mut random = [0; 4];
    // Without random bits all wait as long as each other.
    let _ = getrandom::fill(&mut random);
    most / 2 + (most / 2).mul_f64(f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX))
}

/// A name that no other request has.
fn id() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("an operating system that gives no random bits gave some at the start");
    format!("msg_{:032x}", u128::from_le_bytes(random))
}
