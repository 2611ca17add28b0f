//! What sessions are tested with: frames in their JSON form go in, effects come out as lines of a log.

#![cfg_attr(fuzzing, allow(dead_code, unused_imports, reason = "a fuzz target takes its model alone"))]

#[cfg(test)]
mod answers;
#[cfg(test)]
mod history;
#[cfg(test)]
mod host;
#[cfg(test)]
mod judging;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod presence;
pub(crate) mod property;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod time;

use super::{Arrival, Channel, Effects, Joining, Look, LookedAt, Session, Subscription, Watched};
use crate::ask::{Admission, Answer, Credential, Denial, Question, Token};
use crate::grants::Grants;
use crate::limit::Limit;
use crate::policy::{Access, Attendance, Class, Keep, Overflow, Policy, PresenceRules, Rules, SessionLimits, Shelf};
use crate::rate::Rate;
use crate::stream::{Begin, Publication};
use crate::time::{Instant, Now};
use std::sync::Arc;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::command::Wait;
use tidings_proto::decode::frames;
use tidings_proto::frame::{LeftReason, ServerFrame, Unsubscribed};
use tidings_proto::id::StreamNumber;
use tidings_proto::pattern::Pattern;
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::presence::Present;

const DATA_BYTES_MAX: usize = 100;
const WALL_MS: u64 = 1_790_000_000_000;
const CONNECT: &str = r#"{"id":1,"connect":{"token":"t"}}"#;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Room(String, StreamNumber);

impl Channel for Room {
    fn name(&self) -> &str {
        &self.0
    }

    fn number(&self) -> StreamNumber {
        self.1
    }
}

/// A host, an engine and a client that write down what they are told.
#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
    /// The host answers the next questions with these, at once.
    at_once: Vec<Answer>,
    /// How long each message of the user must wait.
    too_fast_ms: Option<u64>,
    /// Limits that were reached.
    reached: Vec<Limit>,
    refuse_open: bool,
    refuse_subscribe: bool,
    /// Up to where the client was given each stream.
    given: u64,
    /// What was promised of the last publication.
    class: Option<Class>,
    slots: u32,
    /// Whom it watches.
    watched: Vec<Arc<str>>,
}

impl Log {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A stream's number is that of the session's slot, and nothing of it is there yet.
    fn join(&mut self, name: &str) -> Subscription<Room> {
        self.slots += 1;
        Subscription { channel: Room(name.to_owned(), self.slots), slot: self.slots, has: 0 }
    }
}

fn told(id: Option<u64>) -> String {
    id.map_or_else(|| "-".to_owned(), |id| id.to_string())
}

fn placed(publication: &Publication<'_>) -> String {
    let Publication { event, data, from, key, idempotency_key, wait, class: _ } = publication;
    let from = from.map_or("host", |from| from);
    let key = key.map(|key| format!(" key {key}")).unwrap_or_default();
    let idempotency_key = idempotency_key.map(|key| format!(" once {key}")).unwrap_or_default();
    let wait = if *wait == Wait::Stored { " stored" } else { "" };
    format!("{event} {} from {from}{key}{idempotency_key}{wait}", data.to_data().to_json())
}

impl Effects for Log {
    type Channel = Room;

    fn reply(&mut self, id: Option<u64>, frame: &ServerFrame<'_>) {
        let rest = match frame {
            ServerFrame::Error(failure) => {
                let named = matches!(failure.code, Code::Limit | Code::TooLarge | Code::RateLimited);
                let name = failure.message.split(':').next().filter(|_| named).unwrap_or_default();
                let after = failure.retry_after_ms.map(|ms| format!("after {ms}")).unwrap_or_default();
                format!("{} {name} {after}", failure.code.name()).trim_end().to_owned()
            }
            ServerFrame::Result(data) => data.to_data().to_json(),
            ServerFrame::Unsubscribed(Unsubscribed { channel, reason }) => {
                let why = if *reason == Some(LeftReason::Forbidden) { " forbidden" } else { "" };
                format!("{channel}{why}")
            }
            ServerFrame::Refreshed(refreshed) => refreshed.expires_in_ms.map_or_else(String::new, |ms| ms.to_string()),
            ServerFrame::Expiring(expiring) => expiring.in_ms.to_string(),
            _ => String::new(),
        };
        self.line(format!("{} {} {rest}", told(id), frame.name()).trim_end());
    }

    fn ask(&mut self, question: Question<'_>, token: Token) -> Option<Answer> {
        let text = match question {
            Question::Connect { token, device } => format!("connect {token} {}", device.unwrap_or("-")),
            Question::Refresh { token, device } => format!("refresh {token} {}", device.unwrap_or("-")),
            Question::Subscribe { user, channel } => format!("subscribe {user} {}", channel.as_str()),
            Question::Publish { user, channel, event, data } => {
                format!("publish {user} {} {event} {}", channel.as_str(), data.to_data().to_json())
            }
            Question::Send { user, to, event, data } => {
                format!("send {user} {to} {event} {}", data.to_data().to_json())
            }
            Question::Watch { user, users } => format!("watch {user} {}", users.join(",")),
            Question::Call { user, method, data } => format!("call {user} {method} {}", data.to_data().to_json()),
        };
        self.line(format!("ask {} {text}", token.0));
        (!self.at_once.is_empty()).then(|| self.at_once.remove(0))
    }

