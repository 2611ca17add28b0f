use super::{Gate, GateOptions, now_s};
use crate::claims::Claims;
use crate::revocation::Revocation;
use crate::signer::Signer;
use crate::verifier::Verifier;
use tidings::Grants;
use tidings::host::{Credential, Denial};
use tidings_proto::code::Code;

const SECRET: &[u8] = b"thirty-two bytes are the minimum";

fn gate() -> Gate {
    Gate::new(Verifier::hs256(SECRET).unwrap(), &GateOptions::default())
}

fn token(user: &str, jti: &str, iat: u64) -> String {
    let mut claims = Claims::new(user, now_s() + 60, Grants::all());
    (claims.jti, claims.iat) = (Some(jti.into()), Some(iat));
    Signer::hs256(SECRET).unwrap().sign(&claims).unwrap()
}

async fn refused(gate: &Gate, proof: &str) -> bool {
    match gate.admit(proof).await {
        Ok(_) => false,
        Err(denial) => {
            assert_eq!(denial, Denial::unauthorized());
            true
        }
    }
}

#[tokio::test]
async fn a_ticket_lets_in_as_its_token_does_and_once() {
    let gate = gate();
    let token = token("alice", "a", now_s());
    let ticket = gate.ticket(&token).await.unwrap();
    let by_token = format!("{:?}", gate.admit(&token).await.unwrap());
    let by_ticket = format!("{:?}", gate.admit(&ticket.text).await.unwrap());
    assert_eq!(by_ticket, by_token);
    assert!(refused(&gate, &ticket.text).await);
    // No ticket makes another.
    let ticket = gate.ticket(&token).await.unwrap();
    assert_eq!(gate.ticket(&ticket.text).await.unwrap_err(), Denial::unauthorized());
    assert_eq!(gate.ticket("a.b.c").await.unwrap_err(), Denial::unauthorized());
}

#[tokio::test]
async fn one_user_cannot_take_all_tickets() {
    let gate = gate();
    let alice = token("alice", "a", now_s());
    for _ in 0..16 {
        gate.ticket(&alice).await.unwrap();
    }
    assert_eq!(gate.ticket(&alice).await.unwrap_err().code, Code::Limit);
    gate.ticket(&token("bob", "b", now_s())).await.unwrap();
}

#[tokio::test]
async fn what_is_revoked_lets_nobody_in_nor_do_its_tickets() {
    let gate = gate();
    let (old, new) = (token("alice", "old", now_s() - 10), token("alice", "new", now_s()));
    let (ticket, other) = (gate.ticket(&old).await.unwrap(), gate.ticket(&new).await.unwrap());
    let until_s = now_s() + 100;
    gate.revoke(Revocation::Token { jti: "old".into(), until_s }).await.unwrap();
    assert!(refused(&gate, &old).await && refused(&gate, &ticket.text).await);
    assert_eq!(gate.ticket(&old).await.unwrap_err(), Denial::unauthorized());
    assert!(!refused(&gate, &new).await);
    assert!(gate.is_revoked("alice", Credential::new(Some("old"), None)));
    gate.revoke(Revocation::User { user: "alice".into(), before_s: now_s(), until_s }).await.unwrap();
    assert!(refused(&gate, &new).await && refused(&gate, &other.text).await);
    assert!(!refused(&gate, &token("alice", "newest", now_s() + 20)).await);
    assert!(!refused(&gate, &token("bob", "b", now_s())).await);
    assert_eq!(gate.revocations(), 2);
}
