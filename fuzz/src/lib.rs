//! What a fuzzer throws at everything that reads what somebody else wrote, and what must hold of it.
//!
//! Each module has one function, `run`, which takes any bytes and panics when a promise is broken. `cargo xtask fuzz`
//! builds them instrumented and runs them; `CONTRIBUTING.md` says how.
//!
//! * [`json`], [`msgpack`]: frames of clients. [`data`]: their data, through both codecs and back.
//! * [`websocket`]: frames of WebSocket, whole and cut anywhere. [`handshake`]: HTTP requests. [`origins`]: lists of origins.
//! * [`sse`]: requests for server-sent events. [`preface`], [`forwarded`]: what proxies say of the client. [`api`]: calls of the
//!   HTTP API. [`hook`]: an application's answers.
//! * [`token`]: tokens, signed rightly and not. [`pattern`], [`names`]: rights and names.
//! * [`records`], [`archive`], [`sled`]: what is read from the disk.
//! * [`session`], [`stream`], [`durable`]: the state machines against the models of their tests.

pub mod api;
pub mod archive;
pub mod data;
pub mod durable;
pub mod forwarded;
pub mod handshake;
pub mod hook;
pub mod json;
pub mod msgpack;
pub mod names;
pub mod origins;
pub mod pattern;
pub mod preface;
pub mod records;
pub mod session;
pub mod sled;
pub mod sse;
pub mod stream;
pub mod token;
pub mod websocket;

mod frames;
mod seal;
