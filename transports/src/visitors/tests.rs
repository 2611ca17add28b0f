use super::{Visitors, Visits};
use std::{net::IpAddr, thread::sleep, time::Duration};

fn visitors(connects_per_minute: u32, connections_max: usize, addresses_max: usize) -> Visitors {
    Visitors::new(Visits { connects_per_minute, connections_max, addresses_max, failed_auths_per_minute: 10 })
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn burst(visitors: &Visitors, from: &str) -> usize {
    (0..1_000).take_while(|_| visitors.begin(address(from)).is_ok()).count()
}

#[test]
fn each_address_has_a_burst_of_its_own_and_is_told_how_long_to_wait() {
    let visitors = visitors(60, 0, 100);
    assert!((60..63).contains(&burst(&visitors, "203.0.113.1")));
    let wait = visitors.begin(address("203.0.113.1")).unwrap_err();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    assert!(visitors.begin(address("::ffff:203.0.113.1")).is_err(), "the same in another form");
    assert!(visitors.begin(address("203.0.113.2")).is_ok());
    sleep(wait);
    assert!(visitors.begin(address("203.0.113.1")).is_ok());
}

#[test]
fn a_customer_of_ipv6_is_one_address() {
    let visitors = visitors(10, 0, 100);
    assert!(burst(&visitors, "2001:db8:0:1::1") >= 10);
    assert!(visitors.begin(address("2001:db8:0:1:ffff::7")).is_err());
    assert!(visitors.begin(address("2001:db8:0:2::1")).is_ok());
}

#[test]
fn this_machine_is_not_counted_and_no_rate_is_no_limit() {
    let limited = visitors(1, 1, 100);
    for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(burst(&limited, here), 1_000, "{here}");
        let guests = [limited.enter(address(here)), limited.enter(address(here))];
        assert!(guests.iter().all(Option::is_some), "{here}");
    }
    let free = visitors(0, 0, 100);
    assert_eq!(burst(&free, "203.0.113.1"), 1_000);
    assert!((0..100).map(|_| free.enter(address("203.0.113.1"))).collect::<Vec<_>>().iter().all(Option::is_some));
}

#[test]
fn addresses_that_have_rested_make_room_and_above_the_bound_nobody_is_held() {
    let visitors = visitors(6_000, 0, 3);
    for last in 0..3 {
        assert!(visitors.begin(address(&format!("203.0.113.{last}"))).is_ok());
    }
    // One connection of 6,000 a minute is forgotten after 10 ms.
    sleep(Duration::from_millis(50));
    assert!(visitors.begin(address("203.0.113.9")).is_ok());
    assert_eq!(visitors.0.paces.as_ref().unwrap().len(), 1);
    let full = self::visitors(1, 0, 2);
    for last in 0..2 {
        assert!(full.begin(address(&format!("203.0.113.{last}"))).is_ok());
    }
    assert_eq!(burst(&full, "203.0.113.0"), 1_000, "it does not help any more, and holds nobody");
    assert_eq!(full.0.paces.as_ref().unwrap().len(), 2, "and remembers nobody else");
}

#[test]
fn places_are_free_again_when_guests_go() {
    let visitors = visitors(0, 2, 100);
    let one = visitors.enter(address("203.0.113.1")).unwrap();
    let two = visitors.enter(address("203.0.113.1")).unwrap();
    assert!(visitors.enter(address("203.0.113.1")).is_none());
    let other = visitors.enter(address("203.0.113.2")).unwrap();
    drop(one);
    let three = visitors.enter(address("203.0.113.1")).unwrap();
    assert!(visitors.enter(address("203.0.113.1")).is_none());
    drop((two, three, other));
    assert!(visitors.0.present().is_empty(), "nothing is left of those who went");
}

#[test]
fn who_fails_too_often_is_held_whatever_it_brings() {
    let visitors = visitors(0, 0, 100);
    for _ in 0..10 {
        assert_eq!(visitors.may_prove(address("2001:db8::1")), Ok(()));
        visitors.newcomer(address("2001:db8::2")).unwrap().failed();
    }
    let wait = visitors.may_prove(address("2001:db8::3")).unwrap_err();
    assert!(wait > Duration::from_secs(5) && wait <= Duration::from_secs(6), "{wait:?}");
    assert_eq!(visitors.may_prove(address("2001:db8:0:1::1")), Ok(()));
    for here in ["127.0.0.1", "::1"] {
        (0..100).for_each(|_| visitors.failed(address(here)));
        assert_eq!(visitors.may_prove(address(here)), Ok(()), "this machine is not counted");
        assert!(visitors.newcomer(address(here)).is_none());
    }
    let free = Visitors::new(Visits { failed_auths_per_minute: 0, ..Visits::default() });
    (0..100).for_each(|_| free.failed(address("2001:db8::1")));
    assert_eq!(free.may_prove(address("2001:db8::1")), Ok(()));
}
