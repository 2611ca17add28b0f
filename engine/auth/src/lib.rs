//! JSON Web Tokens (RFC 7519) to users and their rights.
//!
//! A [`Verifier`] turns a token into an [`Admission`](tidings::host::Admission), by the [`Key`]s that it is given and by
//! those that issuers publish ([`Jwks`]). A [`Gate`] stands before it: it gives one-use tickets for tokens and refuses
//! what was revoked. A [`Signer`] makes tokens for tests, tools and hosts without an identity provider.
//!
//! The claims:
//!
//! | claim | meaning |
//! |---|---|
//! | `sub` | the user's id; required |
//! | `exp` | when the token ends, in seconds since 1970; required; a session ends with its token |
//! | `nbf` | when it begins, in seconds since 1970 |
//! | `iat` | when it was made, in seconds since 1970; by it, all older tokens of a user can be revoked |
//! | `jti` | its own name, by which it can be revoked |
//! | `iss` | who made it; checked by [`Verifier::issuer`] and [`Key::issuer`] |
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
//!
//! What a token says of its own signature picks among the keys and adds nothing to them: a key has its algorithms, which
//! fit what it is made of, and where it is one issuer's, only that issuer's tokens are its own.

mod algorithm;
mod claims;
mod error;
mod fetch;
mod gate;
mod journal;
mod jwks;
mod key;
mod published;
mod revocation;
mod revocations;
mod signer;
mod tickets;
mod verifier;

pub use algorithm::Algorithm;
pub use claims::{Audience, Claims};
pub use error::AuthError;
pub use gate::{Gate, GateOptions};
pub use jwks::{Jwks, JwksOptions};
pub use key::Key;
pub use revocation::Revocation;
pub use revocations::RevokeError;
pub use signer::Signer;
pub use tickets::Ticket;
pub use verifier::Verifier;
