//! Checking tokens.

#[cfg(test)]
mod tests;

use crate::algorithm::{Algorithm, Kind};
use crate::claims::Claims;
use crate::error::AuthError;
use crate::jwks::Jwks;
use crate::key::{Key, is_key_id};
use jsonwebtoken::{Header, Validation, decode, decode_header};
use std::fmt;
use std::sync::Arc;
use tidings::host::{Admission, Denial};
use tidings_proto::code::Code;
use tidings_proto::limit::TOKEN_BYTES_MAX;
use tidings_proto::user::is_user_id;

/// Difference of two machines' clocks that is forgiven unless it is said otherwise, in seconds.
const LEEWAY_S: u64 = 30;

/// Largest leeway, in seconds. A token that was taken back by letting it end is good for this long afterwards.
const LEEWAY_S_MAX: u64 = 300;

/// The last second of the year 9999. A token that lasts longer was made by a mistake, or to last for ever.
const EXPIRY_S_MAX: u64 = 253_402_300_799;

/// Most keys that a verifier is given, without those that are fetched.
const KEYS_MAX: usize = 64;

/// Most keys that one token is tried with: several may fit where it or they have no `kid`.
const TRIES_MAX: usize = 8;

/// Checks tokens. What a token says of algorithms and keys is not believed: it picks among the keys that there are, each of
/// which has its own algorithms.
pub struct Verifier {
    keys: Vec<Key>,
    published: Vec<Arc<Jwks>>,
    /// How the library is to judge the algorithms that are allowed.
    allowed: Vec<(Algorithm, Validation)>,
    audiences: Vec<String>,
    issuers: Vec<String>,
    leeway_s: u64,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// What is wrong with it, for the log alone.
    No(&'static str),
    /// It names a key that is not known. It may be among those that are published by now.
    UnknownKey,
    /// The keys that it may be signed with could never be fetched, or too long ago.
    NoKeys,
}

impl Refused {
    /// What the client is told: one wording for every cause that lies in the token, so that nobody learns from it which
    /// part was wrong.
    pub(crate) fn denial(self) -> Denial {
        let cause = match self {
            Self::No(cause) => cause,
            Self::UnknownKey => "its key is not known",
            Self::NoKeys => {
                tracing::debug!("a token could not be judged: the keys could not be fetched");
                return Denial::new(Code::Unavailable, "the server cannot check tokens at the moment; try again later");
            }
        };
        tracing::debug!(cause, "a token was refused");
        Denial::unauthorized()
    }
}

impl Verifier {
    /// A verifier of HS256 with a shared secret. It takes tokens of every issuer, and none that names an audience.
    ///
    /// # Errors
    /// [`AuthError::ShortSecret`].
    pub fn hs256(secret: &[u8]) -> Result<Self, AuthError> {
        Self::new(vec![Key::secret(Algorithm::Hs256, secret)?])
    }

    /// A verifier with these keys. It takes tokens of every issuer, none that names an audience, and the algorithms of
    /// the keys.
    ///
    /// # Errors
    /// [`AuthError::Keys`]: more than 64.
    pub fn new(keys: Vec<Key>) -> Result<Self, AuthError> {
        if keys.len() > KEYS_MAX {
            return Err(AuthError::Keys { keys_max: KEYS_MAX });
        }
        let mut verifier = Self {
            keys,
            published: Vec::new(),
            allowed: Vec::new(),
            audiences: Vec::new(),
            issuers: Vec::new(),
            leeway_s: LEEWAY_S,
        };
        let own = verifier.keys.iter().flat_map(Key::algorithms).copied().collect::<Vec<_>>();
        verifier.allow(&own);
        Ok(verifier)
    }

    /// Takes the published keys as well, and RS256, PS256, ES256 and EdDSA unless [`Verifier::algorithms`] says
    /// otherwise. A secret is never among them.
    #[must_use]
    pub fn jwks(mut self, jwks: Arc<Jwks>) -> Self {
        self.published.push(jwks);
        self.allow(Algorithm::PUBLIC);
        self
    }

