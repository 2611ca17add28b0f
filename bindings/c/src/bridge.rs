//! The host as the engine sees it: its questions become events, and answers find their way back.

use crate::draft::{Draft, Numbers, Texts};
use crate::event::TidingsEventKind as Kind;
use crate::present::change;
use crate::queue::Queue;
use crate::revocations::Revoked;
use crate::sessions::Sessions;
use crate::settings::{DataForm, Host as HostSettings};
use crate::slots::Slots;
use crate::status::Failure;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tidings::host::{
    Admission, CallAsk, ConnectAsk, Credential, Denial, Host, HostEvent, PublishAsk, SendAsk, SubscribeAsk, WatchAsk,
};
use tidings::{Code, Data};
use tokio::sync::oneshot;

/// What a host answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Admitted(Admission),
    Allowed,
    Users(Vec<String>),
    Result(Data),
    Denied(Denial),
}

impl Answer {
    /// Whether a question of this kind can be answered so.
    fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Denied(_) => true,
            Self::Admitted(_) => matches!(kind, Kind::QuestionConnect | Kind::QuestionRefresh),
            Self::Allowed => {
                use Kind::{QuestionPublish, QuestionSend, QuestionSubscribe, QuestionWatch};
                matches!(kind, QuestionSubscribe | QuestionPublish | QuestionSend | QuestionWatch)
            }
            Self::Users(_) => kind == Kind::QuestionWatch,
            Self::Result(_) => kind == Kind::QuestionCall,
        }
    }
}

/// Which questions a host answers, what it is told, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    asked: [bool; QUESTIONS.len()],
    sessions: bool,
    presence: bool,
    form: DataForm,
    /// How long an answer is waited for.
    patience: Duration,
}

/// Questions by name.
const QUESTIONS: [&str; 6] = ["connect", "subscribe", "publish", "send", "watch", "call"];

impl Manner {
    /// What the settings say.
    pub(crate) fn of(host: &HostSettings, patience: Duration) -> Result<Self, String> {
        let asked = [false; QUESTIONS.len()];
        let mut manner = Self { asked, sessions: false, presence: false, form: host.data, patience };
        for name in words(&host.questions) {
            let at = QUESTIONS.iter().position(|known| *known == name);
            let none = || format!("host.questions: {name:?} is none of {}", QUESTIONS.join(", "));
            manner.asked[at.ok_or_else(none)?] = true;
        }
        for name in words(&host.events) {
            match name {
                "sessions" => manner.sessions = true,
                "presence" => manner.presence = true,
                _ => return Err(format!("host.events: {name:?} is none of sessions, presence")),
            }
        }
        Ok(manner)
    }

    const fn asks(&self, kind: Kind) -> bool {
        match kind {
            Kind::QuestionConnect | Kind::QuestionRefresh => self.asked[0],
            Kind::QuestionSubscribe => self.asked[1],
            Kind::QuestionPublish => self.asked[2],
            Kind::QuestionSend => self.asked[3],
            Kind::QuestionWatch => self.asked[4],
            _ => self.asked[5],
        }
    }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// A question that waits for its answer.
#[derive(Debug)]
struct Asked {
    kind: Kind,
    /// The engine waits no longer; `None` is so far away that no clock has it.
    deadline: Option<Instant>,
    answer: oneshot::Sender<Answer>,
}

impl Asked {
    fn is_in_time(&self) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }
}

/// The way between the engine and its host.
#[derive(Debug, Clone)]
pub(crate) struct Bridge {
    queue: Arc<Queue>,
    sessions: Arc<Sessions>,
    revoked: Arc<Revoked>,
    asked: Arc<Mutex<Slots<Asked>>>,
    manner: Manner,
}

/// A question that nobody waits for any more is over when this goes.
struct Waiting<'b> {
    bridge: &'b Bridge,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.bridge.asked().remove(self.id);
    }
}

impl Bridge {
    pub(crate) fn new(queue: Arc<Queue>, sessions: Arc<Sessions>, revoked: Arc<Revoked>, manner: Manner) -> Self {
        Self { queue, sessions, revoked, asked: Arc::default(), manner }
    }

    fn asked(&self) -> MutexGuard<'_, Slots<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question, once. One that cannot be answered so stays.
    pub(crate) fn answer(&self, id: u64, answer: Answer) -> Result<(), Failure> {
        let stale = || Failure::stale("no such question waits: it was answered, or came to its deadline");
        let mut asked = self.asked();
        let kind = asked.find(id).filter(|asked| asked.is_in_time()).ok_or_else(stale)?.kind;
        if !answer.fits(kind) {
            return Err(Failure::argument(format!("a question of kind {} is not answered so", kind as i32)));
        }
        let waiting = asked.remove(id).ok_or_else(stale)?;
        drop(asked);
        waiting.answer.send(answer).map_err(|_| stale())
    }

    /// What kind of question waits under this id.
    pub(crate) fn kind(&self, id: u64) -> Option<Kind> {
        self.asked().find(id).map(|asked| asked.kind)
    }

