//! The rules of Tidings as pure state machines.
//!
//! Nothing here reads a clock, starts a task, takes a lock or opens a socket. A call takes what happened and the time it
//! happened at, changes its own state, and hands what must follow to a sink that the caller brings: the engine's sink
//! writes into outboxes, a simulator's records. So the same calls in the same order always give the same result.
//!
//! * [`session`]: one connection's session: who it is, what it may do, how fast, what it waits for.
//! * [`stream`]: one channel or one user's inbox: offsets, members, who has fallen behind, and [`history`].
//! * [`disk`]: what a durable stream knows of its part on disk. [`keys`]: which publications came before.
//! * [`presence`]: who is there, on which devices, and who is told of it.
//! * [`ask`]: the questions that only the host can answer, and its answers.
//! * [`grants`], [`policy`]: rights of a user, rules of a namespace.
//! * [`rate`], [`time`], [`limit`]: what they need.

pub mod ask;
mod devices;
pub mod disk;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod grants;
pub mod history;
pub mod keys;
pub mod limit;
mod members;
pub mod policy;
pub mod presence;
pub mod rate;
mod salt;
pub mod session;
pub mod stream;
pub mod time;
