//! Commands that wait for the host's answer.

use crate::ask::{Answer, Token};
use crate::policy::Class;
use crate::stream::Publication;
use crate::stream::past::Begin;
use std::collections::VecDeque;
use std::sync::Arc;
use tidings_proto::command::Wait;
use tidings_proto::id::{Position, Secret, SessionId};
use tidings_proto::payload::Data;
use tidings_proto::presence::Present;

/// Whom a session wants to watch: whom it may, and who is the host's to decide.
#[derive(Debug)]
pub(super) struct WatchWish {
    pub(super) allowed: Vec<Box<str>>,
    pub(super) asked: Vec<Box<str>>,
    /// It is a resumed session's list, and not a command.
    pub(super) again: bool,
}

/// A command kept until the host has answered.
#[derive(Debug)]
pub(super) enum Kept {
    Connect(Box<Wish>),
    Refresh,
    /// A channel that the session is in, and may not stay in by the rights of its new token alone.
    Stay {
        channel: Box<str>,
    },
    Subscribe {
        channel: Box<str>,
        since: Option<Position>,
        presence: Option<bool>,
        info: Option<Data>,
    },
    Publish {
        channel: Box<str>,
        message: Message,
    },
    Send {
        user: Box<str>,
        message: Message,
    },
    History {
        channel: Box<str>,
        begin: Begin,
        entries_max: u64,
    },
    Watch(Box<WatchWish>),
    Call,
}

/// What a `connect` asks for beside being let in.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    pub(super) device: Option<Box<str>>,
    pub(super) since: Option<Position>,
    pub(super) resume: Option<(SessionId, Secret)>,
    /// Where the client stands in the channels of the session that it wants to resume.
    pub(super) channels: Vec<(Box<str>, Position)>,
    pub(super) present: Option<Present<'static>>,
}

/// A publication that waits.
#[derive(Debug)]
pub(super) struct Message {
    event: Box<str>,
    data: Data,
    key: Option<Box<str>>,
    class: Class,
    idempotency_key: Option<Box<str>>,
    wait: Wait,
}

impl Message {
    pub(super) fn keep(publication: &Publication<'_>) -> Self {
        let Publication { event, data, from: _, key, class, idempotency_key, wait } = *publication;
        Self {
            event: event.into(),
            data: data.to_data(),
            key: key.map(Into::into),
            class,
            idempotency_key: idempotency_key.map(Into::into),
            wait,
        }
    }

    pub(super) fn publication<'m>(&'m self, from: Option<&'m Arc<str>>) -> Publication<'m> {
        let Self { event, data, key, class, idempotency_key, wait } = self;
        Publication {
            event,
            data: data.as_ref(),
            from,
            key: key.as_deref(),
            class: *class,
            idempotency_key: idempotency_key.as_deref(),
            wait: *wait,
        }
    }
}

/// One command that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    token: Token,
    pub(super) id: Option<u64>,
    pub(super) kept: Kept,
    answer: Option<Answer>,
}

/// All that wait, in the order they came.
///
/// Answers may come in any order; commands that publish or join are carried out in the order the client gave them, so
/// a host that answers the second before the first does not turn a user's messages round.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Boxed, because most of the time none waits.
    #[expect(clippy::box_collection, reason = "8 bytes instead of 32 in each of many thousand sessions")]
    waiting: Option<Box<VecDeque<Waiting>>>,
    /// Comes round after 2^32 questions, of which only the last few can still wait.
    next: u32,
}

impl Asked {
    pub(super) fn next_token(&mut self) -> Token {
        self.next = self.next.wrapping_add(1);
        Token(u64::from(self.next))
    }

    pub(super) fn len(&self) -> usize {
        self.each().count()
    }

    fn each(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().flat_map(|waiting| waiting.iter())
    }

    /// What the `connect` that waits asks for.
    pub(super) fn wish(&self) -> Option<&Wish> {
        self.each().find_map(|waiting| match &waiting.kept {
            Kept::Connect(wish) => Some(&**wish),
            _ => None,
        })
    }

    /// Whether another token is being looked at.
    pub(super) fn is_refreshing(&self) -> bool {
        self.each().any(|waiting| matches!(waiting.kept, Kept::Refresh | Kept::Stay { .. }))
    }

    /// How many of them want to join a channel.
    pub(super) fn subscribes(&self) -> usize {
        self.each().filter(|waiting| matches!(waiting.kept, Kept::Subscribe { .. })).count()
    }

    pub(super) fn wait(&mut self, token: Token, id: Option<u64>, kept: Kept) {
        self.waiting.get_or_insert_default().push_back(Waiting { token, id, kept, answer: None });
    }

    /// Notes an answer. False if no such question waits, or it has its answer.
    pub(super) fn answer(&mut self, token: Token, answer: Answer) -> bool {
        let mut each = self.waiting.iter_mut().flat_map(|waiting| waiting.iter_mut());
        match each.find(|waiting| waiting.token == token) {
            Some(waiting) if waiting.answer.is_none() => {
                waiting.answer = Some(answer);
                true
            }
            _ => false,
        }
    }

    /// The next command that can be carried out: any answered call, else the first if it is answered.
    pub(super) fn ready(&mut self) -> Option<(Waiting, Answer)> {
        let is_answered_call = |waiting: &Waiting| matches!(waiting.kept, Kept::Call) && waiting.answer.is_some();
        let all = self.waiting.as_mut()?;
        let first_in_line = all.iter().position(|waiting| !matches!(waiting.kept, Kept::Call));
        let answered_in_line = first_in_line.filter(|at| all[*at].answer.is_some());
        let at = all.iter().position(is_answered_call).or(answered_in_line)?;
        let mut waiting = all.remove(at)?;
        let answer = waiting.answer.take()?;
        if all.is_empty() {
            self.waiting = None;
        }
        Some((waiting, answer))
    }
}
