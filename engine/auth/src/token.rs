//! Making and checking tokens.

use crate::claims::Claims;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation, decode, encode};
use std::fmt;
use tidings::host::{Admission, Denial};
use tidings_proto::limit::TOKEN_BYTES_MAX;
use tidings_proto::user::is_user_id;

/// Shorter secrets can be guessed from one token: HS256 wants as many bits as its hash has (RFC 7518 section 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// Difference of two machines' clocks that is forgiven, in seconds.
const LEEWAY_S: u64 = 30;

/// The last second of the year 9999. A token that lasts longer was made by a mistake, or to last for ever.
const EXPIRY_S_MAX: u64 = 253_402_300_799;

/// Longest name of a key.
const KEY_ID_BYTES_MAX: usize = 128;

/// Why a token can't be checked or made.
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
    audience: Option<String>,
    issuer: Option<String>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    /// A verifier of HS256 with a shared secret. It takes tokens of every issuer, and none that names an audience.
    ///
    /// # Errors
    /// [`AuthError::ShortSecret`].
    pub fn hs256(secret: &[u8]) -> Result<Self, AuthError> {
        check(secret)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        // The library takes an audience that is neither text nor a list for none. `is_for_us` does not.
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        Ok(Self { key: DecodingKey::from_secret(secret), validation, audience: None, issuer: None })
    }

    /// Takes only tokens whose `aud` is this name or holds it.
    #[must_use]
    pub fn audience(mut self, name: impl Into<String>) -> Self {
        self.audience = Some(name.into());
        self
    }

    /// Takes only tokens whose `iss` is this name.
    #[must_use]
    pub fn issuer(mut self, name: impl Into<String>) -> Self {
        self.issuer = Some(name.into());
        self
    }

    /// Whom a token belongs to.
    ///
    /// # Errors
    /// One wording for every cause, so that nobody learns from it which part was wrong.
    pub fn verify(&self, token: &str) -> Result<Admission, Denial> {
        let claims = self.claims(token).map_err(|cause| {
            tracing::debug!(cause, "a token was refused");
            Denial::unauthorized()
        })?;
        // The session ends when the token would no longer be taken.
        let expires_at_ms = claims.exp.saturating_add(LEEWAY_S).saturating_mul(1_000);
        Ok(Admission::new(claims.sub.clone()).grants(claims.into_grants()).expires_at_ms(Some(expires_at_ms)))
    }

    /// The claims of a token that can be believed, or what is wrong with it, for the log alone.
    fn claims(&self, token: &str) -> Result<Claims, &'static str> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("it is too long");
        }
        let decoded = decode::<Claims>(token, &self.key, &self.validation);
        let TokenData { header, claims } = decoded.map_err(|error| cause(&error))?;
        check_header(&header)?;
        if !is_user_id(&claims.sub) {
            return Err("`sub` cannot be a user's id: 1 to 128 bytes without control characters");
        }
        if claims.exp > EXPIRY_S_MAX {
            return Err("`exp` lies after the year 9999");
        }
        if !self.is_for_us(&claims) {
            return Err("`aud` or `iss` is another's");
        }
        Ok(claims)
    }

    /// Who does not know itself by a name refuses tokens that name an audience (RFC 7519 section 4.1.3).
    fn is_for_us(&self, claims: &Claims) -> bool {
        let audience = match (&self.audience, &claims.aud) {
            (None, audience) => audience.is_none(),
            (Some(name), audience) => audience.as_ref().is_some_and(|audience| audience.holds(name)),
        };
        audience && (self.issuer.is_none() || self.issuer == claims.iss)
    }
}

/// What the library checks the signature with is settled before it looks. Here it is only asked whether the header
/// wants something that we do not do: an extension that must be understood (RFC 7515 section 4.1.11), or a key from
/// elsewhere. Nothing is ever fetched, and no key is looked up.
fn check_header(header: &Header) -> Result<(), &'static str> {
    if header.crit.is_some() || header.extras.inner().contains_key("b64") {
        return Err("its header has `crit`, and we know no extension");
    }
    if header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some() {
        return Err("its header brings a key, or the address of one");
    }
    match &header.kid {
        Some(kid) if !is_key_id(kid) => Err("`kid` is not a plain word"),
        _ => Ok(()),
    }
}

/// A word that can be no path and no address.
fn is_key_id(kid: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=+~".contains(&byte);
    (1..=KEY_ID_BYTES_MAX).contains(&kid.len()) && kid.bytes().all(is_plain)
}

/// The library's cause in words that hold nothing of the token.
fn cause(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature is another key's",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "its algorithm is not HS256",
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "its time has not come",
        ErrorKind::MissingRequiredClaim(_) => "`exp` or `sub` is missing, or not of its type",
        _ => "it is not a JSON Web Token with claims of their types",
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
