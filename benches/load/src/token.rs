//! Tokens for the load's users: HS256, made on the spot.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a token lasts.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Where tokens come from.
#[derive(Debug, Clone)]
pub enum Tokens {
    /// One for all; everybody is the same user.
    One(String),
    /// Made for each user with the server's secret.
    Secret(String),
}

impl Tokens {
    /// The token of `user`, with the right to everything.
    ///
    /// # Errors
    /// When the clock stands before 1970.
    pub fn token(&self, user: &str) -> Result<String> {
        let secret = match self {
            Self::One(token) => return Ok(token.clone()),
            Self::Secret(secret) => secret,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
        let claims = json!({
            "sub": user, "exp": (now + TOKEN_LIFE).as_secs(),
            "subscribe": ["*"], "publish": ["*"], "send": ["*"], "watch": ["*"],
        });
        let mut token = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("the secret cannot be a key")?;
        mac.update(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::Tokens;

    #[test]
    fn a_token_has_three_parts_and_depends_on_user_and_secret() {
        let token = |secret: &str, user| Tokens::Secret(secret.to_owned()).token(user).unwrap();
        let alice = token("s", "alice");
        assert_eq!(alice.split('.').count(), 3);
        assert!(alice.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."));
        let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
        assert_ne!(signature(&alice), signature(&token("s", "bob")));
        assert_ne!(signature(&alice), signature(&token("t", "alice")));
        assert_eq!(Tokens::One("t".to_owned()).token("alice").unwrap(), "t");
    }
}
