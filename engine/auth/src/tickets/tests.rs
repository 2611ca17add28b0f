use super::{NoTicket, Tickets, is_ticket};
use crate::claims::Claims;
use std::time::{Duration, Instant};
use tidings::Grants;

fn claims(user: &str) -> Claims {
    Claims::new(user, 4_000_000_000, Grants::all())
}

fn tickets() -> Tickets {
    Tickets::new(Duration::from_secs(30), 5, 3)
}

#[test]
fn a_ticket_is_good_once() {
    let (tickets, now) = (tickets(), Instant::now());
    let ticket = tickets.give(claims("alice"), now).unwrap();
    assert!(is_ticket(&ticket.text));
    assert_eq!((ticket.text.len(), ticket.expires_in_ms), (7 + 64, 30_000));
    assert!(!format!("{ticket:?}").contains(&ticket.text));
    assert_eq!(tickets.redeem(&ticket.text, now), Some(claims("alice")));
    assert_eq!(tickets.redeem(&ticket.text, now), None);
}

#[test]
fn a_ticket_is_good_for_a_while() {
    let (tickets, now) = (tickets(), Instant::now());
    let ticket = tickets.give(claims("alice"), now).unwrap();
    assert_eq!(tickets.redeem(&ticket.text, now + Duration::from_secs(30)), None);
    let ticket = tickets.give(claims("alice"), now).unwrap();
    assert!(tickets.redeem(&ticket.text, now + Duration::from_millis(29_999)).is_some());
}

#[test]
fn nothing_else_is_a_ticket() {
    let (tickets, now) = (tickets(), Instant::now());
    let text = tickets.give(claims("alice"), now).unwrap().text;
    let upper = format!("ticket-{}", text["ticket-".len()..].to_uppercase());
    let has_letters = upper != text;
    let guesses =
        ["", "ticket-", "a.b.c", &text[1..], &text[..text.len() - 1], &format!("{text}0"), &text.replace('-', "_")];
    for guess in guesses {
        assert_eq!(tickets.redeem(guess, now), None, "{guess}");
    }
    assert!(!has_letters || tickets.redeem(&upper, now).is_none());
    assert!(tickets.redeem(&format!("ticket-{}", "\u{e9}".repeat(32)), now).is_none());
    assert!(tickets.redeem(&text, now).is_some());
}

#[test]
fn tickets_are_bounded_for_each_user_and_for_all() {
    let (tickets, now) = (tickets(), Instant::now());
    let first = tickets.give(claims("alice"), now).unwrap();
    for _ in 0..2 {
        tickets.give(claims("alice"), now).unwrap();
    }
    assert_eq!(tickets.give(claims("alice"), now), Err(NoTicket::FullForUser));
    assert!(tickets.redeem(&first.text, now).is_some());
    tickets.give(claims("alice"), now).unwrap();
    tickets.give(claims("bob"), now).unwrap();
    assert_eq!(tickets.give(claims("carol"), now), Err(NoTicket::Full));
    let later = now + Duration::from_secs(30);
    for user in ["carol", "alice", "alice", "alice", "bob"] {
        tickets.give(claims(user), later).unwrap();
    }
    assert_eq!(tickets.held().users.len(), 3);
    assert_eq!(tickets.held().by_age.len(), 5);
}
