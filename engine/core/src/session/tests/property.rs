//! Random frames, answers and looks at the clock: no panic, every command ends once, in order and by right alone, and
//! a session that is over says nothing.

use super::{Bench, WALL_MS, admission, no};
use crate::ask::{Answer, Denial};
use crate::rate::Rate;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::collections::{BTreeMap, BTreeSet};
use tidings_proto::code::Code;
use tidings_proto::payload::Data;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A command, its channel, user or method, and whether it has an id.
    Command(usize, usize, bool),
    Raw(String),
    /// To the question so many places before the newest one.
    Answer(u64, usize),
    /// What the host says at once to the next question.
    AtOnce(usize),
    Control,
    Tick,
    Pass(u64),
    Part(usize),
    Close,
    Hush,
}

const CHANNELS: [&str; 9] =
    ["open:a", "open:b", "shared:mine", "shared:x", "shared:y", "host:a", "state:a", "nowhere:a", "room:a"];

/// Whom a `watch` names. The rights cover those that begin with `mine`, the others are the host's to allow.
const WATCHED: [&str; 6] =
    [r#""alice""#, r#""mine1","bob""#, r#""bob","carol""#, r#""bob","alice","carol","mine2""#, r#""dave""#, r#""#];

/// Kinds of commands, those that are taken for one and those that are not.
const KINDS: usize = 21;

/// The first of them that nothing answers.
const SILENT: usize = 17;

fn command(kind: usize, name: usize, id: Option<u64>) -> String {
    let channel = CHANNELS[name % CHANNELS.len()];
    let user = ["bob", "mine1", ""][name % 3];
    let namespace = channel.split(':').next().unwrap();
    let body = match kind {
        0 => r#""connect":{"token":"t"}"#.to_owned(),
        1 => format!(r#""subscribe":{{"channel":"{channel}"}}"#),
        2 => format!(r#""unsubscribe":{{"channel":"{channel}"}}"#),
        3 => format!(r#""publish":{{"channel":"{channel}","event":"E"}}"#),
        4 => format!(r#""publish":{{"channel":"{channel}","event":"E","key":"k","wait":"accepted"}}"#),
        5 => format!(r#""send":{{"user":"{user}","namespace":"{namespace}","event":"E"}}"#),
        6 => r#""call":{"method":"m"}"#.to_owned(),
        7 => r#""ping":{}"#.to_owned(),
        8 => format!(r#""subscribe":{{"channel":"{channel}","presence":true,"info":{{"at":{name}}}}}"#),
        9 => {
            let status = ["online", "busy", "away", "invisible", "idle"][name % 5];
            format!(r#""presence":{{"status":"{status}","text":"{}"}}"#, "x".repeat(4 * name))
        }
        10 | 11 => format!(r#""watch":{{"users":[{}]}}"#, WATCHED[name % WATCHED.len()]),
        12 => format!(r#""unwatch":{{"users":[{}]}}"#, WATCHED[name % WATCHED.len()]),
        13 => format!(r#""members":{{"channel":"{channel}","list":{}}}"#, name.is_multiple_of(2)),
        14 => format!(r#""info":{{"channel":"{channel}","info":"{}"}}"#, "x".repeat(6 * name)),
        15 => format!(r#""info":{{"channel":"{channel}"}}"#),
        16 => format!(r#""history":{{"channel":"{channel}"}}"#),
        17 => format!(r#""activity":{{"active":{}}}"#, name.is_multiple_of(2)),
        18 => format!(r#""ack":{{"stream":{name},"offset":{name}}}"#),
        19 => format!(r#""read":{{"stream":{name},"offset":{name}}}"#),
        _ => r#""pong":{}"#.to_owned(),
    };
    id.map_or_else(|| format!("{{{body}}}"), |id| format!(r#"{{"id":{id},{body}}}"#))
}

fn answer(kind: usize) -> Answer {
    match kind {
        0 => admission(None),
        1 => admission(Some(WALL_MS + 30_000)),
        2 => Answer::Result(Data::null()),
        3 => no(),
        4 => Answer::Denied(Denial::new(Code::Timeout, "later")),
        5 => Answer::Users(vec!["bob".into(), "dave".into(), "nobody".into()]),
        _ => Answer::Allowed,
    }
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => (1..KINDS, 0..CHANNELS.len(), prop::bool::weighted(0.8)).prop_map(|(kind, name, id)| Op::Command(kind, name, id)),
        2 => Just(Op::Command(0, 0, true)),
        1 => "[\\[\\]{}\":,a-z0-9 ]{0,20}".prop_map(Op::Raw),
        12 => (0_u64..6, 0_usize..10).prop_map(|(ago, kind)| Op::Answer(ago, kind)),
        2 => (0_usize..10).prop_map(Op::AtOnce),
        1 => Just(Op::Control),
        3 => Just(Op::Tick),
        3 => prop_oneof![0_u64..2_000, Just(25_000_u64)].prop_map(Op::Pass),
        1 => (0..CHANNELS.len()).prop_map(Op::Part),
        1 => prop::bool::weighted(0.1).prop_map(|close| if close { Op::Close } else { Op::Tick }),
        1 => prop::bool::weighted(0.1).prop_map(|hush| if hush { Op::Hush } else { Op::Tick }),
    ]
}

struct World {
    bench: Bench,
    /// Every command with an id that wants an answer.
    sent: BTreeSet<u64>,
    /// Those with an id that are answered only when they are refused.
    silent: BTreeSet<u64>,
    /// How often each of them was answered or carried out.
    done: BTreeMap<u64, usize>,
    /// Which command a question came of.
    asked: BTreeMap<u64, u64>,
    /// Questions that have their answer.
    answered: BTreeSet<u64>,
    /// Commands that the host said yes to.
    allowed: BTreeSet<u64>,
    /// Whom the host said yes to, of those that a command wanted to watch.
    watchable: BTreeMap<u64, Vec<Box<str>>>,
    is_idle: bool,
    joined: BTreeSet<String>,
    /// The last command that was carried out in a channel or for a user.
    last: BTreeMap<String, u64>,
    is_over: bool,
}

impl World {
    fn new(messages: u32, others: u32) -> Self {
        let mut bench = Bench::new();
        bench.rules.limits.messages = Rate::per_minute(messages);
        bench.rules.limits.others = Rate::per_minute(others);
        Self {
            bench,
            sent: BTreeSet::new(),
            silent: BTreeSet::new(),
            done: BTreeMap::new(),
            asked: BTreeMap::new(),
            answered: BTreeSet::new(),
            allowed: BTreeSet::new(),
            watchable: BTreeMap::new(),
            is_idle: false,
            joined: BTreeSet::new(),
            last: BTreeMap::new(),
            is_over: false,
        }
    }

    fn step(&mut self, number: u64, op: Op) -> TestCaseResult {
        let before = self.bench.log.at_once.first().cloned();
        let lines = match op {
            Op::Command(kind, name, has_id) => {
                let id = (has_id || kind == 7).then_some(number);
                if !self.bench.session.is_closed() {
                    let wants = if kind < SILENT { &mut self.sent } else { &mut self.silent };
                    wants.extend(id);
                }
                self.bench.receive(&command(kind, name, id))
            }
            Op::Raw(text) => self.bench.receive(&text),
            Op::Answer(ago, kind) => {
                let token = (self.asked.len() as u64).saturating_sub(ago);
                self.answer(token, kind)?
            }
            Op::AtOnce(kind) => {
                self.bench.log.at_once.push(answer(kind));
                Vec::new()
            }
            Op::Control => self.bench.control(),
            Op::Tick => self.bench.tick().1,
            Op::Pass(ms) => {
                self.bench.pass(ms);
                Vec::new()
            }
            Op::Part(name) => {
                self.bench.session.part(CHANNELS[name]);
                self.joined.remove(CHANNELS[name]);
                Vec::new()
            }
            Op::Close => {
                self.bench.session.close(Code::Disconnected, &mut self.bench.log);
                self.bench.take()
            }
            Op::Hush => {
                self.bench.session.hush();
                Vec::new()
            }
        };
        prop_assert!(lines.is_empty() || !self.is_over, "over, and says {lines:?}");
        let closes = lines.iter().filter(|line| line.starts_with("close")).count();
        prop_assert!(closes <= usize::from(self.bench.session.is_closed()));
        for line in &lines {
            self.look(number, line, before.as_ref())?;
        }
        self.is_over = self.bench.session.is_closed();
        self.bounds()
    }

    fn answer(&mut self, token: u64, kind: usize) -> Result<Vec<String>, TestCaseError> {
        let (wanted, lines) = self.bench.answer(token, answer(kind));
        let open = self.asked.contains_key(&token) && !self.answered.contains(&token);
        prop_assert_eq!(wanted, open && !self.is_over, "an answer is wanted once, and by a session that is not over");
        self.answered.extend(wanted.then_some(token));
        if wanted && let Some(&number) = self.asked.get(&token) {
            self.note(number, &answer(kind));
        }
        Ok(lines)
    }

    /// What the host allowed of a command.
    fn note(&mut self, number: u64, answer: &Answer) {
        match answer {
            Answer::Allowed => drop(self.allowed.insert(number)),
            Answer::Users(users) => drop(self.watchable.insert(number, users.clone())),
            _ => {}
        }
    }

    fn look(&mut self, number: u64, line: &str, at_once: Option<&Answer>) -> TestCaseResult {
        let words: Vec<_> = line.split(' ').collect();
        let id = match words[0] {
            "ask" => {
                let token = words[1].parse().unwrap();
                prop_assert_eq!(token, self.asked.len() as u64 + 1, "every question has a token of its own");
                self.asked.insert(token, number);
                self.answered.extend(at_once.map(|_| token));
                at_once.into_iter().for_each(|answer| self.note(number, answer));
                return Ok(());
            }
            "close" | "told" => return Ok(()),
            word @ ("active" | "idle") => {
                prop_assert_ne!(std::mem::replace(&mut self.is_idle, word == "idle"), word == "idle");
                return Ok(());
            }
            "has" | "read" => {
                prop_assert!(words[1] == "alice" || self.joined.contains(words[1]), "{line}");
                return Ok(());
            }
            "leave" => {
                prop_assert!(self.joined.remove(words[1]));
                return Ok(());
            }
            "-" => None,
            id => Some(id.parse::<u64>().unwrap()),
        };
        if let Some(id) = id {
            prop_assert!(self.sent.contains(&id) || (words[1] == "error" && self.silent.contains(&id)));
            *self.done.entry(id).or_default() += 1;
            prop_assert_eq!(self.done[&id], 1, "answered once: {}", line);
        }
        if ["join", "publish", "send", "history"].contains(&words[1]) {
            let name = words[2];
            prop_assert!(self.bench.session.user().is_some() && !name.starts_with("host:") && !name.is_empty());
            if let (Some(id), "shared:x" | "shared:y") = (id, name) {
                let is_in = words[1] == "history" && self.joined.contains(name);
                prop_assert!(is_in || self.allowed.contains(&id), "not without a yes");
            }
            if words[1] == "join" {
                prop_assert!(self.joined.insert(name.to_owned()));
            }
        }
        if let (Some(id), "publish") = (id, words[1]) {
            let last = self.last.insert(words[2].to_owned(), id).unwrap_or_default();
            prop_assert!(last < id, "a channel's publications stay in order");
        }
        self.look_at_presence(id, &words)
    }

    /// Nobody is watched, and nothing is told of a channel's members, without the right to it.
    fn look_at_presence(&self, id: Option<u64>, words: &[&str]) -> TestCaseResult {
        let rules = self.bench.rules.presence;
        match (words[1], words.get(2).copied().unwrap_or_default()) {
            ("watch", users) => {
                let by_right = |user: &str| user == "alice" || user.starts_with("mine");
                let yes = id.map(|id| (self.allowed.contains(&id), self.watchable.get(&id)));
                let by_the_host = |user: &str| {
                    yes.is_none_or(|(all, some)| all || some.into_iter().flatten().any(|yes| **yes == *user))
                };
                let may = |user: &str| by_right(user) || by_the_host(user);
                prop_assert!(users.is_empty() || users.split(',').all(may), "{words:?}");
                let refused = words.iter().skip_while(|word| **word != "not").nth(1).copied().unwrap_or_default();
                prop_assert!(!refused.split(',').any(by_right), "{words:?}");
            }
            ("present", _) => {
                prop_assert!(words.get(3).is_none_or(|text| text.len() <= rules.text_bytes_max), "{words:?}");
            }
            ("members" | "inform", channel) => {
                prop_assert!(channel.starts_with("room:") && self.joined.contains(channel), "{words:?}");
                prop_assert!(words.get(3).is_none_or(|info| info.len() <= rules.info_bytes_max), "{words:?}");
            }
            _ => {}
        }
        Ok(())
    }

    fn bounds(&self) -> TestCaseResult {
        let limits = self.bench.rules.limits;
        let channels = self.bench.streams().into_iter().filter(|name| *name != "alice");
        let channels: BTreeSet<_> = channels.map(str::to_owned).collect();
        prop_assert!(channels.len() + self.bench.session.asked.subscribes() <= limits.subscriptions_max);
        prop_assert!(self.bench.session.asked.len() <= limits.questions_max);
        prop_assert_eq!(&channels, &self.joined);
        Ok(())
    }

    /// The host answers all that is open, the first question last: then every command has its end.
    fn finish(&mut self) -> TestCaseResult {
        let open: Vec<_> = self.asked.keys().copied().filter(|token| !self.answered.contains(token)).collect();
        for token in open.into_iter().rev() {
            let lines = self.answer(token, 3)?;
            prop_assert!(lines.is_empty() || !self.is_over);
            for line in &lines {
                self.look(u64::MAX, line, None)?;
            }
            self.is_over = self.bench.session.is_closed();
        }
        if self.bench.session.is_live() {
            prop_assert_eq!(self.bench.session.asked.len(), 0);
            let done: BTreeSet<_> = self.done.keys().copied().collect();
            let open: Vec<_> = self.sent.difference(&done).collect();
            prop_assert!(open.is_empty(), "{open:?} have no answer");
        }
        Ok(())
    }
}

/// How a life begins: with these two rates, and with `connect` or not.
pub(crate) type Start = (u32, u32, bool);

pub(crate) fn start() -> impl Strategy<Value = Start> {
    let messages = prop_oneof![Just(0_u32), 5_u32..40];
    let others = prop_oneof![4 => Just(0_u32), 1 => 5_u32..40];
    (messages, others, prop::bool::weighted(0.9))
}

pub(crate) fn live((messages, others, connects): Start, ops: Vec<Op>) -> TestCaseResult {
    let mut world = World::new(messages, others);
    let connect = [Op::AtOnce(0), Op::Command(0, 0, true)];
    let first = connect.into_iter().filter(|_| connects);
    for (number, op) in (1_u64..).zip(first.chain(ops)) {
        world.step(number, op)?;
    }
    world.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_command_ends_once_and_by_right(start in start(), ops in prop::collection::vec(op(), 1..120)) {
        live(start, ops)?;
    }
}
