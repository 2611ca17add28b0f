//! Tickets: what is given for a token to a client that can only put its proof into an address.

#[cfg(test)]
mod tests;

use crate::claims::Claims;
use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a ticket begins with, so that it is never taken for a token, nor a token for it.
const PREFIX: &str = "ticket-";

/// Random bytes of a ticket.
const RANDOM_BYTES: usize = 32;

/// A ticket: good once, for a short time.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticket {
    /// What the client gives in place of its token. A secret as the token is.
    pub text: String,
    /// How long it is good, in milliseconds.
    pub expires_in_ms: u64,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

/// Why there is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTicket {
    /// As many wait as may.
    Full,
    /// As many of this user wait as may.
    FullForUser,
    /// The operating system gives no random bits.
    Random,
}

type Random = [u8; RANDOM_BYTES];

/// The tickets that were given and not used.
pub(crate) struct Tickets {
    held: Mutex<Held>,
    lifetime: Duration,
    tickets_max: usize,
    per_user_max: usize,
}

#[derive(Default)]
struct Held {
    claims: HashMap<Random, Claims>,
    /// All last equally long, so the first ends first. Those that were used stay here until then.
    by_age: VecDeque<(Instant, Random)>,
    users: HashMap<String, usize>,
}

impl Held {
    fn take(&mut self, random: &Random) -> Option<Claims> {
        let claims = self.claims.remove(random)?;
        if let Some(count) = self.users.get_mut(&claims.sub) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(&claims.sub);
            }
        }
        Some(claims)
    }

    fn expire(&mut self, now: Instant) {
        while let Some((ends, random)) = self.by_age.front().copied()
            && ends <= now
        {
            self.by_age.pop_front();
            self.take(&random);
        }
    }
}

impl Tickets {
    pub(crate) fn new(lifetime: Duration, tickets_max: usize, per_user_max: usize) -> Self {
        Self { held: Mutex::default(), lifetime, tickets_max, per_user_max }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket for what a token says.
    pub(crate) fn give(&self, claims: Claims, now: Instant) -> Result<Ticket, NoTicket> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|_| NoTicket::Random)?;
        let mut held = self.held();
        held.expire(now);
        // What was used counts until its time is over: so the list by age is bounded as well.
        if held.by_age.len() >= self.tickets_max {
            return Err(NoTicket::Full);
        }
        let count = held.users.entry(claims.sub.clone()).or_default();
        if *count >= self.per_user_max {
            return Err(NoTicket::FullForUser);
        }
        *count += 1;
        held.claims.insert(random, claims);
        held.by_age.push_back((now + self.lifetime, random));
        drop(held);
        let mut text = PREFIX.to_owned();
        for byte in random {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Ticket { text, expires_in_ms: u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX) })
    }

    /// What the token said that the ticket was given for. Nobody gets it a second time.
    pub(crate) fn redeem(&self, text: &str, now: Instant) -> Option<Claims> {
        // 256 random bits are looked up by their hash: how long that takes tells nothing that helps to guess them.
        let random = random_of(text)?;
        let mut held = self.held();
        held.expire(now);
        held.take(&random)
    }
}

/// Whether it can only be a ticket.
pub(crate) fn is_ticket(text: &str) -> bool {
    text.starts_with(PREFIX)
}

fn random_of(text: &str) -> Option<Random> {
    let digits = text.strip_prefix(PREFIX)?.as_bytes();
    let mut random = [0; RANDOM_BYTES];
    if digits.len() != 2 * RANDOM_BYTES {
        return None;
    }
    for (byte, pair) in random.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(random)
}
