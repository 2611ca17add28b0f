//! Tokens that are good no longer, before their time: kept in memory, for as long as the host says.

use crate::status::{Failure, TidingsStatus};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tidings::host::Credential;

/// The tokens that were revoked.
#[derive(Debug)]
pub(crate) struct Revoked {
    entries_max: usize,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// Tokens by what stands for their names, and until when they are in here.
    tokens: HashMap<u64, u64>,
    /// Users: tokens that were issued up to this second, and until when that holds.
    users: HashMap<String, (u64, u64)>,
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Revoked {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { entries_max, book: Mutex::default() }
    }

    fn add(&self, until_s: u64, add: impl FnOnce(&mut Book, u64)) -> Result<(), Failure> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let until_s = if until_s == 0 { u64::MAX } else { until_s };
        if book.tokens.len() + book.users.len() >= self.entries_max {
            let now = seconds();
            book.tokens.retain(|_, until| *until > now);
            book.users.retain(|_, (_, until)| *until > now);
        }
        if book.tokens.len() + book.users.len() >= self.entries_max {
            let text =
                "host.revocations_max: as many tokens are revoked as may be; change the key that they are made with";
            return Err(Failure::new(TidingsStatus::Limit, text));
        }
        add(&mut book, until_s);
        Ok(())
    }

    /// Revokes a token by its name.
    pub(crate) fn add_token(&self, name: &str, until_s: u64) -> Result<(), Failure> {
        let name = Credential::name_of(name);
        self.add(until_s, |book, until_s| {
            let until = book.tokens.entry(name).or_default();
            *until = until_s.max(*until);
        })
    }

    /// Revokes what a user's tokens were until a moment.
    pub(crate) fn add_user(&self, user: &str, issued_before_s: u64, until_s: u64) -> Result<(), Failure> {
        let issued_before_s = if issued_before_s == 0 { seconds() } else { issued_before_s };
        self.add(until_s, |book, until_s| {
            let (issued, until) = book.users.entry(user.to_owned()).or_default();
            (*issued, *until) = (issued_before_s.max(*issued), until_s.max(*until));
        })
    }

    /// Whether a user's token was revoked.
    pub(crate) fn has(&self, user: &str, credential: Credential) -> bool {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if book.tokens.is_empty() && book.users.is_empty() {
            return false;
        }
        let now = seconds();
        let by_name = credential.name().and_then(|name| book.tokens.get(&name));
        let by_user = book.users.get(user).filter(|(issued, _)| credential.issued_s() <= *issued);
        by_name.is_some_and(|until| *until > now) || by_user.is_some_and(|(_, until)| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::Revoked;
    use crate::status::TidingsStatus;
    use tidings::host::Credential;

    #[test]
    fn a_token_is_revoked_by_its_name_and_by_its_user() {
        let revoked = Revoked::new(10);
        let token = Credential::new(Some("t1"), Some(100));
        assert!(!revoked.has("alice", token));
        revoked.add_token("t1", 0).unwrap();
        assert!(revoked.has("alice", token) && revoked.has("bob", token));
        assert!(!revoked.has("alice", Credential::new(Some("t2"), Some(100))));
        revoked.add_user("bob", 100, 0).unwrap();
        for (issued_s, is_revoked) in [(None, true), (Some(99), true), (Some(100), true), (Some(101), false)] {
            assert_eq!(revoked.has("bob", Credential::new(None, issued_s)), is_revoked, "{issued_s:?}");
            assert!(!revoked.has("carol", Credential::new(None, issued_s)));
        }
    }

    #[test]
    fn what_is_over_makes_room_and_is_not_counted() {
        let revoked = Revoked::new(2);
        revoked.add_token("t1", 1).unwrap();
        assert!(!revoked.has("alice", Credential::new(Some("t1"), None)));
        revoked.add_token("t2", 0).unwrap();
        revoked.add_token("t3", 0).unwrap();
        assert_eq!(revoked.add_user("bob", 0, 0).unwrap_err().status, TidingsStatus::Limit);
    }
}
