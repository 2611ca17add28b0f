//! Where a request came from.

use std::net::SocketAddr;

/// The other end of a request's connection, among the extensions of every request that [`crate::serve`] hands on. Behind a
/// proxy that is the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);
