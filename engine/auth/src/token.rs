//! Making and checking tokens.

use crate::claims::Claims;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use std::fmt;
use tidings::host::{Admission, Denial};

/// Shorter secrets can be guessed from one token: HS256 wants as many bits as its hash has (RFC 7518 section 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// Difference of two machines' clocks that is forgiven, in seconds.
const LEEWAY_S: u64 = 30;

/// A secret that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The secret has fewer than 32 bytes.
    ShortSecret,
    /// The token could not be made.
    Sign,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShortSecret => {
                "JWT_SECRET has fewer than 32 bytes and could be guessed; make one with `openssl rand -hex 32`"
            }
            Self::Sign => "the token could not be signed",
        })
    }
}

impl std::error::Error for AuthError {}

/// Checks tokens. What the token says of algorithms and keys is not believed: it is HS256 with this secret, or nothing.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    /// A verifier of HS256 with a shared secret.
    ///
    /// # Errors
    /// [`AuthError::ShortSecret`].
    pub fn hs256(secret: &[u8]) -> Result<Self, AuthError> {
        check(secret)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        Ok(Self { key: DecodingKey::from_secret(secret), validation })
    }

    /// Whom a token belongs to.
    ///
    /// # Errors
    /// One wording for every cause, so that nobody learns from it which part was wrong.
    pub fn verify(&self, token: &str) -> Result<Admission, Denial> {
        let data = decode::<Claims>(token, &self.key, &self.validation).map_err(|_| Denial::unauthorized())?;
        let claims = data.claims;
        // The session ends when the token would no longer be taken.
        let expires_at_ms = claims.exp.saturating_add(LEEWAY_S).saturating_mul(1_000);
        Ok(Admission::new(claims.sub.clone()).grants(claims.into_grants()).expires_at_ms(Some(expires_at_ms)))
    }
}

/// Makes tokens.
pub struct Signer {
    key: EncodingKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// A signer with HS256 and a shared secret.
    ///
    /// # Errors
    /// [`AuthError::ShortSecret`].
    pub fn hs256(secret: &[u8]) -> Result<Self, AuthError> {
        check(secret)?;
        Ok(Self { key: EncodingKey::from_secret(secret) })
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// [`AuthError::Sign`] if the library fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, AuthError> {
        encode(&Header::new(Algorithm::HS256), claims, &self.key).map_err(|_| AuthError::Sign)
    }
}

fn check(secret: &[u8]) -> Result<(), AuthError> {
    if secret.len() < SECRET_BYTES_MIN { Err(AuthError::ShortSecret) } else { Ok(()) }
}
