//! Random lives of a few users and their devices, against the plainest model there is.

use super::{Bench, GRACE_MS};
use crate::presence::DeviceId;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tidings_proto::presence::{Chosen, Reason};

const USERS: [&str; 3] = ["a", "b", "c"];
const CHANNELS: [&str; 2] = ["x", "y"];

#[derive(Debug, Clone)]
enum Op {
    Open(usize),
    Lost(usize),
    Left(usize),
    Resume(usize),
    Forget(usize),
    Active(usize, bool),
    Set(usize, usize),
    Watch(usize, usize),
    Unwatch(usize, usize),
    Join(usize, usize),
    Part(usize, usize),
    Full(usize, bool),
    Pass(u64),
    Tick,
}

/// A session as the model knows it.
#[derive(Debug, Clone)]
struct Session {
    device: DeviceId,
    user: usize,
    /// Connected, or lost at that time, or gone.
    line: Line,
    over: bool,
    idle: bool,
    chosen: Chosen,
    watches: BTreeSet<usize>,
    joins: BTreeSet<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Here,
    Lost(u64),
    Gone,
}

#[derive(Default)]
struct Model {
    sessions: Vec<Session>,
    invisible: [bool; USERS.len()],
    /// What each connection was told last of each user, and of each channel's members.
    told: BTreeMap<(DeviceId, String), String>,
    members: BTreeMap<(DeviceId, String), BTreeSet<String>>,
}

fn op() -> impl Strategy<Value = Op> {
    let session = 0..6_usize;
    prop_oneof![
        3 => (0..USERS.len()).prop_map(Op::Open),
        2 => session.clone().prop_map(Op::Lost),
        1 => session.clone().prop_map(Op::Left),
        2 => session.clone().prop_map(Op::Resume),
        1 => session.clone().prop_map(Op::Forget),
        2 => (session.clone(), any::<bool>()).prop_map(|(at, active)| Op::Active(at, active)),
        2 => (session.clone(), 0..4_usize).prop_map(|(at, chosen)| Op::Set(at, chosen)),
        4 => (session.clone(), 0..USERS.len()).prop_map(|(at, user)| Op::Watch(at, user)),
        1 => (session.clone(), 0..USERS.len()).prop_map(|(at, user)| Op::Unwatch(at, user)),
        4 => (session.clone(), 0..CHANNELS.len()).prop_map(|(at, channel)| Op::Join(at, channel)),
        1 => (session.clone(), 0..CHANNELS.len()).prop_map(|(at, channel)| Op::Part(at, channel)),
        1 => (session, any::<bool>()).prop_map(|(at, full)| Op::Full(at, full)),
        3 => prop_oneof![0..300_u64, Just(GRACE_MS / 2), Just(GRACE_MS)].prop_map(Op::Pass),
        4 => Just(Op::Tick),
    ]
}

impl Model {
    fn user_counts(&self, user: usize) -> bool {
        self.sessions.iter().any(|session| session.user == user && session.line != Line::Gone)
    }

    fn truth(&self, user: usize) -> &'static str {
        let there = self.sessions.iter().filter(|session| session.user == user && session.line != Line::Gone);
        let statuses: BTreeSet<&str> = there
            .map(|session| match session.chosen {
                Chosen::Away => "away",
                Chosen::Busy => "busy",
                _ if session.idle => "idle",
                _ => "online",
            })
            .collect();
        let best = ["online", "busy", "idle", "away"].into_iter().find(|status| statuses.contains(status));
        match best {
            Some(_) if self.invisible[user] => "invisible",
            Some(best) => best,
            None => "offline",
        }
    }

    fn seen(&self, user: usize, by: usize) -> &'static str {
        match self.truth(user) {
            "invisible" if user != by => "offline",
            truth => truth,
        }
    }

    /// Who must be listed in a channel.
    fn members(&self, channel: usize) -> BTreeSet<String> {
        let there = |user: &usize| {
            let mut sessions = self.sessions.iter().filter(|session| session.user == *user);
            sessions.any(|session| session.line != Line::Gone && session.joins.contains(&channel))
        };
        let seen = (0..USERS.len()).filter(|user| there(user) && self.truth(*user) != "invisible");
        seen.map(|user| USERS[user].to_owned()).collect()
    }

    /// Devices whose grace is over count no more; a user without devices hides no more.
    fn settle(&mut self, now: u64, ticked: bool) {
        if ticked {
            for session in &mut self.sessions {
                if matches!(session.line, Line::Lost(at) if at + GRACE_MS <= now) {
                    session.line = Line::Gone;
                }
            }
        }
        self.sessions.retain(|session| !(session.over && session.line == Line::Gone));
        for user in 0..USERS.len() {
            if !self.user_counts(user) {
                self.invisible[user] = false;
            }
        }
    }

    fn hear(&mut self, bench: &mut Bench) {
        for (device, frames) in std::mem::take(&mut bench.lines.told) {
            let mut counts = BTreeMap::new();
            for frame in frames {
                let (name, body) = frame.as_object().unwrap().iter().next().unwrap();
                if name == "status" {
                    let user = body["user"].as_str().unwrap().to_owned();
                    self.told.insert((device, user), body["status"].as_str().unwrap().to_owned());
                    continue;
                }
                let channel = body["channel"].as_str().unwrap().to_owned();
                let users = body["members"].as_array().unwrap().iter().map(|m| m["user"].as_str().unwrap().to_owned());
                counts.insert(channel.clone(), body["count"].as_u64().unwrap() as usize);
                let known = self.members.entry((device, channel)).or_default();
                match name.as_str() {
                    "members" => *known = users.collect(),
                    "joined" => known.extend(users),
                    "left" => known.retain(|user| !users.clone().any(|left| left == *user)),
                    _ => {}
                }
            }
            for (channel, count) in counts {
                assert_eq!(self.members[&(device, channel.clone())].len(), count, "{device} in {channel}");
            }
        }
    }
}

