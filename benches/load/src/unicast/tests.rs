use super::UnicastLoad;
use crate::book::Faults;
use crate::codec::Codec;
use crate::command::{Answer, Shape, Template};
use crate::driver::Receiver as _;
use crate::marker::Mark;
use crate::measure::Measured as _;
use crate::plan::Load as _;

fn load(users: u32) -> UnicastLoad {
    let shape = Shape {
        codec: Codec::Json,
        namespace: "realtime".to_owned(),
        payload_bytes: 64,
        answer: Answer::Nothing,
        unicast: true,
    };
    UnicastLoad::new(Template::tidings(&shape).unwrap(), users, 7)
}

#[test]
fn pairs_repeat_with_the_seed_and_nobody_sends_to_itself() {
    let (mut one, mut other) = (load(5), load(5));
    let mut seen = [0; 5];
    for _ in 0..1_000 {
        let (sender, addressee) = one.pair();
        assert_eq!((sender, addressee), other.pair());
        assert_ne!(sender, addressee);
        seen[addressee as usize] += 1;
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn each_kind_of_fault_is_counted() {
    let mut load = load(3);
    load.addressees.extend([2, 1, 0]);
    load.in_flight = 3;
    let mut receive = |connection, sequence| load.received(connection, Mark { sequence, due_ns: 0 }, 5);
    receive(2, 0);
    receive(2, 0);
    receive(1, 2);
    receive(1, 3);
    receive(1, 1);
    receive(1, 1);
    assert_eq!((load.arrivals(), load.in_flight()), (2, 1));
    let (latencies, faults) = load.close_run();
    assert_eq!(latencies.count(), 2);
    assert_eq!(faults, Faults { lost: 1, duplicates: 2, misdelivered: 1, foreign: 1, reordered: 0 });
}
