//! What a token says.

use serde::{Deserialize, Serialize};
use tidings::{Grants, Pattern};

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// When the token ends, in seconds since 1970.
    pub exp: u64,
    /// When the token begins, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Who made the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Whom the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// Channels that may be subscribed to.
    #[serde(default)]
    pub subscribe: Vec<Pattern>,
    /// Channels that may be published to.
    #[serde(default)]
    pub publish: Vec<Pattern>,
    /// Users that may be sent to.
    #[serde(default)]
    pub send: Vec<Pattern>,
    /// Users that may be watched.
    #[serde(default)]
    pub watch: Vec<Pattern>,
}

/// One audience, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Claims {
    /// A user with these rights until `exp`, in seconds since 1970.
    #[must_use]
    pub fn new(user: impl Into<String>, exp: u64, grants: Grants) -> Self {
        let Grants { subscribe, publish, send, watch } = grants;
        Self { sub: user.into(), exp, nbf: None, iss: None, aud: None, subscribe, publish, send, watch }
    }

    pub(crate) fn into_grants(self) -> Grants {
        Grants { subscribe: self.subscribe, publish: self.publish, send: self.send, watch: self.watch }
    }
}

impl Audience {
    pub(crate) fn holds(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}
