//! Rows 12 and 32: tokens that end are told ahead and refreshed in band, rights are checked again, and what is revoked
//! ends.

use super::keys::post;
use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::session::Session;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const REVOCATION_KEY: &str = "a-key-to-revoke-with-of-32-bytes";

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token that ends so many seconds from now, or before.
fn token(user: &str, lasts_s: i64, more: Value) -> String {
    let mut claims = json!({"sub": user, "exp": now_s().checked_add_signed(lasts_s).unwrap()});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn revoke(daemon: &Daemon, body: &Value) -> u64 {
    let (status, _, answer) = post(daemon, "/api/v1/revocations", REVOCATION_KEY, "", &body.to_string());
    assert_eq!(status, 200, "{answer}");
    answer["sessions_ended"].as_u64().unwrap()
}

fn daemon_that_revokes() -> Daemon {
    Daemon::start(&format!("[api]\nkey = \"{REVOCATION_KEY}\"\n"))
}

#[test]
fn a_token_that_ends_is_told_ahead_and_refreshed_in_band() {
    let daemon = Daemon::start("[jwt]\nleeway_s = 0\n[times]\ntoken_warning_ms = 2500\n");
    let mut session = Session::open(&daemon);
    let connected = session.ask(&json!({"id": 1, "connect": {"token": token("alice", 4, json!({}))}}));
    let lasts_ms = connected["connected"]["expires_in_ms"].as_u64().unwrap();
    assert!((2_000..=4_000).contains(&lasts_ms), "{connected}");
    let told = session.next();
    let in_ms = told["expiring"]["in_ms"].as_u64().unwrap_or_else(|| panic!("{told}"));
    assert!((1_000..=2_500).contains(&in_ms), "{told}");
    // Another user's token, and a bad one, change nothing.
    for bad in [token("bob", 60, json!({})), "x".into(), token("alice", -1, json!({}))] {
        let answer = session.ask(&json!({"id": 2, "refresh": {"token": bad}}));
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(2), &json!(2001)), "{answer}");
    }
    let answer = session.ask(&json!({"id": 3, "refresh": {"token": token("alice", 6, json!({}))}}));
    let lasts_ms = answer["refreshed"]["expires_in_ms"].as_u64().unwrap_or_else(|| panic!("{answer}"));
    assert!((4_000..=6_000).contains(&lasts_ms), "{answer}");
    // It lives beyond the first token's end, is told again, and ends with the second.
    assert!(session.next()["expiring"].is_object());
    session.assert_alive();
    session.expect_close(3503);
}

#[test]
fn a_refresh_brings_new_rights_and_takes_the_old() {
    let daemon = Daemon::start("");
    let mut session = Session::connect_with(&daemon, &token("alice", 60, json!({"subscribe": ["messaging:a*"]})));
    for channel in ["messaging:a", "messaging:ab"] {
        let answer = session.ask(&json!({"id": 2, "subscribe": {"channel": channel}}));
        assert!(answer["subscribed"].is_object(), "{answer}");
    }
    let rights = json!({"subscribe": ["messaging:a", "messaging:b"], "publish": ["messaging:*"]});
    let answer = session.ask(&json!({"id": 3, "refresh": {"token": token("alice", 60, rights)}}));
    assert!(answer["refreshed"].is_object(), "{answer}");
    assert_eq!(session.next(), json!({"unsubscribed": {"channel": "messaging:ab", "reason": "forbidden"}}));
    // Nothing of it comes any more, and what is covered goes on.
    let mut answers = Vec::new();
    for channel in ["messaging:ab", "messaging:a"] {
        session.send(json!({"id": 4, "publish": {"channel": channel, "event": "e", "data": channel}}));
    }
    while answers.len() < 3 {
        answers.push(session.next());
    }
    let entries: Vec<_> = answers.iter().filter_map(|answer| answer["entry"]["data"].as_str()).collect();
    assert_eq!(entries, ["messaging:a"], "{answers:?}");
    assert!(session.ask(&json!({"id": 5, "subscribe": {"channel": "messaging:b"}}))["subscribed"].is_object());
    let answer = session.ask(&json!({"id": 6, "subscribe": {"channel": "messaging:ab"}}));
    assert_eq!(answer["error"]["name"], "forbidden");
}

#[test]
fn rights_are_checked_again_at_a_resume() {
    let daemon = Daemon::start("");
    let mut session = Session::open(&daemon);
    let both = token("alice", 60, json!({"subscribe": ["messaging:*"]}));
    let connected = session.ask(&json!({"id": 1, "connect": {"token": both}}));
    for channel in ["messaging:a", "messaging:b"] {
        session.ask(&json!({"id": 2, "subscribe": {"channel": channel}}));
    }
    drop(session);
    let mut session = Session::open(&daemon);
    let (id, secret) = (&connected["connected"]["session"], &connected["connected"]["secret"]);
    let fewer = token("alice", 60, json!({"subscribe": ["messaging:b"]}));
    let resume = json!({"session": id, "secret": secret, "positions": []});
    let answer = session.ask(&json!({"id": 1, "connect": {"token": fewer, "resume": resume}}));
    assert_eq!(answer["connected"]["resumed"], true, "{answer}");
    let mut told = [session.next(), session.next()];
    told.sort_by_key(|frame| frame["error"].is_object());
    assert_eq!(told[0]["subscribed"]["channel"], "messaging:b", "{told:?}");
    assert_eq!(told[1]["error"]["code"], 2003, "{told:?}");
}