    fn open(
        &mut self,
        id: Option<u64>,
        admission: &Admission,
        arrival: Arrival<'_>,
    ) -> Result<Subscription<Room>, Denial> {
        if self.refuse_open {
            return Err(Denial::new(Code::Limit, "connections_per_user_max: too many"));
        }
        let device = if arrival.device.is_empty() { String::new() } else { format!(" on {}", arrival.device) };
        let since = arrival.since.map(|since| format!(" since {}", since.offset)).unwrap_or_default();
        self.line(format!("{} open {}{device}{since}", told(id), admission.user));
        Ok(self.join(&admission.user))
    }

    fn subscribe(
        &mut self,
        id: Option<u64>,
        channel: ChannelName<'_>,
        joining: Joining<'_>,
    ) -> Option<Subscription<Room>> {
        let Joining { since, presence, info } = joining;
        if let Some(presence) = presence {
            let info = info.map(|info| info.to_data().to_json()).unwrap_or_default();
            self.line(format!("told {presence} {info}").trim_end());
        }
        let since = since.map(|since| format!("since {}", since.offset)).unwrap_or_default();
        self.line(format!("{} join {} {since}", told(id), channel.as_str()).trim_end());
        (!self.refuse_subscribe).then(|| self.join(channel.as_str()))
    }

    fn acknowledge(&mut self, subscription: &Subscription<Room>, device: &str, offset: u64, read: bool) -> bool {
        let what = if read { "read" } else { "has" };
        self.line(format!("{device} {what} {} {offset}", subscription.channel.name()).trim_start());
        offset <= self.given
    }

    fn leave(&mut self, subscription: Subscription<Room>) {
        self.line(format!("leave {} {}", subscription.channel.name(), subscription.slot));
    }

    fn publish(&mut self, id: Option<u64>, channel: ChannelName<'_>, publication: &Publication<'_>) {
        self.class = Some(publication.class);
        self.line(format!("{} publish {} {}", told(id), channel.as_str(), placed(publication)));
    }

    fn send(&mut self, id: Option<u64>, user: &str, publication: &Publication<'_>) {
        self.class = Some(publication.class);
        self.line(format!("{} send {user} {}", told(id), placed(publication)));
    }

    fn history(&mut self, id: Option<u64>, look: Look<'_>) {
        let Look { stream, begin, entries_max } = look;
        let stream = match stream {
            LookedAt::Channel(channel) => channel.as_str().to_owned(),
            LookedAt::Inbox(user) => format!("inbox of {user}"),
        };
        let begin = match begin {
            Begin::Since(since) => format!(" since {}", since.offset),
            Begin::Older(before) => format!(" before {}", before.offset),
            Begin::Behind(_) | Begin::Before(_) | Begin::Newest => String::new(),
        };
        let most = if entries_max == u64::MAX { String::new() } else { format!(" {entries_max}") };
        self.line(format!("{} history {stream}{begin}{most}", told(id)));
    }

    fn pace(&mut self, _user: &Arc<str>) -> Result<(), u64> {
        self.too_fast_ms.map_or(Ok(()), Err)
    }

    fn reached(&mut self, limit: Limit) {
        self.reached.push(limit);
    }

    fn active(&mut self, active: bool) {
        self.line(if active { "active" } else { "idle" });
    }

    fn present(&mut self, id: Option<u64>, present: &Present<'_>) {
        let text = present.text.as_deref().unwrap_or("-");
        self.line(format!("{} present {:?} {text}", told(id), present.status).trim_end());
    }

    fn watch(&mut self, id: Option<u64>, watched: Watched<'_>) {
        let Watched { allowed, refused, again } = watched;
        let refused = if refused.is_empty() { String::new() } else { format!(" not {}", refused.join(",")) };
        let again = if again { " again" } else { "" };
        self.line(format!("{} watch {}{refused}{again}", told(id), allowed.join(",")));
    }

    fn unwatch(&mut self, id: Option<u64>, users: &[&str]) {
        self.line(format!("{} unwatch {}", told(id), users.join(",")));
    }

    fn members(&mut self, id: Option<u64>, subscription: &Subscription<Room>, lists: bool) {
        self.line(format!("{} members {} {lists}", told(id), subscription.channel.name()));
    }

    fn inform(&mut self, id: Option<u64>, subscription: &Subscription<Room>, info: Option<DataRef<'_>>) {
        let info = info.map(|info| info.to_data().to_json()).unwrap_or_default();
        self.line(format!("{} inform {} {info}", told(id), subscription.channel.name()).trim_end());
    }

    fn take_watched(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.watched)
    }

    fn look_again(&mut self) {
        self.line("look again");
    }

    fn close(&mut self, code: Code) {
        self.line(format!("close {}", code.name()));
    }
}

