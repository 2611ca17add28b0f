//! JSON Web Tokens (RFC 7519) to users and their rights.
//!
//! A [`Verifier`] turns a token into an [`Admission`](tidings::host::Admission); a [`Signer`] makes tokens for tests,
//! tools and hosts without an identity provider. Both work with HS256 and one shared secret.
//!
//! The claims:
//!
//! | claim | meaning |
//! |---|---|
//! | `sub` | the user's id; required |
//! | `exp` | when the token ends, in seconds since 1970; required; a session ends with its token |
//! | `nbf` | when it begins, in seconds since 1970 |
//! | `iss` | who made it; checked by [`Verifier::issuer`] |
//! | `aud` | whom it is for; refused unless [`Verifier::audience`] names one of them |
//! | `subscribe` | patterns of channels that may be subscribed to |
//! | `publish` | patterns of channels that may be published to |
//! | `send` | patterns of users that may be sent to |
//! | `watch` | patterns of users whose presence may be watched |
//!
//! Numbers are whole and not negative; a claim of another type, or one that is there twice, makes the token worthless.
//! So do a header with `crit`, one that brings a key or the address of one, and a `kid` that is not a plain word.
//!
//! In a pattern `*` stands for any run of characters and everything else for itself.

mod claims;
mod token;

pub use claims::{Audience, Claims};
pub use token::{AuthError, Signer, Verifier};

#[cfg(test)]
mod tests;
