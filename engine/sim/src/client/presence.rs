//! What a client says of its user, and what it hears of others.

use super::Client;
use super::heard::Heard;
use super::link::Asked;
use crate::frames::{Members, Status};
use crate::name::StreamName;
use crate::oracle::Oracle;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a client may say of its device.
const CHOICES: [&str; 4] = ["online", "away", "busy", "invisible"];

impl Client {
    /// What it wants to be, from now on: what its user ends as.
    pub(crate) fn end_as(&mut self, hides: bool) {
        let visible = self.random.index(3);
        self.part.chosen = if hides { CHOICES[3] } else { CHOICES[visible] };
    }

    /// What it has said of itself last, if the server has answered that.
    pub(crate) fn confirmed(&self) -> Option<&'static str> {
        let at = self.live()?;
        self.links[at].told.confirmed.filter(|confirmed| *confirmed == self.part.chosen)
    }

    /// What it hears over the connection that it has.
    pub(crate) fn heard(&self) -> Option<&Heard> {
        self.live().map(|at| &self.links[at].told)
    }

    /// Whether it was told that it is in a channel: it may be in some that it does not want any more.
    pub(crate) fn is_in(&self, channel: &str) -> bool {
        let stream = StreamName::channel(channel);
        self.live().is_some_and(|at| self.links[at].reading(&stream).is_some())
    }

    /// It wants something else.
    pub(super) fn choose(&mut self) {
        self.part.chosen = CHOICES[self.random.index(4)];
    }

    /// Says what it wants to be, and watches everybody, as far as it has not been answered.
    pub(super) fn take_part(&mut self, at: usize) {
        let asks = |wanted: fn(&Asked) -> bool| self.links[at].asked.values().any(wanted);
        let (says, watches) =
            (asks(|asked| matches!(asked, Asked::Present(_))), asks(|a| matches!(a, Asked::Watch(_))));
        if !says && self.links[at].told.confirmed != Some(self.part.chosen) {
            let chosen = self.part.chosen;
            self.ask(at, json!({ "presence": { "status": chosen } }), Asked::Present(chosen));
        }
        if !watches {
            let users = self.plan.users.iter().filter(|user| !self.memory.watched.contains(*user)).cloned();
            let users: Vec<Arc<str>> = users.collect();
            if !users.is_empty() {
                let names: Vec<&str> = users.iter().map(|user| &**user).collect();
                self.ask(at, json!({ "watch": { "users": names } }), Asked::Watch(users));
            }
        }
    }

    /// The session of a connection watches these users, and does so when it is resumed.
    pub(super) fn watching(&mut self, at: usize, users: Vec<Arc<str>>) {
        let known = self.memory.known.as_ref().map(|known| known.session);
        if self.links[at].told.session.is_some() && self.links[at].told.session == known {
            self.memory.watched.extend(users);
        }
    }

    pub(super) fn says(&mut self, at: usize, chosen: &'static str) {
        self.links[at].told.confirmed = Some(chosen);
    }

    pub(super) fn status(&mut self, at: usize, status: &Status, oracle: &mut Oracle) {
        oracle.tally.heard_statuses += 1;
        let told = &mut self.links[at].told;
        told.statuses.insert(status.user.as_str().into(), status.status.as_str().into());
    }

    pub(super) fn members(&mut self, at: usize, members: &Members, change: Option<bool>) {
        let known = self.links[at].told.members.entry(members.channel.as_str().into()).or_default();
        let users = members.members.iter().map(|member| Box::from(member.user.as_str()));
        match change {
            None => *known = users.collect(),
            Some(true) => known.extend(users),
            Some(false) => {
                let left: BTreeSet<Box<str>> = users.collect();
                known.retain(|user| !left.contains(user));
            }
        }
    }
}
