use super::{Revocations, RevokeError};
use crate::error::AuthError;
use crate::revocation::Revocation;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use tidings::host::Credential;

const NOW_S: u64 = 1_800_000_000;
const LATER_S: u64 = NOW_S + 3_600;

fn token(jti: &str) -> Revocation {
    Revocation::Token { jti: jti.into(), until_s: LATER_S }
}

fn user(user: &str, before_s: u64) -> Revocation {
    Revocation::User { user: user.into(), before_s, until_s: LATER_S }
}

fn open(path: &Path, revocations_max: usize, now_s: u64) -> Result<Revocations, AuthError> {
    let revocations = Revocations::new(revocations_max);
    revocations.keep_in(path, now_s).map(|()| revocations)
}

fn is_revoked(revocations: &Revocations, user: &str, jti: Option<&str>, iat: Option<u64>) -> bool {
    revocations.is_revoked(user, Credential::new(jti, iat))
}

#[test]
fn a_token_is_revoked_by_its_name_alone() {
    let revocations = Revocations::new(10);
    assert!(!is_revoked(&revocations, "alice", Some("a"), Some(NOW_S)));
    revocations.revoke(&token("a"), NOW_S).unwrap();
    assert!(is_revoked(&revocations, "alice", Some("a"), Some(NOW_S)));
    assert!(!is_revoked(&revocations, "alice", Some("b"), Some(NOW_S)));
    assert!(!is_revoked(&revocations, "alice", None, None));
}

#[test]
fn a_users_tokens_are_revoked_up_to_a_moment() {
    let revocations = Revocations::new(10);
    revocations.revoke(&user("alice", NOW_S), NOW_S).unwrap();
    for (iat, revoked) in [(Some(NOW_S - 1), true), (Some(NOW_S), true), (Some(NOW_S + 1), false), (None, true)] {
        assert_eq!(is_revoked(&revocations, "alice", Some("x"), iat), revoked, "{iat:?}");
        assert!(!is_revoked(&revocations, "Alice", Some("x"), iat));
    }
    // A later one does not take an earlier one back.
    revocations.revoke(&user("alice", NOW_S - 100), NOW_S).unwrap();
    assert!(is_revoked(&revocations, "alice", None, Some(NOW_S)));
}

#[test]
fn what_is_over_makes_room_and_what_is_not_is_kept() {
    let revocations = Revocations::new(2);
    revocations.revoke(&token("a"), NOW_S).unwrap();
    revocations.revoke(&user("bob", NOW_S), NOW_S).unwrap();
    assert!(matches!(revocations.revoke(&token("c"), NOW_S), Err(RevokeError::Full)));
    revocations.revoke(&token("a"), NOW_S).unwrap();
    assert_eq!(revocations.len(), 2);
    revocations.revoke(&token("c"), LATER_S + 1).unwrap();
    assert_eq!(revocations.len(), 1);
}

#[test]
fn names_that_cannot_be_are_refused() {
    let revocations = Revocations::new(2);
    for revocation in [token(""), token(&"x".repeat(257)), user("", 1), user("a\nb", 1), user(&"x".repeat(129), 1)] {
        assert!(matches!(revocations.revoke(&revocation, NOW_S), Err(RevokeError::Name(_))), "{revocation:?}");
    }
}

#[test]
fn the_file_keeps_them_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revocations.jsonl");
    let open = |now_s| open(&path, 10, now_s).unwrap();
    let revocations = open(NOW_S);
    revocations.revoke(&token("a \"quoted\"\n"), NOW_S).unwrap();
    revocations.revoke(&user("zo\u{eb}", NOW_S), NOW_S).unwrap();
    drop(revocations);
    let revocations = open(NOW_S);
    assert!(is_revoked(&revocations, "x", Some("a \"quoted\"\n"), None));
    assert!(is_revoked(&revocations, "zo\u{eb}", None, Some(NOW_S)));
    assert_eq!(revocations.len(), 2);
    // Those that are over are left out of the file.
    assert_eq!(open(LATER_S + 1).len(), 0);
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn a_line_cut_short_by_a_crash_was_never_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revocations.jsonl");
    open(&path, 10, NOW_S).unwrap().revoke(&token("a"), NOW_S).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(br#"{"jti":"b","unti"#).unwrap();
    let revocations = open(&path, 10, NOW_S).unwrap();
    assert_eq!(revocations.len(), 1);
    revocations.revoke(&token("c"), NOW_S).unwrap();
    assert_eq!(open(&path, 10, NOW_S).unwrap().len(), 2);
    // Any other line that can't be read stops the start.
    fs::write(&path, "{\"jti\":\"b\",\"unti\n{\"jti\":\"c\",\"until_s\":9999999999}\n").unwrap();
    let told = open(&path, 10, NOW_S).err().unwrap().to_string();
    assert!(told.contains("line 1") && told.contains("revocations.jsonl"), "{told}");
}

#[test]
fn the_file_stays_small_however_often_one_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revocations.jsonl");
    let revocations = open(&path, 3, NOW_S).unwrap();
    for second in 0..50 {
        revocations.revoke(&user("alice", NOW_S + second), NOW_S).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap().lines().count() <= 8);
    let again = open(&path, 3, NOW_S).unwrap();
    assert!(is_revoked(&again, "alice", None, Some(NOW_S + 49)));
}

#[test]
fn a_place_that_cannot_be_written_to_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let told = open(&folder.path().join("no/such"), 3, NOW_S).err().unwrap().to_string();
    assert!(told.contains("no/such"), "{told}");
}
