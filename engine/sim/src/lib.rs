//! A simulator that proves what Tidings promises.
//!
//! One process, one thread, virtual time, and everything random from one seed. Clients, network, disk, clock and crashes
//! are simulated; the sessions, streams and keys of `tidings-core` and the archive of `tidings-store` are the real ones, in
//! a small shell that does with them what the engine does. So a seed is a whole life: chaos for some seconds, then nothing
//! goes wrong any more, and everything must become quiet with everybody having everything that was promised.
//!
//! * [`world`]: the loop, what goes wrong, and how it must end. [`bug`]: what is planted to see that it is found.
//! * `plan`: who is in the world of a seed, and its limits. `net`, `disk`: what fails.
//! * `server`: the shell. `client`: who uses it, and is strict about what it is told.
//! * `oracle`: what was promised. [`trace`]: what happened. [`tally`]: how often.
//!
//! The same seed gives the same life on every machine: nothing here reads a clock or asks for chance.

mod agenda;
mod body;
pub mod bug;
mod client;
mod disk;
mod fact;
mod frames;
mod known;
mod name;
mod net;
mod oracle;
mod plan;
mod random;
mod server;
pub mod tally;
pub mod trace;
pub mod world;
