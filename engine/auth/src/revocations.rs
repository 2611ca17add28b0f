//! Tokens that are good no more although their time is not over.

#[cfg(test)]
mod tests;

use crate::error::AuthError;
use crate::journal::{self, Journal};
use crate::revocation::Revocation;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings::host::Credential;
use tidings_proto::user::is_user_id;

/// Longest name of a token that can be revoked by it, in bytes.
const TOKEN_ID_BYTES_MAX: usize = 256;

/// Why something was not revoked.
#[derive(Debug)]
#[non_exhaustive]
pub enum RevokeError {
    /// Not the name of a token or of a user.
    Name(&'static str),
    /// As many revocations are kept as may be.
    Full,
    /// It could not be written to disk. It counts until the server ends.
    Disk(std::io::Error),
}

impl fmt::Display for RevokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(what) => f.write_str(what),
            Self::Full => f.write_str(
                "revocations_max: as many revocations are kept as may be; change the key that the tokens are signed \
                 with instead",
            ),
            Self::Disk(error) => {
                write!(f, "the revocation counts until the server ends, and could not be kept: {error}")
            }
        }
    }
}

impl std::error::Error for RevokeError {}

/// Everything that is revoked: in memory, and in a file if there is one.
pub(crate) struct Revocations {
    known: Mutex<Known>,
    /// Locked after `known` is not: a write to disk keeps nobody waiting who looks.
    journal: Mutex<Option<Journal>>,
    revocations_max: usize,
}

#[derive(Default)]
struct Known {
    /// By the token's credential, with when it may be forgotten.
    tokens: HashMap<u64, (Box<str>, u64)>,
    /// By user: up to when, and when it may be forgotten.
    users: HashMap<Box<str>, (u64, u64)>,
}

impl Known {
    fn len(&self) -> usize {
        self.tokens.len() + self.users.len()
    }

    fn forget(&mut self, now_s: u64) {
        self.tokens.retain(|_, (_, until_s)| *until_s >= now_s);
        self.users.retain(|_, (_, until_s)| *until_s >= now_s);
    }

    fn add(&mut self, revocation: &Revocation) {
        match revocation {
            Revocation::Token { jti, until_s } => {
                let (_, kept) = self.tokens.entry(Credential::name_of(jti)).or_insert_with(|| (jti.as_str().into(), 0));
                *kept = (*kept).max(*until_s);
            }
            Revocation::User { user, before_s, until_s } => {
                let (before, until) = self.users.entry(user.as_str().into()).or_default();
                (*before, *until) = ((*before).max(*before_s), (*until).max(*until_s));
            }
        }
    }

    fn holds(&self, revocation: &Revocation) -> bool {
        match revocation {
            Revocation::Token { jti, .. } => self.tokens.contains_key(&Credential::name_of(jti)),
            Revocation::User { user, .. } => self.users.contains_key(user.as_str()),
        }
    }

    fn all(&self) -> impl Iterator<Item = Revocation> {
        let tokens =
            self.tokens.values().map(|(jti, until_s)| Revocation::Token { jti: (&**jti).into(), until_s: *until_s });
        let users = self.users.iter().map(|(user, (before_s, until_s))| Revocation::User {
            user: (&**user).into(),
            before_s: *before_s,
            until_s: *until_s,
        });
        tokens.chain(users)
    }
}

impl Revocations {
    /// None, and room for so many.
    pub(crate) fn new(revocations_max: usize) -> Self {
        Self { known: Mutex::default(), journal: Mutex::default(), revocations_max }
    }

    /// Adds those in the file that still count, and keeps in it all that come.
    pub(crate) fn keep_in(&self, path: &Path, now_s: u64) -> Result<(), AuthError> {
        let kept = journal::read(path)?;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.known();
        for revocation in &kept {
            known.add(revocation);
        }
        known.forget(now_s);
        *journal = Some(Journal::rewrite(path, known.all())?);
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change of it is one insertion, so it is whole after a panic too.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_revoked(&self, user: &str, credential: Credential) -> bool {
        let known = self.known();
        if known.len() == 0 {
            return false;
        }
        let by_user = known.users.get(user).is_some_and(|(before_s, _)| credential.issued_s() <= *before_s);
        by_user || credential.name().is_some_and(|name| known.tokens.contains_key(&name))
    }

    /// Revokes, in memory at once and then on disk. Blocks on the disk.
    pub(crate) fn revoke(&self, revocation: &Revocation, now_s: u64) -> Result<(), RevokeError> {
        check(revocation)?;
        {
            let mut known = self.known();
            if !known.holds(revocation) && known.len() >= self.revocations_max {
                known.forget(now_s);
                if known.len() >= self.revocations_max {
                    return Err(RevokeError::Full);
                }
            }
            known.add(revocation);
        }
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(journal) = &mut *journal else { return Ok(()) };
        if journal.is_torn() || journal.lines() > 2 * self.revocations_max {
            let all: Vec<_> = {
                let mut known = self.known();
                known.forget(now_s);
                known.all().collect()
            };
            return journal.replace(all.into_iter()).map_err(RevokeError::Disk);
        }
        journal.append(revocation).map_err(RevokeError::Disk)
    }

    pub(crate) fn len(&self) -> usize {
        self.known().len()
    }
}

fn check(revocation: &Revocation) -> Result<(), RevokeError> {
    match revocation {
        Revocation::Token { jti, .. } if jti.is_empty() || jti.len() > TOKEN_ID_BYTES_MAX => {
            Err(RevokeError::Name("a `jti` has 1 to 256 bytes"))
        }
        Revocation::User { user, .. } if !is_user_id(user) => {
            Err(RevokeError::Name("a user id has 1 to 128 bytes without control characters"))
        }
        _ => Ok(()),
    }
}
