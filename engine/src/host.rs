//! The host's side of the engine: questions it answers, events it hears.
//!
//! Every question has a deadline ([`Times::question_timeout_ms`](crate::config::Times::question_timeout_ms)); silence,
//! a panic and a late answer are a no. An answer that is there at once costs no task.
//!
//! A host may call the engine from its answers. It is asked on the thread that reads the client's frames, so what takes
//! long before the first `.await` (hashing a password, say) belongs into a task of its own. A host that keeps an
//! [`Engine`](crate::Engine) in itself keeps it running until it is shut down.

use std::future::{Future, ready};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
pub use tidings_core::ask::Denial;
use tidings_core::ask::{self, Answer, Question};
use tidings_core::grants::Grants;
use tidings_core::presence::Change;
use tidings_proto::code::Code;
use tidings_proto::id::SessionId;
use tidings_proto::payload::Data;
use tokio::runtime::Handle;

/// A client asks to connect.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectAsk {
    /// What the client gave to prove who it is. Never log it.
    pub token: String,
    /// The client's own name for its device.
    pub device: Option<String>,
}

/// A user asks to subscribe to a channel that its rights do not cover.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SubscribeAsk {
    /// Who asks.
    pub user: Arc<str>,
    /// To what.
    pub channel: String,
}

/// A user asks to publish to a channel that its rights do not cover.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PublishAsk {
    /// Who asks.
    pub user: Arc<str>,
    /// Where to.
    pub channel: String,
    /// The event.
    pub event: String,
    /// Its data.
    pub data: Data,
}

/// A user asks to send to another user whom its rights do not cover.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SendAsk {
    /// Who asks.
    pub user: Arc<str>,
    /// Whom to.
    pub to: String,
    /// The event.
    pub event: String,
    /// Its data.
    pub data: Data,
}

/// A user asks to watch users whom its rights do not cover.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WatchAsk {
    /// Who asks.
    pub user: Arc<str>,
    /// Whom.
    pub users: Vec<String>,
}

/// A user calls a method of the host.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallAsk {
    /// Who calls.
    pub user: Arc<str>,
    /// Which method.
    pub method: String,
    /// With what.
    pub data: Data,
}

/// What tells the token that a session was admitted by from others: enough to find it again when it is revoked, and
/// nothing that it could be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential(pub(crate) ask::Credential);

impl Credential {
    /// Of a token by its own name (`jti`) and the moment at which it was issued (`iat`), in seconds since 1970.
    #[must_use]
    pub fn new(name: Option<&str>, issued_s: Option<u64>) -> Self {
        let issued_s = u32::try_from(issued_s.unwrap_or_default()).unwrap_or(u32::MAX);
        Self(ask::Credential { name: name.map_or(0, Self::name_of), issued_s })
    }

    /// What stands for a token's own name: a hash of 64 bits, the same for one run of one program. Never 0.
    #[must_use]
    pub fn name_of(name: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        hasher.finish().max(1)
    }

    /// What stands for the token's own name, if it has one.
    #[must_use]
    pub fn name(self) -> Option<u64> {
        (self.0.name != 0).then_some(self.0.name)
    }

    /// When the token was issued, in seconds since 1970; 0 if it does not say.
    #[must_use]
    pub fn issued_s(self) -> u64 {
        self.0.issued_s.into()
    }
}

/// Whom a token belongs to, and what that user may do of its own right.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The user's id.
    pub(crate) user: String,
    pub(crate) grants: Grants,
    pub(crate) expires_at_ms: Option<u64>,
    pub(crate) credential: ask::Credential,
}

impl Admission {
    /// A user with no rights of its own: the host is asked each time.
    #[must_use]
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            grants: Grants::default(),
            expires_at_ms: None,
            credential: ask::Credential::default(),
        }
    }

    /// The same user with these rights.
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// The same user until this time, in milliseconds since 1970; the session is then closed.
    #[must_use]
    pub const fn expires_at_ms(mut self, at_ms: Option<u64>) -> Self {
        self.expires_at_ms = at_ms;
        self
    }

    /// The same user by a token with this name and moment of issue, so that the session can be found when the token is
    /// revoked: see [`Host::is_revoked`].
    #[must_use]
    pub fn token(mut self, name: Option<&str>, issued_s: Option<u64>) -> Self {
        self.credential = Credential::new(name, issued_s).0;
        self
    }
}

/// What happened to a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HostEvent {
    /// A user has connected.
    Opened {
        /// The session.
        session: SessionId,
        /// Whose it is.
        user: Arc<str>,
    },
    /// A connected session is over.
    Closed {
        /// The session.
        session: SessionId,
        /// Whose it was.
        user: Arc<str>,
    },
    /// A user's presence has changed. Told once a tick, as it is: of who hides, too.
    Presence(Change),
}