    /// Takes these algorithms and no other. To be said after all keys are there.
    ///
    /// # Errors
    /// [`AuthError::Algorithms`]: there would be a key without an algorithm, or an algorithm without a key.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Result<Self, AuthError> {
        if self.keys.iter().any(|key| !key.algorithms().iter().any(|one| algorithms.contains(one))) {
            return Err(AuthError::Algorithms("a key is for an algorithm that is not among those allowed"));
        }
        let is_served = |one: &Algorithm| {
            let is_published = !self.published.is_empty() && one.kind() != Kind::Secret;
            is_published || self.keys.iter().any(|key| key.algorithms().contains(one))
        };
        if !algorithms.iter().all(is_served) {
            return Err(AuthError::Algorithms("an algorithm is allowed that no key is for"));
        }
        self.allowed.clear();
        self.allow(algorithms);
        Ok(self)
    }

    fn allow(&mut self, algorithms: &[Algorithm]) {
        for algorithm in algorithms {
            if self.validation(*algorithm).is_none() {
                self.allowed.push((*algorithm, validation(*algorithm, self.leeway_s)));
            }
        }
    }

    /// Takes only tokens whose `aud` is this name or holds it. Said several times: one of the names.
    #[must_use]
    pub fn audience(mut self, name: impl Into<String>) -> Self {
        self.audiences.push(name.into());
        self
    }

    /// Takes only tokens whose `iss` is this name. Said several times: one of the names.
    #[must_use]
    pub fn issuer(mut self, name: impl Into<String>) -> Self {
        self.issuers.push(name.into());
        self
    }

    /// Forgives this difference of the clocks, in seconds, instead of 30.
    ///
    /// # Errors
    /// [`AuthError::Leeway`]: above 300.
    pub fn leeway_s(mut self, leeway_s: u64) -> Result<Self, AuthError> {
        if leeway_s > LEEWAY_S_MAX {
            return Err(AuthError::Leeway { seconds_max: LEEWAY_S_MAX });
        }
        self.leeway_s = leeway_s;
        for (_, validation) in &mut self.allowed {
            validation.leeway = leeway_s;
        }
        Ok(self)
    }

    /// Whom a token belongs to, by the keys that are here.
    ///
    /// # Errors
    /// One wording for every cause that lies in the token. Another one ([`Code::Unavailable`]) where published keys could
    /// not be had.
    pub fn verify(&self, token: &str) -> Result<Admission, Denial> {
        self.claims(token).map(|claims| self.admission(&claims)).map_err(Refused::denial)
    }

