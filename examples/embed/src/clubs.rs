//! The application's own knowledge: people, their words, and the clubs that they are in.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tidings::host::{Admission, CallAsk, ConnectAsk, Denial, Host, PublishAsk, SubscribeAsk};
use tidings::{Code, Data};
use tokio::sync::RwLock;

/// Channels of clubs are named `messaging:CLUB`.
const NAMESPACE: &str = "messaging:";

/// Who is in which club. It stands for a database: everything about it is asked with an `await`.
pub struct Clubs {
    members: RwLock<BTreeMap<String, Vec<String>>>,
}

impl Default for Clubs {
    /// Alice and Bob play chess, Carol rows.
    fn default() -> Self {
        let club = |name: &str, members: &[&str]| (name.to_owned(), members.iter().map(ToString::to_string).collect());
        let clubs = [club("chess", &["alice", "bob"]), club("rowing", &["carol"])];
        Self { members: RwLock::new(clubs.into()) }
    }
}

impl Clubs {
    async fn members(&self, club: &str) -> Option<Vec<String>> {
        self.members.read().await.get(club).cloned()
    }

    async fn may_enter(&self, user: &str, channel: &str) -> Result<(), Denial> {
        let club = channel.strip_prefix(NAMESPACE).ok_or_else(Denial::forbidden)?;
        let members = self.members(club).await.unwrap_or_default();
        // Whether there is such a club is nobody's business who is not in it.
        if members.iter().any(|member| member == user) { Ok(()) } else { Err(Denial::forbidden()) }
    }

    async fn join(&self, user: &str, club: &str) {
        let mut clubs = self.members.write().await;
        let Some(members) = clubs.get_mut(club) else { return };
        if !members.iter().any(|member| member == user) {
            members.push(user.to_owned());
        }
    }
}

impl Host for Clubs {
    /// Everybody has a word that opens, "alice's word". An application asks its sessions or checks a signed token
    /// (`tidings-auth`).
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        let user = ask.token.strip_suffix("'s word").ok_or_else(Denial::unauthorized)?;
        let clubs = self.members.read().await;
        let is_known = clubs.values().flatten().any(|member| member == user);
        if is_known { Ok(Admission::new(user)) } else { Err(Denial::unauthorized()) }
    }

    async fn subscribe(&self, ask: SubscribeAsk) -> Result<(), Denial> {
        self.may_enter(&ask.user, &ask.channel).await
    }

    async fn publish(&self, ask: PublishAsk) -> Result<(), Denial> {
        self.may_enter(&ask.user, &ask.channel).await
    }

    async fn call(&self, ask: CallAsk) -> Result<Data, Denial> {
        match ask.method.as_str() {
            "echo" => Ok(ask.data),
            "time" => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                answer(&json!({"ms": u64::try_from(now.as_millis()).unwrap_or(u64::MAX)}))
            }
            "members" => {
                let club = club(&ask)?;
                self.may_enter(&ask.user, &format!("{NAMESPACE}{club}")).await?;
                answer(&json!(self.members(&club).await))
            }
            "join" => {
                let club = club(&ask)?;
                self.join(&ask.user, &club).await;
                answer(&json!({"club": club}))
            }
            method => Err(Denial::new(Code::NotFound, &format!("no method {method:?}"))),
        }
    }
}

/// The club that a call is about.
fn club(ask: &CallAsk) -> Result<String, Denial> {
    let data: Value = ask.data.to().map_err(|_| bad_club())?;
    data["club"].as_str().map(str::to_owned).ok_or_else(bad_club)
}

fn bad_club() -> Denial {
    Denial::new(Code::BadRequest, "say which club: {\"club\":\"chess\"}")
}

fn answer(value: &Value) -> Result<Data, Denial> {
    Data::new(value).map_err(|error| Denial::new(Code::Internal, &error.to_string()))
}
