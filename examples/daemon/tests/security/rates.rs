//! Rows 9 and 17: rates, of a user over all devices and comebacks.

use crate::support::daemon::Daemon;
use crate::support::session::Session;
use serde_json::json;
use std::time::Instant;

#[test]
fn coming_back_or_another_device_gives_a_user_nothing_anew() {
    let daemon = Daemon::start("[limits]\nmessages_per_minute = 60\n");
    let publish = json!({"id": 1, "publish": {"channel": "realtime:a", "event": "E", "data": 1}});
    let began = Instant::now();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..4 {
        let mut devices = [Session::connect(&daemon, "mallory"), Session::connect(&daemon, "mallory")];
        for at in 0..60 {
            let answer = devices[at % 2].ask(&publish);
            if answer["published"].is_object() {
                taken += 1;
                continue;
            }
            assert_eq!(answer["error"]["name"], "rate_limited", "{answer}");
            assert!((1..=1_000).contains(&answer["error"]["retry_after_ms"].as_u64().unwrap()), "{answer}");
            refused += 1;
        }
    }
    let given_back = began.elapsed().as_secs() + 1;
    assert!((60..=60 + given_back).contains(&taken), "{taken} taken, {refused} refused");
    let counted = "tidings_limits_reached_total{limit=\"limits.messages_per_minute\"}";
    daemon.wait_for_figure(counted, |reached| reached == refused);
    // Who has done nothing has all of its own.
    let answer = Session::connect(&daemon, "alice").ask(&publish);
    assert!(answer["published"].is_object(), "{answer}");
}
