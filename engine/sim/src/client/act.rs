//! What a client does by itself.

use super::link::{Asked, Expected, Link};
use super::{Client, Do};
use crate::frames;
use crate::known::Known;
use crate::name::StreamName;
use crate::oracle::Oracle;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidings_core::policy::Attendance;
use tidings_proto::id::{Position, Secret};

/// A link from which nothing came for this long is given up: the server pings more often.
const SILENT_MS: u64 = 8_000;

/// Without an answer to `connect` for this long, another connection is tried.
const CONNECT_MS: u64 = 4_000;

impl Client {
    /// One step. `calm` is after the chaos: nothing new, but everything that is still to be had. Returns when to step again.
    pub(crate) fn act(&mut self, oracle: &mut Oracle, now_ms: u64, calm: bool) -> u64 {
        if self.part.has_left {
            return 1_000_000;
        }
        self.give_up_silent(now_ms, calm);
        if self.links.is_empty() {
            if now_ms >= self.away_until || calm {
                self.connect(oracle, now_ms, calm);
            }
        } else if let Some(at) = self.live() {
            self.subscribe_wanted(at, now_ms);
            self.retry(at, now_ms);
            self.take_part(at);
            if calm {
                self.acknowledge(at, 1_000, oracle);
                self.keep_one(at);
            } else {
                self.do_something(at, oracle, now_ms);
            }
        }
        if calm { self.random.between(100, 300) } else { self.random.between(20, 500) }
    }

    fn do_something(&mut self, at: usize, oracle: &mut Oracle, now_ms: u64) {
        match self.random.below(100) {
            0..55 => self.publish(at, oracle, now_ms),
            55..75 => self.acknowledge(at, 600, oracle),
            75..80 => self.unsubscribe(at),
            80..83 => self.wants = self.plan.channels.iter().filter(|_| self.random.chance(700)).cloned().collect(),
            83..85 => self.ping(at),
            85 => self.choose(),
            86 => {
                // It leaves without a word, perhaps for long.
                let conns: Vec<_> = self.links.drain(..).map(|link| link.conn).collect();
                self.out.extend(conns.into_iter().map(Do::Shut));
                self.away_until = now_ms + self.random.between(100, 20_000);
            }
            // It takes its connection for lost and opens another one beside it.
            // Not who leaves it to its session where it stands: the other connection may be another session.
            87..89 if self.links.len() < 2 && !self.who.is_terse => self.connect(oracle, now_ms, false),
            89 if self.random.chance(300) => {
                let conns: Vec<_> = self.links.drain(..).map(|link| link.conn).collect();
                self.out.extend(conns.into_iter().map(Do::Shut));
                self.forget_session();
                self.memory.streams.clear();
            }
            90..95 => self.look_back(at),
            _ => {}
        }
    }

    /// One connection is enough.
    fn keep_one(&mut self, at: usize) {
        let kept = self.links[at].conn;
        let others: Vec<_> = self.links.iter().map(|link| link.conn).filter(|conn| *conn != kept).collect();
        self.out.extend(others.into_iter().map(Do::Shut));
        self.links.retain(|link| link.conn == kept);
    }

    fn give_up_silent(&mut self, now_ms: u64, calm: bool) {
        let is_dead = |link: &Link| match link.live_since {
            Some(_) => now_ms > link.heard_ms + SILENT_MS,
            None => now_ms > link.opened_ms + CONNECT_MS,
        };
        let dead: Vec<_> = self.links.iter().filter(|link| is_dead(link)).map(|link| link.conn).collect();
        for conn in dead {
            self.out.push(Do::Shut(conn));
            self.ended(conn, now_ms, calm);
        }
    }

    fn connect(&mut self, oracle: &mut Oracle, now_ms: u64, calm: bool) {
        self.opened += 1;
        let conn = self.who.index as u64 * 1_000_000 + self.opened;
        let (wish, expected) = self.session_to_resume(oracle, calm);
        let mut given = BTreeMap::new();
        let mut positions = Vec::new();
        for (stream, have) in &self.memory.streams {
            // Without a position of a channel, what the client has acknowledged counts.
            if !stream.is_inbox() && self.who.is_terse {
                continue;
            }
            let position = Position { epoch: have.epoch, offset: have.offset };
            if wish.is_some() && positions.len() < 1_000 {
                let place = if stream.is_inbox() { ("inbox", json!(true)) } else { ("channel", json!(*stream.name)) };
                positions.push(json!({ place.0: place.1, "epoch": have.epoch, "offset": have.offset }));
            }
            if wish.is_some() || stream.is_inbox() {
                given.insert(stream.clone(), position);
            }
        }
        let mut connect = json!({ "token": *self.who.user });
        if !self.who.device.is_empty() {
            connect["device"] = json!(*self.who.device);
        }
        if let Some(Known { session, secret, .. }) = wish {
            connect["resume"] = json!({ "session": session, "secret": secret, "positions": positions });
        } else if let Some(position) = given.get(&self.inbox()) {
            connect["since"] = json!(position);
        }
        let link = Link {
            conn,
            life: oracle.life,
            received: Vec::new(),
            opened_ms: now_ms,
            live_since: None,
            heard_ms: now_ms,
            streams: BTreeMap::new(),
            asked: BTreeMap::new(),
            given,
            expected,
            passed: BTreeSet::new(),
            told: super::heard::Heard::default(),
        };
        self.links.push(link);
        self.out.push(Do::Open(conn, self.who.form));
        let at = self.links.len() - 1;
        self.ask(at, json!({ "connect": connect }), Asked::Connect);
    }

