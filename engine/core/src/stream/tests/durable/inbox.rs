//! Inboxes: devices, what each has, and what that lets go.

use super::{Bench, Write};
use super::{EPOCH, Got, NUMBER, PLENTY, Reader, SHELF, entries, gap, policy};
use crate::policy::{Class, Keep, Shelf};
use crate::stream::{Position, Stream};
use std::sync::Arc;
use tidings_proto::frame::{GapReason, Recovered};
use tidings_proto::id::Epoch;
use tidings_proto::kept::Kind;
use tidings_proto::wire::WireForm;

impl Bench {
    fn inbox() -> Self {
        Self::new(Kind::Inbox, Keep { entries_max: 2, ..PLENTY }, Shelf { devices_max: 2, ..SHELF })
    }

    /// Joins on a device and reads forward. Returns the slot, where delivery goes on, and what the user has read.
    fn arrive(&mut self, id: usize, device: &str) -> (u32, u64, u64) {
        let joined = self.enter_inbox(id, device, None);
        self.catch_up(joined.joined.slot);
        (joined.joined.slot, joined.delivered, joined.read)
    }

    fn has(&mut self, slot: u32, device: &str, offset: u64) -> bool {
        self.stream.acknowledge(slot, device, offset, false, self.now)
    }
}

fn position(offset: u64) -> Position {
    Position { epoch: EPOCH, offset }
}

#[test]
fn each_device_goes_on_behind_what_it_has() {
    let mut bench = Bench::inbox();
    let (phone, ..) = bench.arrive(0, "phone");
    bench.store(5);
    assert!(bench.has(phone, "phone", 3));
    assert_eq!(bench.arrive(1, "phone").1, 3);
    assert_eq!(bench.arrive(2, "tablet").1, 0, "a device that nobody knows gets all that is kept");
    assert_eq!(bench.sink.take(0), entries(1..=5));
    assert_eq!(bench.sink.take(1), entries(4..=5));
    assert_eq!(bench.sink.take(2), entries(1..=5));
    bench.upkeep();
    bench.crash(9);
    let joined = bench.enter_inbox(3, "phone", None);
    assert_eq!((joined.delivered, joined.joined.recovered), (3, Recovered::Complete));
    bench.catch_up(joined.joined.slot);
    assert_eq!(bench.sink.take(3), entries(4..=5), "after a restart too");
    assert!(bench.has(joined.joined.slot, "phone", 5));
    let joined = bench.enter_inbox(4, "phone", None);
    assert_eq!((joined.delivered, joined.joined.recovered), (5, Recovered::None));
}

#[test]
fn what_all_devices_have_is_let_go() {
    let mut bench = Bench::inbox();
    let (phone, ..) = bench.arrive(0, "phone");
    let (tablet, ..) = bench.arrive(1, "tablet");
    bench.upkeep();
    bench.store(5);
    assert!(bench.has(phone, "phone", 4));
    let (_, writes) = bench.upkeep();
    assert!(matches!(&writes[..], [Write::Head(_)]), "the tablet still waits");
    assert!(bench.has(tablet, "tablet", 3));
    let (_, writes) = bench.upkeep();
    assert!(matches!(&writes[..], [Write::Head(_), Write::Remove(1, 3)]), "{writes:?}");
    assert!(bench.has(tablet, "tablet", 5) && bench.has(phone, "phone", 5));
    bench.append("E", "null");
    bench.upkeep();
    assert_eq!(bench.disk.offsets(), [6], "and never what is not stored");
    assert_eq!(bench.disk.head().unwrap().devices.len(), 2);
}

