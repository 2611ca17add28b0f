//! What boards are tested with: connections are numbers, and what each was told is remembered as text.

mod channels;
mod model;
mod users;
mod watching;

use super::{Board, Change, DeviceId, NotWatched};
use crate::policy::{Access, Attendance, PresenceRules};
use crate::stream::{Delivery, Effects, Subscriber};
use crate::time::{Instant, Now};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidings_proto::payload::{Codec, DataRef};
use tidings_proto::presence::{Chosen, Present};
use tidings_proto::wire::WireForm;

const WALL_MS: u64 = 1_790_000_000_000;
const GRACE_MS: u64 = 15_000;
const RULES: PresenceRules = PresenceRules {
    watch: Access::Everyone,
    grace_ms: GRACE_MS,
    text_bytes_max: 100,
    info_bytes_max: 100,
    watched_max: 4,
    watchers_max: 3,
    strangers_max: 4,
    members_max: 3,
};

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wire(u32);

impl Subscriber for Wire {
    fn form(&self) -> WireForm {
        WireForm::JsonLines
    }
}

/// What each connection was told, and which have no room.
#[derive(Debug, Default)]
struct Lines {
    told: BTreeMap<u32, Vec<serde_json::Value>>,
    full: BTreeSet<u32>,
}

impl Effects<Wire> for Lines {
    fn deliver(&mut self, to: &Wire, frames: &Bytes, _entries: u64) -> Delivery {
        if self.full.contains(&to.0) {
            return Delivery::Full;
        }
        let text = std::str::from_utf8(frames).unwrap();
        self.told.entry(to.0).or_default().extend(text.lines().map(|line| serde_json::from_str(line).unwrap()));
        Delivery::Taken
    }

    fn skipped(&mut self, _entries: u64) {}
}

struct Bench {
    board: Board<Wire>,
    lines: Lines,
    changes: Vec<Change>,
    now: Now,
}

fn said(status: Option<Chosen>, text: Option<&str>) -> Present<'_> {
    Present { status, text: text.map(Into::into) }
}

impl Bench {
    fn new() -> Self {
        Self::with(RULES)
    }

    fn with(rules: PresenceRules) -> Self {
        let now = Now { instant: Instant(1_000), wall_ms: WALL_MS };
        Self { board: Board::new(rules, 7), lines: Lines::default(), changes: Vec::new(), now }
    }

    fn open(&mut self, user: &str) -> DeviceId {
        self.board.open(&Arc::from(user), None, self.now)
    }

    fn set(&mut self, device: DeviceId, status: Chosen) {
        self.board.set(device, &said(Some(status), None), self.now);
    }

    fn watch(&mut self, device: DeviceId, users: &[&str]) -> Result<usize, NotWatched> {
        self.board.watch(device, Wire(device), users.iter().copied())
    }

    fn join(&mut self, device: DeviceId, channel: &str, told: Option<bool>, info: Option<&str>) {
        let info = info.map(|info| DataRef::parse(Codec::Json, info.as_bytes()).unwrap());
        let channel = Arc::from(channel);
        self.board.join(device, &channel, Attendance::Members, Wire(device), told, info, self.now);
    }

    /// Time passes, without a look at the clock.
    fn pass(&mut self, ms: u64) {
        self.now.instant = self.now.instant + ms;
        self.now.wall_ms += ms;
    }

    fn look(&mut self) {
        self.board.tick(self.now);
        while self.board.tell(self.now, 3, &mut self.lines, &mut self.changes).more {}
    }

    /// A hundred milliseconds later.
    fn tick(&mut self) {
        self.pass(100);
        self.look();
    }

    /// What a connection was told since the last time.
    fn take(&mut self, device: DeviceId) -> Vec<String> {
        let told = self.lines.told.remove(&device).unwrap_or_default();
        told.iter().map(line).collect()
    }

    fn tick_and_take(&mut self, device: DeviceId) -> Vec<String> {
        self.tick();
        self.take(device)
    }

    /// What the host heard since the last time.
    fn heard(&mut self) -> Vec<String> {
        let changes = std::mem::take(&mut self.changes);
        changes
            .iter()
            .map(|change| format!("{} {} {}", change.user, change.status.name(), change.reason.name()))
            .collect()
    }

    fn told_of(&mut self, device: DeviceId, user: &str) -> String {
        let frame = self.board.status(device, user);
        format!("{} {}", frame.status.name(), frame.reason.name())
    }
}

/// One frame in a few words; times relative to the beginning, in milliseconds.
fn line(frame: &serde_json::Value) -> String {
    let (name, body) = frame.as_object().unwrap().iter().next().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    if name == "status" {
        let seen = body["last_seen"].as_u64().map(|at| format!(" seen {}", at - WALL_MS)).unwrap_or_default();
        let words = body["text"].as_str().map(|text| format!(" \"{text}\"")).unwrap_or_default();
        return format!("{} {} {}{seen}{words}", text(&body["user"]), text(&body["status"]), text(&body["reason"]));
    }
    let members = body["members"].as_array().unwrap().iter().map(|member| {
        let reason = member["reason"].as_str().map(|reason| format!("({reason})")).unwrap_or_default();
        let info = if member["info"].is_null() { String::new() } else { format!("={}", member["info"]) };
        format!(" {}{info}{reason}", text(&member["user"]))
    });
    let complete = if body["complete"] == false { "~" } else { "" };
    format!("{name} {}{complete}{}", body["count"], members.collect::<String>())
}