/// Does one thing to both.
fn step(bench: &mut Bench, model: &mut Model, op: &Op) {
    let now = bench.now;
    let found = |at: usize, model: &Model| (!model.sessions.is_empty()).then(|| at % model.sessions.len());
    let here = |at: usize, model: &Model| found(at, model).filter(|at| model.sessions[*at].line == Line::Here);
    match *op {
        Op::Open(user) if model.sessions.len() < 6 => {
            let device = bench.open(USERS[user]);
            let (watches, joins) = (BTreeSet::new(), BTreeSet::new());
            let chosen = Chosen::Online;
            let (line, over, idle) = (Line::Here, false, false);
            model.sessions.push(Session { device, user, line, over, idle, chosen, watches, joins });
            model.told.retain(|(listener, _), _| *listener != device);
            model.members.retain(|(listener, _), _| *listener != device);
        }
        Op::Lost(at) => {
            if let Some(at) = here(at, model) {
                bench.board.lost(model.sessions[at].device, now);
                model.sessions[at].line = Line::Lost(now.instant.0);
            }
        }
        Op::Left(at) => {
            if let Some(at) = here(at, model) {
                bench.board.left(model.sessions[at].device, Reason::Left, now);
                model.sessions[at].line = Line::Gone;
            }
        }
        Op::Resume(at) => resume(bench, model, found(at, model)),
        Op::Forget(at) => {
            if let Some(at) = found(at, model).filter(|at| model.sessions[*at].line != Line::Here) {
                bench.board.forget(model.sessions[at].device);
                model.sessions[at].over = true;
            }
        }
        Op::Active(at, active) => {
            if let Some(at) = here(at, model) {
                bench.board.active(model.sessions[at].device, active, now);
                model.sessions[at].idle = !active;
            }
        }
        Op::Set(at, chosen) => {
            if let Some(at) = here(at, model) {
                let chosen = [Chosen::Online, Chosen::Away, Chosen::Busy, Chosen::Invisible][chosen];
                bench.set(model.sessions[at].device, chosen);
                model.sessions[at].chosen = chosen;
                let user = model.sessions[at].user;
                model.invisible[user] = chosen == Chosen::Invisible;
            }
        }
        _ => listen(bench, model, op),
    }
}

/// The rest: who is told of whom.
fn listen(bench: &mut Bench, model: &mut Model, op: &Op) {
    let now = bench.now;
    let found = |at: usize, model: &Model| (!model.sessions.is_empty()).then(|| at % model.sessions.len());
    let here = |at: usize, model: &Model| found(at, model).filter(|at| model.sessions[*at].line == Line::Here);
    match *op {
        Op::Watch(at, user) => {
            if let Some(at) = here(at, model)
                && bench.watch(model.sessions[at].device, &[USERS[user]]).is_ok()
            {
                watched(bench, model, at, user);
            }
        }
        Op::Unwatch(at, user) => {
            if let Some(at) = here(at, model) {
                bench.board.unwatch(model.sessions[at].device, [USERS[user]].into_iter());
                model.sessions[at].watches.remove(&user);
            }
        }
        Op::Join(at, channel) => {
            if let Some(at) = here(at, model).filter(|at| !model.sessions[*at].joins.contains(&channel)) {
                bench.join(model.sessions[at].device, CHANNELS[channel], Some(true), None);
                model.sessions[at].joins.insert(channel);
                snapshot(bench, model, at, channel);
            }
        }
        Op::Part(at, channel) => {
            if let Some(at) = here(at, model) {
                bench.board.part(model.sessions[at].device, CHANNELS[channel], now);
                model.sessions[at].joins.remove(&channel);
            }
        }
        Op::Full(at, full) => {
            if let Some(at) = here(at, model) {
                let device = model.sessions[at].device;
                if full {
                    bench.lines.full.insert(device);
                } else if bench.lines.full.remove(&device) {
                    bench.board.forward(device, &mut bench.lines);
                    bench.board.forward_rooms(device, &mut bench.lines);
                }
            }
        }
        Op::Pass(ms) => bench.pass(ms),
        _ => bench.tick(),
    }
}