#[test]
fn nobody_acknowledges_what_it_was_not_given() {
    let mut bench = Bench::inbox();
    let (slot, ..) = bench.arrive(0, "phone");
    bench.store(2);
    bench.append("E", "null");
    assert!(!bench.has(slot, "phone", 3), "nobody was given it yet");
    bench.sink.room.insert(0, 0);
    bench.sync();
    assert!(!bench.has(slot, "phone", 3), "it waits behind a full queue");
    assert!(bench.has(slot, "phone", 2));
    assert!(!bench.has(slot, "phone", 2) && !bench.has(slot, "phone", 1) && !bench.has(slot, "phone", 0));
    assert!(!bench.has(slot + 1, "phone", 2), "a member that is not there");
    bench.sink.room.clear();
    bench.catch_up(slot);
    assert!(!bench.has(slot, "phone", u64::MAX));
    assert!(bench.stream.acknowledge(slot, "phone", 1, true, bench.now), "read moves by itself");
    assert!(bench.has(slot, "phone", 3));
    bench.upkeep();
    let device = &bench.disk.head().unwrap().devices[0];
    assert_eq!((device.delivered, device.read), (3, 1));
}

#[test]
fn what_is_placed_and_not_fanned_out_is_not_given() {
    let mut bench = super::super::Bench::reliable();
    let slot = bench.join(0, None).slot;
    bench.publish(2);
    bench.place("E", None, "null");
    assert!(bench.stream.was_given(slot, 2));
    assert!(!bench.stream.was_given(slot, 3));
    bench.stream.fan_out(&mut bench.sink);
    assert!(bench.stream.was_given(slot, 3));
}

#[test]
fn a_position_of_the_client_goes_before_what_the_device_has() {
    let mut bench = Bench::inbox();
    let (slot, ..) = bench.arrive(0, "phone");
    bench.store(6);
    assert!(bench.has(slot, "phone", 3));
    for (id, since, follows) in [(1, 1, 2), (2, 3, 4), (3, 5, 6)] {
        let joined = bench.enter_inbox(id, "phone", Some(position(since)));
        assert_eq!((joined.delivered, joined.joined.recovered), (since, Recovered::Complete));
        bench.catch_up(joined.joined.slot);
        assert_eq!(bench.sink.take(id), entries(follows..=6));
    }
    assert_eq!(bench.enter_inbox(4, "phone", Some(position(6))).delivered, 6);
}

#[test]
fn a_position_that_was_never_given_is_not_where_delivery_goes_on() {
    let other = Position { epoch: Epoch(8), offset: 4 };
    for (since, from, reason) in [(position(7), 4, GapReason::Future), (other, 1, GapReason::Epoch)] {
        let mut bench = Bench::inbox();
        let (slot, ..) = bench.arrive(0, "phone");
        bench.store(6);
        assert!(bench.has(slot, "phone", 3));
        bench.upkeep();
        assert!(bench.has(slot, "phone", 5));
        bench.append("E", "null");
        let joined = bench.enter_inbox(1, "phone", Some(since));
        assert_eq!(joined.joined.gap, gap(from, 3, reason));
        assert_eq!((joined.delivered, joined.joined.offset), (3, 6));
        bench.catch_up(joined.joined.slot);
        assert_eq!(bench.sink.take(1), entries(4..=6));
        // An inbox in memory knows no devices, and goes on in the same way.
        let mut stream = Stream::new(NUMBER, EPOCH, Arc::new(policy(Class::Reliable, PLENTY)), bench.now);
        for _ in 0..3 {
            stream.publish(&super::publication("E", super::DataRef::NULL, None), bench.now);
        }
        let to = Reader { id: 9, form: WireForm::JsonLines };
        let joined = stream.join_inbox(to, "phone", Some(since), bench.now, &mut bench.sink);
        assert_eq!((joined.delivered, joined.read, joined.joined.recovered), (0, 0, Recovered::Gap));
    }
}

#[test]
fn what_expired_while_a_device_was_away_is_told() {
    let mut bench = Bench::new(Kind::Inbox, PLENTY, super::keeping(2));
    bench.arrive(0, "phone");
    bench.store(5);
    bench.upkeep();
    let joined = bench.enter_inbox(1, "phone", None);
    assert_eq!((joined.delivered, joined.joined.gap), (0, gap(1, 3, GapReason::Expired)));
    assert_eq!(bench.arrive(2, "tablet").1, 3, "a new device misses nothing");
    assert_eq!(bench.sink.take(2), entries(4..=5));
    assert!(!bench.sink.take(2).iter().any(|got| matches!(got, Got::Gap { .. })));
}

