//! Row 17, by address: how often one may begin, and how many one may have at once.

use crate::support::client::{Client, Response, upgrade_request};
use crate::support::daemon::Daemon;
use crate::support::neighbour::Neighbour;
use crate::support::tool::token;
use crate::support::wait_until;
use std::io::Read as _;

const PROXIED: &str = "[limits]\nmessages_per_minute = 0\n[http]\ntrusted_proxies = \"127.0.0.1\"\n";

fn upgrade(daemon: &Daemon, from: &str) -> Response {
    let mut client = Client::connect(daemon.address);
    let lines = format!("X-Forwarded-For: {from}\r\n");
    client.send(upgrade_request("/ws", &lines).as_bytes());
    client.response()
}

/// The status of an answer that may go on for ever.
fn stream(daemon: &Daemon, from: &str) -> u16 {
    let mut client = Client::connect(daemon.address);
    let token = token(&["--user", "mallory"]);
    let request = format!(
        "GET /sse?channel=realtime:a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nX-Forwarded-For: {from}\r\n\r\n"
    );
    client.send(request.as_bytes());
    let mut line = [0; 12];
    client.socket.read_exact(&mut line).unwrap();
    String::from_utf8_lossy(&line).strip_prefix("HTTP/1.1 ").expect("an answer").parse().unwrap()
}

#[test]
fn an_address_that_begins_too_often_is_told_when_to_come_back() {
    let daemon = Daemon::start(&format!("{PROXIED}connects_per_minute_per_address = 6\n"));
    let neighbour = Neighbour::of(&daemon);
    let mut refused = 0;
    for at in 0..20 {
        let response = upgrade(&daemon, "203.0.113.7");
        if at < 6 {
            assert_eq!(response.status, 101, "{at}: {response:?}");
        } else if response.status != 101 {
            assert_eq!(response.status, 429, "{at}: {response:?}");
            let line =
                response.head.lines().find_map(|line| line.strip_prefix("retry-after: ")).expect("a time to wait");
            assert!((1..=10).contains(&line.trim().parse::<u64>().unwrap()), "{line}");
            refused += 1;
        }
    }
    // One every ten seconds is given back.
    assert!(refused >= 10, "{refused}");
    assert_eq!(stream(&daemon, "203.0.113.7"), 429, "streams of events are counted with WebSockets");
    refused += 1;
    let counted = "tidings_limits_reached_total{limit=\"http.connects_per_minute_per_address\"}";
    daemon.wait_for_figure(counted, |reached| reached == refused);
    // Another address, another house of IPv6, and this machine.
    for other in ["203.0.113.8", "2001:db8:0:1::1", "2001:db8:0:2::1"] {
        assert_eq!(upgrade(&daemon, other).status, 101, "{other}");
    }
    assert_eq!(stream(&daemon, "203.0.113.9"), 200);
    neighbour.was_well();
}

#[test]
fn one_house_of_ipv6_is_one_address() {
    let daemon = Daemon::start(&format!("{PROXIED}connects_per_minute_per_address = 6\n"));
    let answers: Vec<_> = (0..12).map(|at| upgrade(&daemon, &format!("2001:db8::{at:x}")).status).collect();
    assert_eq!(answers[..6], [101; 6]);
    assert!(answers[6..].iter().filter(|status| **status == 429).count() >= 4, "{answers:?}");
}

#[test]
fn an_address_has_so_many_connections_at_once_though_it_says_nothing() {
    let settings = "[limits]\nmessages_per_minute = 0\n[http]\ntrusted_proxies = \"127.0.0.1\"\nproxy_protocol = \"required\"\n\
                    connections_per_address_max = 3\n";
    let daemon = Daemon::start(settings);
    let connect = |from: &str| {
        let mut client = Client::connect(daemon.address);
        client.send(format!("PROXY TCP4 {from} 198.51.100.1 4711 443\r\n").as_bytes());
        client
    };
    let ask = |from: &str| {
        let mut client = connect(from);
        client.send_while_taken(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client.response()
    };
    let mut silent = Vec::new();
    // Who asks takes a place for a moment as well, so that one of the silent may have found none.
    wait_until("its places are taken", || {
        silent.push(connect("203.0.113.7"));
        ask("203.0.113.7").status == 503
    });
    let refused = ask("203.0.113.7");
    assert!(refused.head.contains("retry-after: 5"), "{}", refused.head);
    assert_eq!(ask("203.0.113.8").status, 200, "others have their own");
    drop(silent);
    wait_until("its places are free again", || ask("203.0.113.7").status == 200);
}