    async fn ask(&self, kind: Kind, texts: Texts<'_>, data: Option<&Data>, count: u64) -> Result<Answer, Denial> {
        if !self.manner.asks(kind) {
            return Err(refusal(kind));
        }
        let (answer, answered) = oneshot::channel();
        let deadline = Instant::now().checked_add(self.manner.patience);
        let id = self.asked().add(Asked { kind, deadline, answer });
        let waiting = Waiting { bridge: self, id };
        {
            let mut out = Vec::new();
            let numbers = Numbers { count, ..Numbers::default() };
            let mut draft = Draft { id, texts, numbers, ..Draft::new(kind) };
            if let Some(data) = data {
                (draft.codec, draft.texts.data) = self.manner.form.write(data, &mut out);
            }
            let busy = "the application does not keep up; try again later";
            self.queue.ask(&draft).map_err(|_| Denial::new(Code::Unavailable, busy))?;
        }
        let answer = answered.await;
        drop(waiting);
        match answer {
            Ok(Answer::Denied(denial)) => Err(denial),
            Ok(answer) => Ok(answer),
            Err(_) => Err(Denial::new(Code::Unavailable, "the server shuts down")),
        }
    }

    async fn admission(&self, kind: Kind, ask: ConnectAsk) -> Result<Admission, Denial> {
        let device = ask.device.as_deref().unwrap_or_default();
        let texts = Texts { data: ask.token.as_bytes(), target: device, ..Texts::default() };
        match self.ask(kind, texts, None, 0).await? {
            Answer::Admitted(admission) => Ok(admission),
            _ => Err(refusal(kind)),
        }
    }

    async fn permission(&self, kind: Kind, texts: Texts<'_>, data: Option<&Data>) -> Result<(), Denial> {
        match self.ask(kind, texts, data, 0).await? {
            Answer::Allowed => Ok(()),
            _ => Err(refusal(kind)),
        }
    }
}

/// The plain no.
pub(crate) fn refusal(kind: Kind) -> Denial {
    match kind {
        Kind::QuestionConnect | Kind::QuestionRefresh => Denial::unauthorized(),
        Kind::QuestionCall => Denial::new(Code::NotFound, "no such method"),
        _ => Denial::forbidden(),
    }
}

impl Host for Bridge {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        self.admission(Kind::QuestionConnect, ask).await
    }

    async fn refresh(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        self.admission(Kind::QuestionRefresh, ask).await
    }

    fn is_revoked(&self, user: &str, credential: Credential) -> bool {
        self.revoked.has(user, credential)
    }

    async fn subscribe(&self, ask: SubscribeAsk) -> Result<(), Denial> {
        let texts = Texts { user: &ask.user, target: &ask.channel, ..Texts::default() };
        self.permission(Kind::QuestionSubscribe, texts, None).await
    }

    async fn publish(&self, ask: PublishAsk) -> Result<(), Denial> {
        let texts = Texts { user: &ask.user, target: &ask.channel, event: &ask.event, ..Texts::default() };
        self.permission(Kind::QuestionPublish, texts, Some(&ask.data)).await
    }

    async fn send(&self, ask: SendAsk) -> Result<(), Denial> {
        let texts = Texts { user: &ask.user, target: &ask.to, event: &ask.event, ..Texts::default() };
        self.permission(Kind::QuestionSend, texts, Some(&ask.data)).await
    }

    async fn watch(&self, ask: WatchAsk) -> Result<Vec<String>, Denial> {
        // Ids of users hold no control characters.
        let list = ask.users.join("\n");
        let texts = Texts { user: &ask.user, data: list.as_bytes(), ..Texts::default() };
        match self.ask(Kind::QuestionWatch, texts, None, ask.users.len() as u64).await? {
            Answer::Allowed => Ok(ask.users),
            Answer::Users(users) => Ok(users),
            _ => Err(refusal(Kind::QuestionWatch)),
        }
    }

    async fn call(&self, ask: CallAsk) -> Result<Data, Denial> {
        let texts = Texts { user: &ask.user, target: &ask.method, ..Texts::default() };
        match self.ask(Kind::QuestionCall, texts, Some(&ask.data), 0).await? {
            Answer::Result(data) => Ok(data),
            _ => Err(refusal(Kind::QuestionCall)),
        }
    }

    fn event(&self, event: HostEvent) {
        match event {
            HostEvent::Opened { session, user } => {
                let number = self.sessions.opened(session);
                if self.manner.sessions {
                    let id = session.to_string();
                    let texts = Texts { user: &user, target: &id, ..Texts::default() };
                    self.queue.notice(&Draft { session: number, texts, ..Draft::new(Kind::Opened) });
                }
            }
            HostEvent::Closed { session, user } => {
                let number = self.sessions.closed(session);
                if self.manner.sessions {
                    let texts = Texts { user: &user, ..Texts::default() };
                    self.queue.notice(&Draft { session: number, texts, ..Draft::new(Kind::Closed) });
                }
            }
            HostEvent::Presence(changed) if self.manner.presence => self.queue.notice(&change(&changed)),
            _ => {}
        }
    }
}
