//! An embeddable realtime engine: it knows who is connected, delivers events to them at once, and says honestly what
//! became of them.
//!
//! Start an [`Engine`] with a [`Config`](config::Config) and a [`Host`](host::Host) that answers its questions: whose is
//! this token, may this user subscribe, publish, call. Then mount a transport (`tidings-transports` has WebSocket and SSE), or
//! connect sessions in the same process:
//!
//! ```
//! use tidings::config::Config;
//! use tidings::host::{Admission, ConnectAsk, Denial, Host};
//! use tidings::{Data, Engine, Grants};
//!
//! struct Names;
//!
//! impl Host for Names {
//!     async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
//!         Ok(Admission::new(ask.token).grants(Grants::all()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(Config::default(), Names)?;
//! let alice = engine.connect_local()?;
//! alice.send(r#"{"id":1,"connect":{"token":"alice"}}"#);
//! alice.send(r#"{"id":2,"subscribe":{"channel":"messaging:lobby"}}"#);
//! assert!(alice.receive().await.is_some_and(|line| line.contains("connected")));
//! assert!(alice.receive().await.is_some_and(|line| line.contains("subscribed")));
//!
//! engine.publish("messaging:lobby", "NEW_MESSAGE", &Data::new(&"hi")?)?;
//! assert!(alice.receive().await.is_some_and(|line| line.contains(r#""data":"hi""#)));
//! engine.shutdown(std::time::Duration::from_secs(1)).await;
//! # Ok(())
//! # }
//! ```
//!
//! Inside, the pure rules of `tidings-core` are driven by a shell of locks, queues and tasks: lock one cell, make one
//! pure call, unlock, do the effects. `ARCHITECTURE.md` shows the way of a publication and the rule of the locks.

mod behind;
mod cell;
mod clock;
mod commit;
mod committer;
pub mod config;
mod conn;
mod directory;
mod disk;
mod engine;
pub mod error;
mod fan;
mod flush;
mod forgotten;
mod grant_sets;
pub mod host;
mod identities;
pub mod inspect;
mod landing;
pub mod link;
pub mod local;
pub mod message;
mod outbox;
mod paces;
mod past;
mod place;
pub mod port;
pub mod presence;
mod publish;
mod random;
mod reader;
mod resume;
mod send;
mod sessions;
mod share;
mod shared;
pub mod stats;
mod steer;
mod streams;
mod sync;
mod tasks;
mod telling;
mod timers;
mod turn;
mod upkeep;
mod waiting;
mod wish;

pub use engine::Engine;
pub use publish::PublishedAt;
pub use send::{SentTo, SentToMany};
pub use tidings_core::grants::Grants;
pub use tidings_proto::code::Code;
pub use tidings_proto::frame::Level;
pub use tidings_proto::pattern::Pattern;
pub use tidings_proto::payload::{Codec, Data, DataError};