#[test]
fn a_device_that_stays_away_holds_nothing_back_and_makes_room() {
    let mut bench = Bench::inbox();
    let (_, _, _) = bench.arrive(0, "old");
    bench.pass(SHELF.device_ttl_ms / 2);
    let (phone, ..) = bench.arrive(1, "phone");
    bench.store(3);
    assert!(bench.has(phone, "phone", 3));
    bench.upkeep();
    assert_eq!(bench.disk.offsets(), [1, 2, 3]);
    bench.pass(SHELF.device_ttl_ms / 2 + 1);
    bench.arrive(1, "phone");
    let (wanted, _) = bench.upkeep();
    assert!(wanted && bench.disk.offsets().is_empty());
    bench.arrive(2, "tablet");
    bench.upkeep();
    let devices = &bench.disk.head().unwrap().devices;
    let names: Vec<&str> = devices.iter().map(|device| &*device.name).collect();
    assert_eq!(names, ["phone", "tablet"]);
}

#[test]
fn what_the_user_has_read_stays_when_the_device_goes() {
    let mut bench = Bench::inbox();
    let (phone, ..) = bench.arrive(0, "phone");
    bench.store(3);
    assert!(bench.stream.acknowledge(phone, "phone", 2, true, bench.now));
    for (ms, device) in [(1, "tablet"), (2, "desk"), (3, "car")] {
        bench.pass(ms);
        assert_eq!(bench.arrive(1, device).2, 2, "{device}");
        bench.sink.last.clear();
    }
}

#[test]
fn a_device_that_is_connected_and_has_nothing_to_acknowledge_does_not_stay_away() {
    for is_told in [true, false] {
        let mut bench = Bench::inbox();
        let (phone, ..) = bench.arrive(0, "phone");
        bench.arrive(1, "tablet");
        // Longer than a device may stay away.
        bench.pass(SHELF.device_ttl_ms + 1);
        if is_told {
            bench.stream.still_there("tablet", bench.now);
            bench.stream.still_there("unknown", bench.now);
        }
        bench.store(1);
        assert!(bench.has(phone, "phone", 1));
        bench.upkeep();
        assert_eq!(
            bench.disk.head().unwrap().floor,
            if is_told { 1 } else { 2 },
            "whether it is held back for the tablet"
        );
        assert_eq!(bench.disk.head().unwrap().devices.len(), 2);
    }
}

#[test]
fn what_waits_is_what_some_device_has_not_acknowledged_whether_it_was_let_go_or_not() {
    let mut bench = Bench::new(Kind::Inbox, PLENTY, SHELF);
    let phone = bench.enter_inbox(1, "phone", None).joined.slot;
    let tablet = bench.enter_inbox(2, "tablet", None).joined.slot;
    bench.store(5);
    let waits = |bench: &Bench| (bench.stream.backlog(bench.now).from, bench.stream.backlog(bench.now).position.offset);
    assert_eq!(waits(&bench), (1, 5));
    assert!(bench.stream.acknowledge(phone, "phone", 5, false, bench.now));
    assert_eq!(waits(&bench), (1, 5));
    assert!(bench.stream.acknowledge(tablet, "tablet", 3, true, bench.now));
    assert_eq!(waits(&bench), (4, 5));
    bench.upkeep();
    assert_eq!(waits(&bench), (4, 5));
    assert!(bench.stream.acknowledge(tablet, "tablet", 5, true, bench.now));
    let backlog = bench.stream.backlog(bench.now);
    assert_eq!((backlog.from, backlog.disk, backlog.devices.len()), (6, Some(super::STREAM), 2));
    // What is not behind the barrier waits for nobody yet.
    bench.append("E", "null");
    assert_eq!(waits(&bench), (6, 5));
    bench.sync();
    assert_eq!(waits(&bench), (6, 6));
}
