//! What a user is, over its devices and over time.

use super::{Bench, GRACE_MS, RULES, said};
use crate::policy::PresenceRules;
use crate::presence::device::Device;
use crate::presence::person::Person;
use tidings_proto::presence::{Chosen, Reason};

/// Alice, and bob who watches her.
fn pair() -> (Bench, u32, u32) {
    let mut bench = Bench::new();
    let bob = bench.open("bob");
    bench.watch(bob, &["alice"]).unwrap();
    let alice = bench.open("alice");
    assert_eq!(bench.tick_and_take(bob), ["alice online connected"]);
    bench.heard();
    (bench, alice, bob)
}

#[test]
fn a_lost_link_waits_for_the_grace_period_and_leaving_does_not() {
    let (mut bench, alice, bob) = pair();
    bench.board.lost(alice, bench.now);
    bench.board.forget(alice);
    bench.pass(GRACE_MS - 200);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    assert!(bench.board.is_online("alice"));
    assert_eq!(bench.tick_and_take(bob), ["alice offline lost seen 100"], "seen until the link was lost");
    assert!(!bench.board.is_online("alice"));
    assert_eq!(bench.heard(), ["alice offline lost"]);

    let alice = bench.open("alice");
    assert_eq!(bench.tick_and_take(bob), ["alice online connected"]);
    bench.board.left(alice, Reason::Left, bench.now);
    let seen = bench.now.wall_ms - super::WALL_MS;
    assert_eq!(bench.tick_and_take(bob), [format!("alice offline left seen {seen}")]);
}

#[test]
fn who_comes_back_within_the_grace_period_was_never_away() {
    let (mut bench, alice, bob) = pair();
    for _ in 0..5 {
        bench.board.lost(alice, bench.now);
        bench.pass(GRACE_MS - 1_000);
        bench.look();
        bench.board.resume(alice, bench.now);
        bench.pass(GRACE_MS);
        bench.look();
    }
    // Another session of the same device, in place of the one that was lost.
    bench.board.lost(alice, bench.now);
    bench.open("alice");
    bench.board.forget(alice);
    bench.pass(GRACE_MS + 1_000);
    bench.look();
    assert_eq!(bench.take(bob), Vec::<String>::new());
    assert_eq!(bench.heard(), Vec::<String>::new());
    assert_eq!(bench.board.devices(), 2, "the lost session is gone");
}

#[test]
fn who_comes_back_later_has_been_away() {
    let (mut bench, alice, bob) = pair();
    bench.board.lost(alice, bench.now);
    bench.pass(GRACE_MS);
    bench.look();
    bench.board.resume(alice, bench.now);
    assert_eq!(bench.tick_and_take(bob).last().unwrap(), "alice online connected");
    bench.board.lost(alice, bench.now);
    bench.board.lost(alice, bench.now);
    bench.pass(GRACE_MS);
    bench.look();
    bench.board.lost(alice, bench.now);
    assert_eq!(bench.tick_and_take(bob).len(), 1);
    bench.board.forget(alice);
    assert_eq!(bench.board.devices(), 1);
}

#[test]
fn online_with_the_first_device_and_offline_with_the_last() {
    let (mut bench, phone, bob) = pair();
    let laptop = bench.open("alice");
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.left(phone, Reason::Left, bench.now);
    bench.board.forget(phone);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.left(laptop, Reason::Ended, bench.now);
    assert_eq!(bench.tick_and_take(bob).len(), 1);
    assert_eq!(bench.heard(), ["alice offline ended"]);
}

#[test]
fn the_most_present_device_wins() {
    let (mut bench, phone, bob) = pair();
    let laptop = bench.open("alice");
    bench.board.active(phone, false, bench.now);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.active(laptop, false, bench.now);
    assert_eq!(bench.tick_and_take(bob), ["alice idle idle"]);
    bench.set(phone, Chosen::Busy);
    assert_eq!(bench.tick_and_take(bob), ["alice busy set"]);
    bench.board.active(laptop, true, bench.now);
    assert_eq!(bench.tick_and_take(bob), ["alice online active"]);
    bench.set(phone, Chosen::Away);
    bench.board.left(laptop, Reason::Left, bench.now);
    assert_eq!(bench.tick_and_take(bob), ["alice away device"]);
}

#[test]
fn words_are_told_and_end_with_the_last_device() {
    let (mut bench, alice, bob) = pair();
    bench.board.set(alice, &said(Some(Chosen::Busy), Some("in a call")), bench.now);
    assert_eq!(bench.tick_and_take(bob), ["alice busy set \"in a call\""]);
    bench.board.set(alice, &said(None, Some("in a call")), bench.now);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.set(alice, &said(None, Some("in another")), bench.now);
    assert_eq!(bench.tick_and_take(bob), ["alice busy set \"in another\""]);
    bench.board.set(alice, &said(None, Some("")), bench.now);
    assert_eq!(bench.tick_and_take(bob), ["alice busy set"]);
    bench.board.set(alice, &said(None, Some("gone fishing")), bench.now);
    bench.board.left(alice, Reason::Left, bench.now);
    let told = bench.tick_and_take(bob);
    assert!(told[0].starts_with("alice offline left seen") && !told[0].contains("fishing"), "{told:?}");
    bench.pass(5_000);
    bench.open("alice");
    assert_eq!(bench.tick_and_take(bob), ["alice online connected"]);
}

