use super::{BACK_OFF_MAX, back_off, jittered};
use std::time::Duration;

#[test]
fn pauses_grow_up_to_five_minutes() {
    let seconds: Vec<_> = (1..=12).map(|failures| back_off(failures).as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    assert_eq!(back_off(u32::MAX), BACK_OFF_MAX);
}

#[test]
fn a_fleet_does_not_come_at_once() {
    let pause = Duration::from_secs(100);
    let drawn: Vec<_> = (0..200).map(|_| jittered(pause)).collect();
    assert!(drawn.iter().all(|drawn| (pause * 4 / 5..=pause).contains(drawn)), "{drawn:?}");
    assert!(drawn.iter().any(|one| *one != drawn[0]));
}
