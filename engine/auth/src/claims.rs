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
    /// When it was made, in seconds since 1970. A token without it is taken for older than any that has one when the
    /// tokens of its user are revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// Its own name, by which it alone can be revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
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
        let (nbf, iat, jti, iss, aud) = (None, None, None, None, None);
        Self { sub: user.into(), exp, nbf, iat, jti, iss, aud, subscribe, publish, send, watch }
    }

    pub(crate) fn grants(&self) -> Grants {
        Grants {
            subscribe: self.subscribe.clone(),
            publish: self.publish.clone(),
            send: self.send.clone(),
            watch: self.watch.clone(),
        }
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