#[test]
fn to_others_hiding_is_leaving() {
    let (mut hides, hider, sees_hider) = pair();
    let (mut leaves, leaver, sees_leaver) = pair();
    hides.board.set(hider, &said(None, Some("hello")), hides.now);
    leaves.board.set(leaver, &said(None, Some("hello")), leaves.now);
    assert_eq!(hides.tick_and_take(sees_hider), leaves.tick_and_take(sees_leaver));
    hides.set(hider, Chosen::Invisible);
    leaves.board.left(leaver, Reason::Left, leaves.now);
    hides.tick();
    leaves.tick();
    assert_eq!(hides.lines.told, leaves.lines.told, "byte for byte");

    // Nothing that follows is seen: words, use, other devices, real leaving.
    hides.board.set(hider, &said(None, Some("secret")), hides.now);
    hides.board.active(hider, false, hides.now);
    let other = hides.open("alice");
    hides.tick();
    hides.board.left(other, Reason::Left, hides.now);
    hides.tick();
    hides.board.left(hider, Reason::Left, hides.now);
    hides.pass(2_000);
    hides.tick();
    assert_eq!(hides.lines.told, leaves.lines.told);
    let of = |bench: &mut Bench, to| serde_json::to_string(&bench.board.status(to, "alice")).unwrap();
    assert_eq!(of(&mut hides, sees_hider), of(&mut leaves, sees_leaver), "to whoever asks later, too");
    assert!(!hides.board.is_online("alice"));
}

#[test]
fn who_hides_is_seen_as_it_is_by_its_own_devices_and_the_host() {
    let (mut bench, alice, bob) = pair();
    let own = bench.open("alice");
    bench.watch(own, &["alice"]).unwrap();
    bench.set(alice, Chosen::Invisible);
    assert_eq!(bench.tick_and_take(own), ["alice invisible set"]);
    assert_eq!(bench.heard(), ["alice invisible set"]);
    assert_eq!(bench.told_of(bob, "alice"), "offline left");
    assert_eq!(bench.told_of(own, "alice"), "invisible set");
    assert!(bench.board.is_online("alice"));
    bench.set(own, Chosen::Online);
    assert_eq!(bench.take(bob).len(), 1);
    assert_eq!(bench.tick_and_take(bob), ["alice online connected"]);
}

#[test]
fn who_comes_invisible_is_never_seen() {
    let mut bench = Bench::new();
    let bob = bench.open("bob");
    bench.watch(bob, &["alice"]).unwrap();
    let alice = bench.board.open(&"alice".into(), Some(&said(Some(Chosen::Invisible), None)), bench.now);
    assert_eq!(bench.told_of(bob, "alice"), "offline never");
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    bench.board.left(alice, Reason::Left, bench.now);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
    assert_eq!(bench.told_of(bob, "alice"), "offline never");
    // Online and invisible between two looks is not seen either.
    let alice = bench.open("alice");
    bench.set(alice, Chosen::Invisible);
    bench.tick();
    assert_eq!(bench.told_of(bob, "alice"), "offline never");
}

#[test]
fn flapping_sends_no_storm_and_ends_with_the_truth() {
    let (mut bench, alice, bob) = pair();
    for _ in 0..10 {
        bench.board.active(alice, false, bench.now);
        bench.board.active(alice, true, bench.now);
        assert_eq!(bench.tick_and_take(bob), Vec::<String>::new(), "there and back between two looks");
    }
    bench.pass(10_000);
    let mut told = 0;
    for at in 0..101 {
        bench.board.active(alice, at % 2 == 1, bench.now);
        told += bench.tick_and_take(bob).len();
    }
    assert!((5..=16).contains(&told), "{told} frames in ten seconds");
    bench.pass(2_000);
    bench.look();
    assert_eq!(bench.told_of(bob, "alice"), "idle idle");
    bench.pass(10_000);
    bench.look();
    let last = bench.take(bob);
    assert!(last.is_empty() || last.last().unwrap() == "alice idle idle", "{last:?}");
}

#[test]
fn users_that_nobody_needs_are_remembered_up_to_a_number() {
    let mut bench = Bench::new();
    for at in 0..10 {
        let device = bench.open(&format!("user-{at}"));
        bench.tick();
        bench.board.left(device, Reason::Left, bench.now);
        bench.board.forget(device);
        bench.tick();
    }
    assert_eq!(bench.board.users(), RULES.strangers_max);
    let seen = |bench: &Bench, user: &str| bench.board.presence(user).last_seen.is_some();
    assert!(seen(&bench, "user-9") && seen(&bench, "user-6") && !seen(&bench, "user-5"));

    // One that comes again and again takes one place, and the memory of it no more than that.
    for _ in 0..1_000 {
        let device = bench.open("user-9");
        bench.board.left(device, Reason::Left, bench.now);
        bench.board.forget(device);
        bench.tick();
    }
    assert!(seen(&bench, "user-6"));
    assert!(bench.board.strangers.queue.len() < 100);

    // Who was never seen is not remembered at all.
    let device = bench.open("user-6");
    bench.watch(device, &["nobody", "no one"]).unwrap();
    bench.board.unwatch(device, ["nobody", "no one"].into_iter());
    bench.tick();
    assert_eq!(bench.board.users(), RULES.strangers_max);
}

#[test]
fn without_grace_a_lost_link_is_told_with_the_next_look() {
    let mut bench = Bench::with(PresenceRules { grace_ms: 0, ..RULES });
    let bob = bench.open("bob");
    bench.watch(bob, &["alice"]).unwrap();
    let alice = bench.open("alice");
    bench.tick();
    bench.take(bob);
    bench.board.lost(alice, bench.now);
    assert_eq!(bench.tick_and_take(bob), ["alice offline lost seen 100"]);
}

#[test]
fn a_user_with_a_device_costs_less_than_two_hundred_bytes() {
    // Beside them, four bytes of a number and what the table of names leaves free.
    assert!(size_of::<Option<Person>>() + size_of::<Option<Device>>() <= 184);
}
