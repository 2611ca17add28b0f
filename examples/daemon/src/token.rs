//! Making tokens.

use crate::settings::Settings;
use crate::settings::secret::Secret;
use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidings::{Grants, Pattern};
use tidings_auth::{Audience, Claims, Signer, Verifier};

/// Makes and checks tokens with one secret.
pub(crate) struct Mint {
    signer: Signer,
    secret: Secret,
    audience: Option<String>,
    issuer: Option<String>,
}

impl Mint {
    /// A mint with the secret of the settings.
    ///
    /// # Errors
    /// There is none, or it is too short.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let secret = settings.jwt.secret.clone();
        let secret = secret.context("JWT_SECRET is not set; set it to the secret that the server was started with")?;
        Self::with_secret(secret, settings)
    }

    /// A mint with a secret of its own.
    pub(crate) fn with_secret(secret: Secret, settings: &Settings) -> Result<Self> {
        let signer = Signer::hs256(secret.as_bytes())?;
        Ok(Self { signer, secret, audience: settings.jwt.audience.clone(), issuer: settings.jwt.issuer.clone() })
    }

    /// Its secret.
    pub(crate) const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What checks the tokens of this mint.
    fn verifier(&self) -> Result<Verifier> {
        let mut verifier = Verifier::hs256(self.secret.as_bytes())?;
        if let Some(audience) = &self.audience {
            verifier = verifier.audience(audience);
        }
        if let Some(issuer) = &self.issuer {
            verifier = verifier.issuer(issuer);
        }
        Ok(verifier)
    }

    /// A token for a user.
    ///
    /// # Errors
    /// The server would not take it.
    pub(crate) fn token(&self, user: &str, grants: Grants, lasts: Duration) -> Result<String> {
        let end = SystemTime::now().checked_add(lasts).and_then(|end| end.duration_since(UNIX_EPOCH).ok());
        let end = end.context("--expires is too long")?;
        let mut claims = Claims::new(user, end.as_secs(), grants);
        // So that it can be told from those that are made after it is revoked.
        claims.iat = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
        claims.aud = self.audience.clone().map(Audience::One);
        claims.iss.clone_from(&self.issuer);
        let token = self.signer.sign(&claims)?;
        let taken = self.verifier()?.verify(&token).is_ok();
        ensure!(
            taken,
            "the server would refuse this token: a user id has 1 to 128 bytes without control characters, --expires \
             is in the future, and all patterns together stay under 8 KiB"
        );
        Ok(token)
    }
}

/// The rights to what is named, and to everything of a kind of which nothing is named.
pub(crate) fn grants(subscribe: &[String], publish: &[String], send: &[String], watch: &[String]) -> Grants {
    let all = Grants::all();
    let named = |patterns: &[String], all: Vec<Pattern>| {
        if patterns.is_empty() { all } else { patterns.iter().map(|pattern| Pattern::new(pattern)).collect() }
    };
    Grants {
        subscribe: named(subscribe, all.subscribe),
        publish: named(publish, all.publish),
        send: named(send, all.send),
        watch: named(watch, all.watch),
    }
}
