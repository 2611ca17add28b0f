//! The end of presence: everybody who watches has the truth, soon.

use super::World;
use crate::client::Client;
use crate::trace::{About, Violation};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidings_core::policy::Attendance;

/// Beside the grace: until a dead connection is found and closed, a flapping user is told of, and a tick is over.
const SLACK_MS: u64 = 15_000;

impl World {
    /// Users end as something, each device in its own way; one user may leave for good.
    pub(super) fn end_presence(&mut self) {
        for client in &mut self.clients {
            let hides = self.plan.ends.hides.contains(&client.who.user);
            client.end_as(hides);
            if self.plan.ends.leaver.as_ref() == Some(&client.who.user) {
                client.leave();
            }
        }
    }

    /// Why somebody does not know the truth, if so. A violation once that takes longer than a grace period from the moment
    /// on that everybody is there and has said what it wants.
    pub(super) fn presence_unrest(&mut self) -> Result<Option<Violation>, Violation> {
        let staying: Vec<&Client> = self.clients.iter().filter(|client| !client.part.has_left).collect();
        if let Some(client) = staying.iter().find(|client| client.confirmed().is_none()) {
            self.quiet.settled_ms = None;
            let about = About::client(client.who.index);
            return Ok(Some(Violation::new(about, "what it says of itself is not answered")));
        }
        let now_ms = self.now.instant.0;
        let settled_ms = *self.quiet.settled_ms.get_or_insert(now_ms);
        let Some(wrong) = staying.iter().find_map(|client| self.untruth(client)) else { return Ok(None) };
        if now_ms > settled_ms + self.plan.rules.presence.grace_ms + SLACK_MS {
            return Err(wrong);
        }
        Ok(Some(wrong))
    }

    fn untruth(&self, client: &Client) -> Option<Violation> {
        let heard = client.heard()?;
        let wrong = |what: String| Some(Violation::new(About::client(client.who.index), what));
        for user in &self.plan.users {
            let truth = self.truth(user, &client.who.user);
            let told = heard.statuses.get(&**user).map_or("nothing", |status| status);
            if told != truth {
                return wrong(format!("it was told that {user} is {told}, who is {truth}"));
            }
        }
        for channel in client.channels() {
            let namespace = channel.split(':').next().unwrap_or_default();
            let attendance = self.plan.rules.namespace(namespace).map(|policy| policy.attendance);
            if attendance != Some(Attendance::Members) {
                continue;
            }
            let members = self.members(&channel);
            let told = heard.members.get(&*channel).cloned().unwrap_or_default();
            if told != members {
                return wrong(format!("it was told that {told:?} are in {channel}, in which {members:?} are"));
            }
        }
        None
    }

    /// How present a user is in the eyes of another.
    fn truth(&self, user: &Arc<str>, eyes: &Arc<str>) -> &'static str {
        let clients = self.clients.iter().filter(|client| client.who.user == *user && !client.part.has_left);
        let ranks: BTreeMap<u8, &'static str> = clients.filter_map(Client::confirmed).map(ranked).collect();
        match ranks.last_key_value() {
            None => "offline",
            Some((_, &"invisible")) if user != eyes => "offline",
            Some((_, status)) => status,
        }
    }

    fn members(&self, channel: &str) -> BTreeSet<Box<str>> {
        let here = self.clients.iter().filter(|client| !client.part.has_left && client.is_in(channel));
        let seen = here.filter(|client| client.confirmed() != Some("invisible"));
        seen.map(|client| Box::from(&*client.who.user)).collect()
    }
}

fn ranked(status: &'static str) -> (u8, &'static str) {
    let rank = match status {
        "invisible" => 4,
        "online" => 3,
        "busy" => 2,
        _ => 1,
    };
    (rank, status)
}
