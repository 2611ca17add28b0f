//! What a peer may try over a real socket against the real daemon, and what it gets. Each attempt has a neighbour whose
//! deliveries must go on.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod api;
mod channels;
mod commands;
mod floods;
mod frames;
mod guesses;
mod handshake;
mod keys;
mod positions;
mod proxies;
mod rates;
mod receivers;
mod refreshes;
mod storms;
mod tls;
mod tokens;
mod trial;
mod trust;
