//! Who is told.

use super::{Bench, GRACE_MS, NotWatched};
use std::collections::BTreeSet;
use std::sync::Arc;
use tidings_proto::presence::{Chosen, Reason};

#[test]
fn one_is_told_of_those_that_one_watches_and_of_nobody_else() {
    let mut bench = Bench::new();
    let (bob, carol) = (bench.open("bob"), bench.open("carol"));
    assert_eq!(bench.watch(bob, &["alice", "dave"]), Ok(2));
    assert_eq!(bench.watch(bob, &["alice", "carol"]), Ok(3), "one that is watched already counts once");
    bench.tick();
    bench.take(bob);
    let alice = bench.open("alice");
    bench.open("eve");
    assert_eq!(bench.tick_and_take(bob), ["alice online connected"]);
    assert_eq!(bench.take(carol), Vec::<String>::new());
    assert_eq!(bench.board.unwatch(bob, ["alice", "eve"].into_iter()), 2);
    bench.board.left(alice, Reason::Left, bench.now);
    assert_eq!(bench.tick_and_take(bob), Vec::<String>::new());
}

#[test]
fn several_changes_of_one_look_are_told_once_each() {
    let mut bench = Bench::new();
    let bob = bench.open("bob");
    bench.watch(bob, &["a", "b", "c"]).unwrap();
    let devices = ["a", "b", "c"].map(|user| bench.open(user));
    bench.set(devices[0], Chosen::Busy);
    bench.set(devices[0], Chosen::Away);
    assert_eq!(bench.tick_and_take(bob), ["a away connected", "b online connected", "c online connected"]);
}

#[test]
fn lists_have_limits_and_a_list_that_is_refused_changes_nothing() {
    let mut bench = Bench::new();
    let bob = bench.open("bob");
    bench.watch(bob, &["a", "b"]).unwrap();
    let users = bench.board.users();
    assert_eq!(bench.watch(bob, &["c", "d", "e"]), Err(NotWatched::TooMany));
    assert_eq!(bench.board.users(), users);
    assert_eq!(bench.board.unwatch(bob, std::iter::empty()), 2);
    assert_eq!(bench.watch(bob, &["c", "d"]), Ok(4));

    for _ in 0..2 {
        let device = bench.open("more");
        bench.watch(device, &["a"]).unwrap();
    }
    let late = bench.open("late");
    assert_eq!(bench.watch(late, &["z", "a"]), Err(NotWatched::Crowded));
    assert!(bench.board.watched(late).is_empty());
}

#[test]
fn a_session_that_goes_leaves_nothing_behind() {
    let mut bench = Bench::new();
    let bob = bench.open("bob");
    bench.watch(bob, &["a", "b", "bob"]).unwrap();
    bench.board.lost(bob, bench.now);
    bench.board.forget(bob);
    bench.pass(GRACE_MS);
    bench.tick();
    assert_eq!((bench.board.users(), bench.board.devices(), bench.board.watchers.len()), (1, 0, 0), "bob was seen");
}

#[test]
fn whom_a_session_watched_is_remembered_for_whoever_resumes_it() {
    let mut bench = Bench::new();
    let bob = bench.open("bob");
    bench.watch(bob, &["a", "b"]).unwrap();
    bench.board.lost(bob, bench.now);
    bench.open("a");
    bench.tick();
    assert_eq!(bench.take(bob), Vec::<String>::new(), "nobody is there to be told");
    // It is lost again before it could watch again.
    assert_eq!(bench.board.watched(bob).len(), 2);
    bench.board.resume(bob, bench.now);
    bench.board.lost(bob, bench.now);
    let watched = bench.board.watched(bob);
    assert_eq!(watched, [Arc::from("a"), Arc::from("b")]);
    bench.board.resume(bob, bench.now);
    bench.watch(bob, &["a"]).unwrap();
    bench.board.rewatched(bob);
    assert_eq!(bench.told_of(bob, "a"), "online connected");
    assert_eq!(bench.board.watched(bob), [Arc::from("a")]);
}

#[test]
fn a_watcher_without_room_gets_what_is_so_once_it_has_room() {
    let mut bench = Bench::new();
    let bob = bench.open("bob");
    bench.watch(bob, &["a", "b"]).unwrap();
    let a = bench.open("a");
    bench.tick();
    bench.take(bob);
    bench.lines.full = BTreeSet::from([bob]);
    bench.board.active(a, false, bench.now);
    bench.tick();
    bench.set(a, Chosen::Away);
    bench.open("b");
    bench.tick();
    bench.board.forward(bob, &mut bench.lines);
    assert_eq!(bench.take(bob), Vec::<String>::new());
    bench.lines.full.clear();
    bench.board.forward(bob, &mut bench.lines);
    let mut told = bench.take(bob);
    told.sort();
    assert_eq!(told, ["a away set", "b online connected"]);
    bench.board.forward(bob, &mut bench.lines);
    assert_eq!(bench.take(bob), Vec::<String>::new());
}
