//! Making tokens.

use crate::algorithm::Algorithm;
use crate::claims::Claims;
use crate::error::AuthError;
use jsonwebtoken::{EncodingKey, Header, encode};
use std::fmt;

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
        let bytes_min = Algorithm::Hs256.secret_bytes_min();
        if secret.len() < bytes_min {
            return Err(AuthError::ShortSecret { bytes_min });
        }
        Ok(Self { key: EncodingKey::from_secret(secret) })
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// [`AuthError::Sign`] if the library fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, AuthError> {
        encode(&Header::new(jsonwebtoken::Algorithm::HS256), claims, &self.key).map_err(|_| AuthError::Sign)
    }
}