    fn session_to_resume(&mut self, oracle: &Oracle, calm: bool) -> (Option<Known>, Expected) {
        if !calm && self.random.chance(30) {
            // Another user's session, whose secret has leaked.
            let mut others = oracle.sessions.values().filter(|(user, _)| *user != self.who.user);
            if let Some((_, known)) = others.next() {
                return (Some(known.clone()), Expected::Refused);
            }
        }
        let Some(known) = self.memory.known.clone() else { return (None, Expected::New) };
        match self.random.below(100) {
            0..4 if !calm => {
                let secret = Secret(self.random.wide());
                (Some(Known { secret, ..known }), Expected::Refused)
            }
            4..10 if !calm => (None, Expected::New),
            _ => (Some(known), Expected::Own),
        }
    }

    /// Sends a command that is answered.
    pub(super) fn ask(&mut self, at: usize, mut command: Value, asked: Asked) {
        self.next_id += 1;
        command["id"] = json!(self.next_id);
        self.links[at].asked.insert(self.next_id, asked);
        self.say(at, &command);
    }

    pub(super) fn say(&mut self, at: usize, command: &Value) {
        self.out.push(Do::Send(self.links[at].conn, frames::write(self.who.form, command)));
    }

    fn subscribe_wanted(&mut self, at: usize, now_ms: u64) {
        // What a resumed session was subscribed to comes by itself.
        if self.links[at].live_since.is_none_or(|since| now_ms < since + 300) {
            return;
        }
        let wanted: Vec<Arc<str>> = self.wants.iter().cloned().collect();
        for channel in wanted {
            let stream = StreamName::channel(&channel);
            let link = &self.links[at];
            if link.reading(&stream).is_some() || link.is_asking(&channel) {
                continue;
            }
            let mut subscribe = json!({ "channel": *channel });
            let namespace = channel.split(':').next().unwrap_or_default();
            let policy = self.plan.rules.namespace(namespace);
            if policy.is_some_and(|policy| policy.attendance != Attendance::None) {
                subscribe["presence"] = json!(true);
            }
            let have = self.memory.streams.get(&stream);
            let since = have.map(|have| Position { epoch: have.epoch, offset: have.offset });
            if let Some(since) = since {
                subscribe["since"] = json!(since);
            }
            self.ask(at, json!({ "subscribe": subscribe }), Asked::Subscribe(channel, since));
        }
    }

    fn unsubscribe(&mut self, at: usize) {
        let channels: Vec<_> = self.links[at]
            .streams
            .values()
            .filter(|reading| !reading.stream.is_inbox())
            .map(|r| r.stream.clone())
            .collect();
        if channels.is_empty() {
            return;
        }
        let stream = &channels[self.random.index(channels.len())];
        self.wants.remove(&stream.name);
        self.ask(at, json!({ "unsubscribe": { "channel": *stream.name } }), Asked::Unsubscribe);
    }

    /// Its token ends soon. Mostly it brings another, at times someone else's, at times none.
    pub(super) fn refresh(&mut self, at: usize, calm: bool) {
        let own = calm || self.random.chance(850);
        if !calm && self.random.chance(250) {
            return;
        }
        let other = self.plan.users.iter().find(|user| **user != self.who.user).cloned();
        let token = other.filter(|_| !own).unwrap_or_else(|| Arc::clone(&self.who.user));
        let own = token == self.who.user;
        self.ask(at, json!({ "refresh": { "token": *token } }), Asked::Refresh { own });
    }

    fn ping(&mut self, at: usize) {
        self.next_id += 1;
        let id = self.next_id;
        self.say(at, &json!({ "id": id, "ping": {} }));
    }

    /// Acknowledges what it has, of each stream with the chance given.
    fn acknowledge(&mut self, at: usize, per_mille: u64, oracle: &mut Oracle) {
        let mut marks = Vec::new();
        for (number, reading) in &mut self.links[at].streams {
            let Some(have) = self.memory.streams.get(&reading.stream) else { continue };
            if have.epoch == reading.epoch && have.offset > reading.marked && self.random.chance(per_mille) {
                // The same again now and then: it must change nothing.
                reading.marked = have.offset - u64::from(self.random.chance(100));
                marks.push((*number, have.offset, reading.stream.is_inbox()));
            }
        }
        for (stream, offset, is_inbox) in marks {
            let mark = json!({ "stream": stream, "offset": offset });
            let command = if self.random.chance(200) { json!({ "read": mark }) } else { json!({ "ack": mark }) };
            self.say(at, &command);
            oracle.tally.acknowledged += 1;
            if is_inbox {
                self.memory.acknowledged = self.memory.acknowledged.max(Some(offset));
            }
        }
    }
}