/// `room:*` knows who is there. `open:*` is everyone's, `shared:*` is for those with the right, `host:*` is the host's, `state:*` is of class latest,
/// `slow:*` takes 6 messages a minute.
fn rules() -> Rules {
    let policy = |class, access| {
        let keep = Keep { entries_max: 10, bytes_max: 10_000, age_ms_max: 10_000 };
        let data_bytes_max = DATA_BYTES_MAX;
        Arc::new(Policy {
            class,
            send_class: class,
            subscribe: access,
            publish: access,
            send: access,
            keep,
            shelf: Shelf { keep, overflow: Overflow::DropOldest, devices_max: 4, device_ttl_ms: 10_000 },
            data_bytes_max,
            rate: Rate::per_minute(0),
            attendance: Attendance::None,
        })
    };
    let attended = Policy::clone(&policy(Class::Reliable, Access::Everyone));
    let slow = Policy::clone(&policy(Class::Reliable, Access::Everyone));
    Rules {
        namespaces: vec![
            ("open".into(), policy(Class::Reliable, Access::Everyone)),
            ("shared".into(), policy(Class::Ephemeral, Access::Granted)),
            ("host".into(), policy(Class::Reliable, Access::Host)),
            ("state".into(), policy(Class::Latest, Access::Everyone)),
            ("room".into(), Arc::new(Policy { attendance: Attendance::Members, ..attended })),
            ("slow".into(), Arc::new(Policy { rate: Rate::per_minute(6), ..slow })),
        ],
        limits: SessionLimits {
            connect_timeout_ms: 10_000,
            ping_interval_ms: 25_000,
            pong_timeout_ms: 5_000,
            idle_after_ms: 300_000,
            token_warning_ms: 0,
            subscriptions_max: 3,
            questions_max: 4,
            messages: Rate::per_minute(60),
            others: Rate::per_minute(120),
        },
        presence: PresenceRules {
            watch: Access::Granted,
            grace_ms: 15_000,
            text_bytes_max: 20,
            info_bytes_max: 40,
            watched_max: 5,
            watchers_max: 5,
            strangers_max: 5,
            members_max: 5,
        },
    }
}

/// Rights to what begins with `mine`.
fn admission(expires_at_ms: Option<u64>) -> Answer {
    let mine = |text| vec![Pattern::new(text)];
    let grants = Grants {
        subscribe: mine("shared:mine*"),
        publish: mine("shared:mine*"),
        send: mine("mine*"),
        watch: mine("mine*"),
    };
    let credential = Credential { name: 7, issued_s: 8 };
    Answer::Admitted(Admission {
        user: "alice".into(),
        grants: Arc::new(grants),
        expires_at_ms,
        credential,
        resumed: None,
    })
}

struct Bench {
    session: Session<Room>,
    rules: Rules,
    log: Log,
    now: Now,
}

impl Bench {
    fn new() -> Self {
        let (rules, now) = (rules(), Now { instant: Instant(1_000), wall_ms: WALL_MS });
        Self { session: Session::new(&rules.limits, now, Arc::default()), rules, log: Log::default(), now }
    }

    fn live_until(expires_at_ms: Option<u64>) -> Self {
        let mut bench = Self::new();
        bench.log.at_once.push(admission(expires_at_ms));
        assert_eq!(bench.receive(CONNECT), ["ask 1 connect t -", "1 open alice"]);
        assert!(bench.session.is_live());
        bench
    }

    fn live() -> Self {
        Self::live_until(None)
    }

    fn pass(&mut self, ms: u64) {
        self.now.instant = self.now.instant + ms;
        self.now.wall_ms += ms;
    }

    /// What was logged since the last time.
    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log.lines)
    }

    fn receive(&mut self, text: &str) -> Vec<String> {
        for frame in frames(Codec::Json, text.as_bytes()) {
            self.session.receive(frame, &self.rules, self.now, &mut self.log);
        }
        self.take()
    }

    fn control(&mut self) -> Vec<String> {
        self.session.control(&self.rules, self.now, &mut self.log);
        self.take()
    }

    /// The host answers. Whether the answer was wanted is part of what is told.
    fn answer(&mut self, token: u64, answer: Answer) -> (bool, Vec<String>) {
        let wanted = self.session.answered(Token(token), answer, &self.rules, self.now, &mut self.log);
        (wanted, self.take())
    }

    /// The next look after this one, in milliseconds from now.
    fn tick(&mut self) -> (Option<u64>, Vec<String>) {
        let next = self.session.tick(&self.rules.limits, self.now, &mut self.log);
        (next.map(|next| next.since_ms(self.now.instant)), self.take())
    }

    fn streams(&self) -> Vec<&str> {
        self.session.streams().map(|subscription| subscription.channel.name()).collect()
    }
}

fn subscribe(id: u64, channel: &str) -> String {
    format!(r#"{{"id":{id},"subscribe":{{"channel":"{channel}"}}}}"#)
}

fn publish(id: u64, channel: &str) -> String {
    format!(r#"{{"id":{id},"publish":{{"channel":"{channel}","event":"E","data":{id}}}}}"#)
}

fn call(id: u64) -> String {
    format!(r#"{{"id":{id},"call":{{"method":"m","data":{id}}}}}"#)
}

fn no() -> Answer {
    Answer::Denied(Denial::forbidden())
}