#[test]
fn a_revoked_token_ends_its_sessions_for_good() {
    let daemon = daemon_that_revokes();
    let (one, other) = (token("alice", 60, json!({"jti": "one"})), token("alice", 60, json!({"jti": "other"})));
    let mut first = Session::open(&daemon);
    let connected = first.ask(&json!({"id": 1, "connect": {"token": one}}));
    let mut second = Session::connect_with(&daemon, &other);
    let mut refreshed = Session::connect_with(&daemon, &other);
    assert!(refreshed.ask(&json!({"id": 2, "refresh": {"token": one}}))["refreshed"].is_object());
    let ticket = post(&daemon, "/api/v1/tickets", &one, "", "").2["ticket"].as_str().unwrap().to_owned();
    assert_eq!(revoke(&daemon, &json!({"jti": "one"})), 2);
    assert_eq!(first.expect_close(3506)["reason"], "token_revoked");
    refreshed.expect_close(3506);
    second.assert_alive();
    for bad in [&one, &ticket] {
        let mut session = Session::open(&daemon);
        let answer = session.ask(&json!({"id": 1, "connect": {"token": bad}}));
        assert_eq!(answer["error"]["code"], 2001);
        session.expect_close(3500);
    }
    assert_eq!(second.ask(&json!({"id": 3, "refresh": {"token": one}}))["error"]["code"], 2001);
    // The session is gone, whatever token comes for it.
    let resume = json!({"session": connected["connected"]["session"], "secret": connected["connected"]["secret"]});
    let answer = Session::open(&daemon).ask(&json!({"id": 1, "connect": {"token": other, "resume": resume}}));
    assert_eq!(answer["connected"]["resumed"], false, "{answer}");
    daemon.wait_for_figure("tidings_sessions_revoked_total", |ended| ended == 2);
}

#[test]
fn a_users_tokens_are_revoked_up_to_now_and_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("[api]\nkey = \"{REVOCATION_KEY}\"\n");
    let data = folder.path().to_str().unwrap();
    let start = || {
        let args = ["--listen", "127.0.0.1:0", "--data", data];
        Daemon::start_with(&args, &[("JWT_SECRET", SECRET)], &settings)
    };
    let daemon = start();
    let old = token("alice", 60, json!({"iat": now_s() - 5}));
    let dateless = token("alice", 60, json!({}));
    let mut sessions = [&old, &dateless].map(|token| Session::connect_with(&daemon, token));
    let mut bob = Session::connect_with(&daemon, &token("bob", 60, json!({})));
    assert_eq!(revoke(&daemon, &json!({"user": "alice"})), 2);
    for session in &mut sessions {
        session.expect_close(3506);
    }
    bob.assert_alive();
    let new = token("alice", 60, json!({"iat": now_s() + 1}));
    Session::connect_with(&daemon, &new).assert_alive();
    daemon.kill();
    let daemon = start();
    for token in [&old, &dateless] {
        let answer = Session::open(&daemon).ask(&json!({"id": 1, "connect": {"token": token}}));
        assert_eq!(answer["error"]["code"], 2001);
    }
    Session::connect_with(&daemon, &new).assert_alive();
}

#[test]
fn only_who_has_the_key_revokes() {
    let daemon = daemon_that_revokes();
    let good = json!({"user": "alice"}).to_string();
    let alice = token("alice", 60, json!({}));
    for key in ["", "x", &alice, &REVOCATION_KEY[1..], &REVOCATION_KEY.to_uppercase()] {
        let (status, _, answer) = post(&daemon, "/api/v1/revocations", key, "", &good);
        assert_eq!((status, &answer["error"]["code"]), (401, &json!(2001)), "{key}");
    }
    for (body, expected) in [
        ("", 400),
        ("{}", 400),
        ("{\"user\":\"\"}", 400),
        ("{\"user\":\"a\\u0000\"}", 400),
        ("{\"user\":\"a\",\"jti\":\"b\"}", 400),
        ("{\"jti\":\"b\",\"issued_before_s\":1}", 400),
        ("{\"jti\":7}", 400),
        ("{\"user\":\"a\",\"until\":7}", 400),
        (&format!("{{\"jti\":\"{}\"}}", "x".repeat(9_000)), 413),
    ] {
        let (status, _, answer) = post(&daemon, "/api/v1/revocations", REVOCATION_KEY, "", body);
        assert_eq!(status, expected, "{body}: {answer}");
    }
    Session::connect_with(&daemon, &alice).assert_alive();
    // Where no key is set, nobody may; and a key does what its rights say, for the users that it covers.
    let (status, _, answer) = post(&Daemon::start(""), "/api/v1/revocations", "", "", &good);
    assert_eq!(status, 401, "{answer}");
    let (other, some) = ("another-key-of-thirty-two-bytes!", "a-key-for-some-of-all-the-users!");
    let daemon = Daemon::start(&format!(
        "[[api.keys]]\nname = \"a\"\nkey = \"{other}\"\nrights = [\"disconnect\"]\n[[api.keys]]\nname = \"b\"\nkey = \
         \"{some}\"\nrights = [\"revoke\"]\nusers = [\"a*\"]\n"
    ));
    for (key, body, expected) in [
        (other, good.as_str(), 403),
        (some, &good, 200),
        (some, "{\"user\":\"bob\"}", 403),
        (some, "{\"jti\":\"x\"}", 403),
    ] {
        assert_eq!(post(&daemon, "/api/v1/revocations", key, "", body).0, expected, "{body}");
    }
}
