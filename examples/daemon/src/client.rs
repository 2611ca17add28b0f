//! A client of a server: enough of one for a terminal.

pub(crate) mod address;
pub(crate) mod backoff;
pub(crate) mod commands;
pub(crate) mod frames;
pub(crate) mod identity;
pub(crate) mod session;
pub(crate) mod trust;