/// The host: who may do what, and what its methods return. Everything but [`Host::connect`] is a no unless it says
/// otherwise.
pub trait Host: Send + Sync + 'static {
    /// Whose token is it?
    fn connect(&self, ask: ConnectAsk) -> impl Future<Output = Result<Admission, Denial>> + Send;

    /// Whose token is it, with which a session is to go on? Only the same user's does. Without a word of the host this is
    /// [`Host::connect`].
    fn refresh(&self, ask: ConnectAsk) -> impl Future<Output = Result<Admission, Denial>> + Send {
        self.connect(ask)
    }

    /// Was the token revoked that this user's session was admitted by? Asked when a session has just been admitted, and of
    /// all sessions by [`Engine::end_revoked`](crate::Engine::end_revoked); a yes closes it with 3500. Answer at once, from
    /// memory.
    fn is_revoked(&self, user: &str, credential: Credential) -> bool {
        let _ = (user, credential);
        false
    }

    /// May the user subscribe?
    fn subscribe(&self, ask: SubscribeAsk) -> impl Future<Output = Result<(), Denial>> + Send {
        let _ = ask;
        ready(Err(Denial::forbidden()))
    }

    /// May the user publish?
    fn publish(&self, ask: PublishAsk) -> impl Future<Output = Result<(), Denial>> + Send {
        let _ = ask;
        ready(Err(Denial::forbidden()))
    }

    /// May the user send to that other user?
    fn send(&self, ask: SendAsk) -> impl Future<Output = Result<(), Denial>> + Send {
        let _ = ask;
        ready(Err(Denial::forbidden()))
    }

    /// Whom of those may the user watch? Those that are not in the answer it may not.
    fn watch(&self, ask: WatchAsk) -> impl Future<Output = Result<Vec<String>, Denial>> + Send {
        let _ = ask;
        ready(Err(Denial::forbidden()))
    }

    /// What does the method return?
    fn call(&self, ask: CallAsk) -> impl Future<Output = Result<Data, Denial>> + Send {
        let message = format!("no method `{}`", ask.method);
        ready(Err(Denial::new(Code::NotFound, &message)))
    }

    /// A session was opened or is over. Called from the engine's own threads: hand it on, do not wait here.
    fn event(&self, event: HostEvent) {
        let _ = event;
    }
}

/// What a host's answer becomes before it is turned into the session's terms.
pub(crate) enum HostAnswer {
    Admitted(Admission),
    Other(Answer),
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = HostAnswer> + Send>>;

/// A host behind a pointer.
pub(crate) trait AnyHost: Send + Sync {
    fn ask(&self, question: Question<'_>) -> Answering;
    fn is_revoked(&self, user: &str, credential: Credential) -> bool;
    fn event(&self, event: HostEvent);
}

/// A [`Host`] made ready to be shared.
pub(crate) struct Shareable<H>(pub(crate) Arc<H>);

fn allowed(answer: Result<(), Denial>) -> HostAnswer {
    HostAnswer::Other(answer.map_or_else(Answer::Denied, |()| Answer::Allowed))
}

fn admitted(answer: Result<Admission, Denial>) -> HostAnswer {
    answer.map_or_else(|denial| HostAnswer::Other(Answer::Denied(denial)), HostAnswer::Admitted)
}

impl<H: Host> AnyHost for Shareable<H> {
    fn ask(&self, question: Question<'_>) -> Answering {
        let host = Arc::clone(&self.0);
        match question {
            Question::Connect { token, device } => {
                let ask = ConnectAsk { token: token.into(), device: device.map(Into::into) };
                Box::pin(async move { admitted(host.connect(ask).await) })
            }
            Question::Refresh { token, device } => {
                let ask = ConnectAsk { token: token.into(), device: device.map(Into::into) };
                Box::pin(async move { admitted(host.refresh(ask).await) })
            }
            Question::Subscribe { user, channel } => {
                let ask = SubscribeAsk { user: user.clone(), channel: channel.as_str().into() };
                Box::pin(async move { allowed(host.subscribe(ask).await) })
            }
            Question::Publish { user, channel, event, data } => {
                let (channel, event) = (channel.as_str().into(), event.into());
                let ask = PublishAsk { user: user.clone(), channel, event, data: data.to_data() };
                Box::pin(async move { allowed(host.publish(ask).await) })
            }
            Question::Send { user, to, event, data } => {
                let ask = SendAsk { user: user.clone(), to: to.into(), event: event.into(), data: data.to_data() };
                Box::pin(async move { allowed(host.send(ask).await) })
            }
            Question::Watch { user, users } => {
                let users = users.iter().map(|user| (*user).to_owned()).collect();
                let ask = WatchAsk { user: user.clone(), users };
                Box::pin(async move {
                    let boxed = |users: Vec<String>| Answer::Users(users.into_iter().map(Into::into).collect());
                    HostAnswer::Other(host.watch(ask).await.map_or_else(Answer::Denied, boxed))
                })
            }
            Question::Call { user, method, data } => {
                let ask = CallAsk { user: user.clone(), method: method.into(), data: data.to_data() };
                Box::pin(
                    async move { HostAnswer::Other(host.call(ask).await.map_or_else(Answer::Denied, Answer::Result)) },
                )
            }
            _ => Box::pin(ready(HostAnswer::Other(Answer::Denied(Denial::forbidden())))),
        }
    }

    fn is_revoked(&self, user: &str, credential: Credential) -> bool {
        let asked = catch_unwind(AssertUnwindSafe(|| self.0.is_revoked(user, credential)));
        asked.unwrap_or_else(|_| {
            tracing::error!("the host's handler panicked at a question; what it was asked about counts as revoked");
            true
        })
    }

    fn event(&self, event: HostEvent) {
        if catch_unwind(AssertUnwindSafe(|| self.0.event(event))).is_err() {
            tracing::error!("the host's handler panicked at an event; the engine goes on");
        }
    }
}

/// The answer to a handler that panicked.
pub(crate) fn panicked() -> HostAnswer {
    tracing::error!("the host's handler panicked at a question; it counts as a no");
    HostAnswer::Other(Answer::Denied(Denial::new(Code::Internal, "the server failed to answer; try again later")))
}

/// Looks once whether the answer is there.
pub(crate) fn poll_once(runtime: &Handle, mut answering: Answering) -> Result<HostAnswer, Answering> {
    let _inside = runtime.enter();
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let poll = answering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        (poll, answering)
    }));
    match polled {
        Ok((Poll::Ready(answer), _)) => Ok(answer),
        Ok((Poll::Pending, answering)) => Err(answering),
        Err(_) => Ok(panicked()),
    }
}
