//! The HTTP API of an engine, for an application's own servers.
//!
//! * [`service`]: a request's way from its key to its answer. [`route`]: what is at which address, and which right it wants.
//! * [`keys`]: who may ask. [`limits`], [`paces`]: how much, and how fast. [`problem`]: every refusal, in one shape.
//! * [`body`], [`path`]: what comes in, checked. [`form`]: names, in the form that the protocol allows. [`reply`]: what
//!   goes out.
//! * [`publish`], [`send`], [`channels`], [`users`], [`sessions`], [`presence`], [`stats`]: the
//!   calls. [`document`]: all of them as OpenAPI.

mod body;
mod call;
pub(crate) mod channels;
pub(crate) mod document;
mod form;
pub(crate) mod keys;
pub(crate) mod limits;
mod paces;
mod path;
pub(crate) mod presence;
mod problem;
pub(crate) mod publish;
mod reply;
mod route;
pub(crate) mod send;
pub(crate) mod service;
pub(crate) mod sessions;
pub(crate) mod stats;
pub(crate) mod users;
