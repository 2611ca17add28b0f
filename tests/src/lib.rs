//! Tests over real sockets, with clients that we did not write, against the daemon as users get it.
//!
//! This library is what they share: the [`daemon`](daemon::Daemon) as a process of its own, [tokens](token), a
//! [client](client::Client) that is tokio-tungstenite and little more, and [scripts](script::Script) in other languages.
//! Nothing here uses a crate of Tidings: what frames look like and how tokens are signed is said a second time, as a
//! stranger would say it who has read `docs/protocol.md`.
//!
//! The tests with tokio-tungstenite run with every `cargo test`. Those with Python's `websockets`, Node's `ws` and
//! Chromium need the feature `foreign` and what `cargo xtask test` installs; without it they fail, they do not skip.

pub mod client;
pub mod codec;
pub mod cutter;
pub mod daemon;
pub mod environment;
pub mod events;
pub mod random;
pub mod scenarios;
pub mod script;
pub mod token;
