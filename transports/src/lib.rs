//! The ways in and out: WebSocket and server-sent events over HTTP, and what bounds a peer.
//!
//! [`serve`] runs an HTTP/1.1 server, in which [`Gateway`] makes sessions of an engine out of WebSockets, and [`Sse`] out of
//! requests for server-sent events. Below the first, [`Handshake`] turns a request into a [`Connection`], and [`WebSocket`]
//! speaks with the peer. [`Gateway`], [`Handshake`] and [`WebSocket`] work behind every server built on hyper, [`Sse`] in [`serve`] alone. [`Decoder`] and [`Stream`] are what they are made of.
//!
//! Everything that a peer sends is checked here before anything else sees it, nothing is allocated on its word,
//! and [`Limits`] holds every number that bounds it.

mod api;
mod cors;
mod door;
mod encrypted;
mod expiry;
mod failures;
mod forwarded;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
mod impatient;
mod limits;
mod options;
mod origin;
mod peer;
mod preface;
mod proxies;
mod seat;
mod sse;
mod takeover;
mod tls;
mod visitors;
mod ws;

pub use api::{
    document::openapi_json,
    keys::{ApiKey, ApiKeys, Right},
    limits::ApiLimits,
    service::Api,
};
pub use cors::Cors;
pub use http::serve;
pub use limits::Limits;
pub use options::Options;
pub use origin::{OriginError, Origins};
pub use peer::Peer;
pub use proxies::{Proxies, ProxiesError, ProxyHeader, ProxyProtocol};
pub use seat::Seat;
pub use sse::gateway::Sse;
pub use takeover::TakeOver;
pub use tls::{Tls, TlsError};
pub use visitors::{Visitors, Visits};
pub use ws::{
    close::{is_legal_close_code, push_close_frame},
    decode::{Decoded, Decoder},
    encode::{Header, Kind, push_frame},
    error::Error,
    gateway::Gateway,
    handshake::{Accepted, Handshake, Rejection},
    incoming::Incoming,
    message::Message,
    outgoing::Outgoing,
    socket::WebSocket,
    stream::Stream,
    upgrade::{Connection, Upgrade, UpgradeError},
    violation::Violation,
};