    /// As [`Verifier::verify`], but a token whose key is not known waits for the keys that are published by now.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_by_published(&self, token: &str) -> Result<Admission, Denial> {
        self.claims_by_published(token).await.map(|claims| self.admission(&claims)).map_err(Refused::denial)
    }

    pub(crate) async fn claims_by_published(&self, token: &str) -> Result<Claims, Refused> {
        match self.claims(token) {
            Err(Refused::UnknownKey | Refused::NoKeys) => {}
            judged => return judged,
        }
        // All are asked before the first is waited for, so that several issuers cost the time of one.
        let waits: Vec<_> = self.published.iter().filter_map(|jwks| jwks.want()).collect();
        for wait in waits {
            if wait.done().await {
                match self.claims(token) {
                    Err(Refused::UnknownKey | Refused::NoKeys) => {}
                    judged => return judged,
                }
            }
        }
        self.claims(token)
    }

    pub(crate) fn admission(&self, claims: &Claims) -> Admission {
        // The session ends when the token would no longer be taken.
        let expires_at_ms = claims.exp.saturating_add(self.leeway_s).saturating_mul(1_000);
        Admission::new(claims.sub.clone())
            .grants(claims.grants())
            .expires_at_ms(Some(expires_at_ms))
            .token(claims.jti.as_deref(), claims.iat)
    }

    /// The claims of a token that can be believed.
    pub(crate) fn claims(&self, token: &str) -> Result<Claims, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::No("it is too long"));
        }
        let header = decode_header(token).map_err(|error| Refused::No(cause(&error)))?;
        check_header(&header)?;
        let algorithm = self.allowed.iter().find(|(algorithm, _)| algorithm.to_library() == header.alg);
        let (algorithm, validation) = algorithm.ok_or(Refused::No("its algorithm is not among those allowed"))?;
        let claims = self.signed(token, *algorithm, validation, header.kid.as_deref())?;
        if !is_user_id(&claims.sub) {
            return Err(Refused::No("`sub` cannot be a user's id: 1 to 128 bytes without control characters"));
        }
        if claims.exp > EXPIRY_S_MAX {
            return Err(Refused::No("`exp` lies after the year 9999"));
        }
        if !self.is_for_us(&claims) {
            return Err(Refused::No("`aud` or `iss` is another's"));
        }
        Ok(claims)
    }

    /// The claims, if one of the keys that fit has signed them.
    fn signed(
        &self,
        token: &str,
        algorithm: Algorithm,
        validation: &Validation,
        kid: Option<&str>,
    ) -> Result<Claims, Refused> {
        let mut refused = None;
        let mut tries = 0;
        let mut attempt = |keys: &[Key]| {
            for key in keys.iter().filter(|key| key.is_for(algorithm, kid)) {
                if tries == TRIES_MAX {
                    refused = Some("more keys fit it than are tried; give the keys and the token a `kid`");
                    return None;
                }
                tries += 1;
                match decode::<Claims>(token, key.decoding(), validation) {
                    Ok(decoded) if key.speaks_for(decoded.claims.iss.as_deref()) => return Some(decoded.claims),
                    Ok(_) => refused = Some("its key is of another issuer"),
                    Err(error) => refused = Some(cause(&error)),
                }
            }
            None
        };
        let mut found = attempt(&self.keys);
        let mut is_missing = false;
        if algorithm.kind() != Kind::Secret {
            for jwks in &self.published {
                match jwks.keys() {
                    Some(keys) if found.is_none() => found = attempt(&keys),
                    Some(_) => {}
                    None => is_missing = true,
                }
            }
        }
        match (found, refused) {
            (Some(claims), _) => Ok(claims),
            (None, _) if is_missing => Err(Refused::NoKeys),
            (None, Some(cause)) => Err(Refused::No(cause)),
            (None, None) if algorithm.kind() == Kind::Secret || kid.is_none() => Err(Refused::No("no key is for it")),
            (None, None) => Err(Refused::UnknownKey),
        }
    }

    fn validation(&self, algorithm: Algorithm) -> Option<&Validation> {
        self.allowed.iter().find(|(allowed, _)| *allowed == algorithm).map(|(_, validation)| validation)
    }

    /// Who does not know itself by a name refuses tokens that name an audience (RFC 7519 section 4.1.3).
    fn is_for_us(&self, claims: &Claims) -> bool {
        let audience = match &claims.aud {
            None => self.audiences.is_empty(),
            Some(audience) => self.audiences.iter().any(|name| audience.holds(name)),
        };
        let issuer = self.issuers.is_empty() || claims.iss.as_ref().is_some_and(|iss| self.issuers.contains(iss));
        audience && issuer
    }
}

fn validation(algorithm: Algorithm, leeway_s: u64) -> Validation {
    let mut validation = Validation::new(algorithm.to_library());
    validation.leeway = leeway_s;
    validation.validate_nbf = true;
    // The library takes an audience that is neither text nor a list for none. `is_for_us` does not.
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "sub"]);
    validation
}

/// Whether the header wants something that we do not do: an extension that must be understood (RFC 7515 section 4.1.11),
/// or a key from elsewhere. Nothing is ever fetched from where a token says.
fn check_header(header: &Header) -> Result<(), Refused> {
    if header.crit.is_some() || header.extras.inner().contains_key("b64") {
        return Err(Refused::No("its header has `crit`, and we know no extension"));
    }
    if header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some() {
        return Err(Refused::No("its header brings a key, or the address of one"));
    }
    match &header.kid {
        Some(kid) if !is_key_id(kid) => Err(Refused::No("`kid` is not a plain word")),
        _ => Ok(()),
    }
}

/// The library's cause in words that hold nothing of the token.
fn cause(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature is another key's",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "its algorithm is not among those allowed",
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "its time has not come",
        ErrorKind::MissingRequiredClaim(_) => "`exp` or `sub` is missing, or not of its type",
        _ => "it is not a JSON Web Token with claims of their types",
    }
}
