//! Who is let in: tokens and tickets, and what was revoked of them.

#[cfg(test)]
mod tests;

use crate::claims::Claims;
use crate::error::AuthError;
use crate::revocation::Revocation;
use crate::revocations::{Revocations, RevokeError};
use crate::tickets::{NoTicket, Ticket, Tickets, is_ticket};
use crate::verifier::{Refused, Verifier};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tidings::host::{Admission, Credential, Denial};
use tidings_proto::code::Code;

/// What the gate keeps, and how much of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GateOptions {
    /// Most revocations, 100,000, at some 100 bytes each. One more is refused.
    pub revocations_max: usize,
    /// How long a ticket is good, 30 s in milliseconds.
    pub ticket_ms: u64,
    /// Most tickets that were given within that time, 10,000, at most 8 KiB each while they are not used.
    pub tickets_max: usize,
    /// Most tickets of one user that are not used, 16.
    pub tickets_per_user_max: usize,
}

impl Default for GateOptions {
    fn default() -> Self {
        Self { revocations_max: 100_000, ticket_ms: 30_000, tickets_max: 10_000, tickets_per_user_max: 16 }
    }
}

/// Lets in who has a token or a ticket that was not revoked. Copies are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    tickets: Tickets,
    revocations: Revocations,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("verifier", &self.0.verifier).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate that tokens are checked at by this verifier. Revocations are forgotten when the process ends, unless
    /// [`Gate::keep_in`] is called.
    #[must_use]
    pub fn new(verifier: Verifier, options: &GateOptions) -> Self {
        let lifetime = Duration::from_millis(options.ticket_ms);
        let tickets = Tickets::new(lifetime, options.tickets_max, options.tickets_per_user_max);
        Self(Arc::new(Inner { verifier, tickets, revocations: Revocations::new(options.revocations_max) }))
    }

    /// Takes the revocations of this file, and keeps those to come in it. Only one process may have the file: where an
    /// engine keeps its store in the same directory, call this once it has started, and before anybody connects.
    ///
    /// # Errors
    /// [`AuthError::File`]: the file can't be read or written.
    pub fn keep_in(&self, file: &Path) -> Result<(), AuthError> {
        self.0.revocations.keep_in(file, now_s())
    }

    /// Whom a token or a ticket belongs to. A ticket is used by this.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn admit(&self, proof: &str) -> Result<Admission, Denial> {
        let claims = if is_ticket(proof) {
            self.0.tickets.redeem(proof, Instant::now()).ok_or(Refused::No("a ticket that is used, too old or made up"))
        } else {
            self.0.verifier.claims_by_published(proof).await
        };
        let admission =
            claims.and_then(|claims| self.not_revoked(&claims).map(|()| self.0.verifier.admission(&claims)));
        admission.map_err(Refused::denial)
    }

    /// A ticket for a token. Whom it lets in, until when and to what is what the token says.
    ///
    /// # Errors
    /// As [`Gate::admit`]; [`Code::Limit`] for a user who has as many as may be, [`Code::Busy`] when there are as many as
    /// may be.
    pub async fn ticket(&self, token: &str) -> Result<Ticket, Denial> {
        // A ticket is no token: else one could be made to last for ever by others.
        let claims = self.0.verifier.claims_by_published(token).await;
        let claims = claims.and_then(|claims| self.not_revoked(&claims).map(|()| claims)).map_err(Refused::denial)?;
        self.0.tickets.give(claims, Instant::now()).map_err(|none| match none {
            NoTicket::FullForUser => {
                Denial::new(Code::Limit, "tickets_per_user_max: use the tickets that you have, or wait until they end")
            }
            NoTicket::Full => Denial::new(Code::Busy, "tickets_max: too many tickets were given; try again later"),
            NoTicket::Random => Denial::new(Code::Internal, "the server could not make a ticket"),
        })
    }

    fn not_revoked(&self, claims: &Claims) -> Result<(), Refused> {
        let credential = Credential::new(claims.jti.as_deref(), claims.iat);
        if self.0.revocations.is_revoked(&claims.sub, credential) {
            return Err(Refused::No("it was revoked"));
        }
        Ok(())
    }

    /// Whether a session of this user that was let in by such a token may not go on: what a host answers to
    /// [`Host::is_revoked`](tidings::host::Host::is_revoked).
    #[must_use]
    pub fn is_revoked(&self, user: &str, credential: Credential) -> bool {
        self.0.revocations.is_revoked(user, credential)
    }

    /// Revokes a token or a user's tokens: from now on nobody is let in by them. End the sessions that have been with
    /// [`Engine::end_revoked`](tidings::Engine::end_revoked).
    ///
    /// # Errors
    /// [`RevokeError`]. After [`RevokeError::Disk`] it counts all the same, until the process ends.
    pub async fn revoke(&self, revocation: Revocation) -> Result<(), RevokeError> {
        let inner = Arc::clone(&self.0);
        // It waits for the disk.
        let revoking = tokio::task::spawn_blocking(move || inner.revocations.revoke(&revocation, now_s()));
        revoking.await.unwrap_or_else(|error| Err(RevokeError::Disk(std::io::Error::other(error))))
    }

    /// How many revocations are kept.
    #[must_use]
    pub fn revocations(&self) -> usize {
        self.0.revocations.len()
    }
}

/// Seconds since 1970.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
