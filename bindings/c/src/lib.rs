//! The engine for every language that can call C.
//!
//! A host starts an engine, which has threads of its own, and polls it: everything that the host hears comes as events, in
//! batches that it owns. Questions are events as well; whichever thread knows the answer gives it. Data never flow through a
//! callback. `docs/c-api.md` tells the life of an engine, and `include/tidings.h`, which is written from this source by
//! `cargo xtask header`, says of each function which thread, who owns, and whether it blocks.
//!
//! Inside, a call crosses the [`border`], where panics end and an engine that has failed, was stopped, or belongs to another
//! process is found out. What the caller points at is read in [`memory`], and nowhere else. What the engine tells its host goes
//! through one bounded [`queue`]; what it asks, through the [`bridge`]; and whatever outlives a call is named by a number with
//! a generation ([`slots`]), so that one that is kept too long is an error and never another thing.

#![allow(
    clippy::missing_safety_doc,
    reason = "what each function wants of its caller stands in the header's own words: thread, owner, length"
)]

pub mod answers;
pub mod batch;
mod border;
mod bridge;
pub mod code;
pub mod config;
mod doors;
mod draft;
pub mod engine;
pub mod event;
mod fork;
pub mod inspect;
pub mod life;
pub mod listen;
pub mod local;
mod locals;
mod logs;
pub mod memory;
pub mod message;
pub mod owned;
pub mod presence;
mod present;
pub mod publish;
mod queue;
pub mod ready;
mod reentry;
mod requests;
mod revocations;
pub mod revoke;
pub mod send;
mod sessions;
mod settings;
mod slots;
pub mod stats;
pub mod status;
pub mod steer;
pub mod version;