/// The answer to a `watch` tells the state at once.
fn watched(bench: &mut Bench, model: &mut Model, at: usize, user: usize) {
    let session = &mut model.sessions[at];
    session.watches.insert(user);
    let status = bench.board.status(session.device, USERS[user]).status.name().to_owned();
    model.told.insert((session.device, USERS[user].to_owned()), status);
}

fn snapshot(bench: &mut Bench, model: &mut Model, at: usize, channel: usize) {
    let members = bench.board.members(CHANNELS[channel], true);
    let users = members.members.iter().map(|member| member.user.to_owned()).collect();
    model.members.insert((model.sessions[at].device, CHANNELS[channel].to_owned()), users);
}

/// Another connection: its list is watched again, its channels are joined again.
fn resume(bench: &mut Bench, model: &mut Model, at: Option<usize>) {
    let Some(at) = at.filter(|at| !model.sessions[*at].over) else { return };
    let session = model.sessions[at].clone();
    let names = bench.board.watched(session.device);
    let expected: BTreeSet<&str> = session.watches.iter().map(|user| USERS[*user]).collect();
    assert_eq!(names.iter().map(|name| &**name).collect::<BTreeSet<_>>(), expected);
    bench.lines.full.remove(&session.device);
    bench.board.resume(session.device, bench.now);
    model.sessions[at].line = Line::Here;
    model.sessions[at].idle = false;
    for user in session.watches {
        if bench.watch(session.device, &[USERS[user]]).is_ok() {
            watched(bench, model, at, user);
        } else {
            model.sessions[at].watches.remove(&user);
        }
    }
    bench.board.rewatched(session.device);
    for channel in session.joins {
        bench.join(session.device, CHANNELS[channel], None, None);
        snapshot(bench, model, at, channel);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn everyone_ends_with_the_truth(ops in prop::collection::vec(op(), 1..80)) {
        let (mut bench, mut model) = (Bench::new(), Model::default());
        for op in &ops {
            step(&mut bench, &mut model, op);
            model.hear(&mut bench);
            // Without a look at the clock nobody is gone.
            let ticked = bench.board.graces.front().is_none_or(|grace| grace.until > bench.now.instant);
            model.settle(bench.now.instant.0, ticked);
            for (user, name) in USERS.iter().enumerate() {
                prop_assert_eq!(bench.board.presence(name).status.name(), model.truth(user), "{:?}", op);
                prop_assert_eq!(bench.board.is_online(name), model.user_counts(user));
            }
        }
        // Quiet: everybody has room, and the grace of everyone is over.
        for device in std::mem::take(&mut bench.lines.full) {
            bench.board.forward(device, &mut bench.lines);
            bench.board.forward_rooms(device, &mut bench.lines);
        }
        bench.pass(GRACE_MS);
        bench.tick();
        bench.pass(10_000);
        bench.tick();
        model.hear(&mut bench);
        model.settle(bench.now.instant.0, true);
        for session in model.sessions.iter().filter(|session| session.line == Line::Here) {
            for user in &session.watches {
                let told = &model.told[&(session.device, USERS[*user].to_owned())];
                prop_assert_eq!(told, model.seen(*user, session.user), "{} of {}", USERS[session.user], USERS[*user]);
            }
            for channel in &session.joins {
                let told = &model.members[&(session.device, CHANNELS[*channel].to_owned())];
                prop_assert_eq!(told, &model.members(*channel), "{}", CHANNELS[*channel]);
            }
        }
        prop_assert_eq!(bench.board.devices(), model.sessions.len());
        prop_assert!(bench.board.graces.is_empty() && bench.board.dirty.is_empty());
    }
}
