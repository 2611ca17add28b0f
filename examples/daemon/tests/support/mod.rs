//! The real daemon, the tools in the same binary, and clients that do as they are told.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod api;
#[path = "../../../../transports/tests/support/client.rs"]
pub(crate) mod client;
pub(crate) mod daemon;
pub(crate) mod neighbour;
pub(crate) mod proxy;
pub(crate) mod session;
pub(crate) mod tool;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a test waits for at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A secret that nothing may print.
pub(crate) const SECRET: &str = "d41d8cd98f00b204e9800998ecf8427e-secret";

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never so: {what}");
        sleep(Duration::from_millis(10));
    }
}
