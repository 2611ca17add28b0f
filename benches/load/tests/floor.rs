//! Every scenario, driven against the floor server with few connections.

use serde_json::Value;
use std::process::{Command, Output};

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidings-load"))
        .args(["--spawn", "floor", "--json", "--quiet"])
        .args(arguments)
        .env_remove("JWT_SECRET")
        .output()
        .expect("the program starts")
}

fn passed(arguments: &[&str]) -> Value {
    let output = load(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

#[test]
fn fanout_in_a_closed_loop_delivers_all() {
    for codec in ["json", "msgpack"] {
        let result = passed(&["--codec", codec, "fanout", "-n", "50", "--window", "8", "--messages", "200"]);
        assert_eq!(result["deliveries"], 50 * 200);
        assert_eq!(result["latency"]["count"], 50 * 200);
        assert_eq!(result["frame_bytes"], 220);
        assert!(result["cpu_us_per_delivery"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn fanout_in_an_open_loop_keeps_its_times() {
    let result = passed(&["fanout", "-n", "20", "--rate", "100", "--messages", "50", "--payload", "300"]);
    assert_eq!(result["deliveries"], 20 * 50);
    assert!(result["seconds"].as_f64().unwrap() >= 0.49);
    assert!(result["frame_bytes"].as_u64().unwrap() > 300);
}

#[test]
fn slow_subscribers_are_not_counted_and_their_fate_is_told() {
    let arguments = ["fanout", "-n", "20", "--slow", "3", "--window", "64", "--messages", "20000"];
    let result = passed(&arguments);
    assert_eq!(result["deliveries"], 17 * 20_000);
    assert_eq!(result["slow"]["slow"], 3);
    assert_eq!(result["slow"]["open"], 3, "the floor skips and closes nobody");
}

#[test]
fn unicast_reaches_each_addressee() {
    let result = passed(&["unicast", "-n", "40", "--messages", "2000", "--window", "16"]);
    assert_eq!(result["deliveries"], 2_000);
    assert_eq!(result["faults"]["misdelivered"], 0);
}

#[test]
fn idle_tells_memory_after_messages_in_several_channels() {
    let result = passed(&["idle", "-n", "60", "--channels", "7", "--messages", "5"]);
    assert_eq!(result["connections"], 60);
    assert!(result["rss_kib_idle"].as_u64().unwrap() > 0);
}

#[test]
fn connect_tells_time_and_latency() {
    for extra in [&[][..], &["--close", "--pipelined"]] {
        let result = passed(&[&["connect", "-n", "100", "--parallel", "4"], extra].concat());
        assert_eq!(result["latency"]["count"], 100);
        assert!(result["cpu_us_each"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_tidings-load"))
        .args(["--quiet", "--server", "ws://127.0.0.1:1/ws", "--token", "t", "fanout", "-n", "2"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot"), "{output:?}");
}

#[test]
fn a_comeback_needs_a_server_that_keeps_things() {
    let output = load(&["comeback", "-n", "2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("keeps nothing"), "{output:?}");
}
