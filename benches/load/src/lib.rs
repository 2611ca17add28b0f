//! The load generator of Tidings: any number of connections from one thread, and what they cost the server.
//!
//! The program is `tidings-load`; `tidings-load --help` tells what it can do. This library holds its parts:
//!
//! - [`driver`] is the loop: one thread, one epoll, edge-triggered. It opens the connections of a [`target`], reads
//!   into one buffer that all of them share, and finds [`ws`] frames and the [`marker`] in each message where they lie.
//! - [`plan`] says when messages are sent: in a closed loop with so many in flight, or in an open loop at fixed times,
//!   where latency counts from when a message was *due*, so that a server that stalls cannot hide it.
//! - [`book`] finds loss, duplicates, wrong order and wrong addressees; [`measure`] runs a plan and reads CPU time and
//!   memory of the server's [`process`].
//! - [`fanout`], [`unicast`], [`idle`], [`connect`] and [`mod@comeback`] are the scenarios.
//! - [`attack`] is what a few do who mean harm, while the others are measured.
//! - [`floor`] is what a server is compared with: a raw epoll loop that does the least that any server must do.
//! - [`mod@bench`] runs the floor and a daemon in turn, in the same run, and prints ratios. Absolute figures move with the
//!   machine; ratios of neighbouring runs do not.
//!
//! # What the figures mean
//!
//! *CPU for each delivery* is user and system time of the server's threads, from the scheduler's own counters,
//! divided by the messages received. *Memory for each connection* is the growth of the resident set from a server
//! without connections to one with all of them, divided by their number; the kernel's socket buffers are not in it.

pub mod attack;
pub mod bench;
pub mod book;
pub mod cli;
pub mod codec;
pub mod comeback;
pub mod command;
pub mod connect;
pub mod connection;
pub mod driver;
pub mod fanout;
pub mod floor;
pub mod idle;
pub mod latency;
pub mod machine;
pub mod marker;
pub mod measure;
pub mod plan;
pub mod presence;
pub mod process;
pub mod progress;
pub mod run;
pub mod server;
pub mod source;
pub mod table;
pub mod tally;
pub mod target;
pub mod token;
pub mod unicast;
pub mod watch;
pub mod ws;
