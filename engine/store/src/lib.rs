//! What Tidings keeps on disk, and how it gets there and back.
//!
//! Two storeys. Below, a [`store`] maps ordered bytes to bytes: it takes writes in an order, and a barrier after which all
//! of them are on the device. A crash before the barrier leaves the first so many of them, never a later one without an
//! earlier one. There are three: [`disk`] on sled, [`memory`] for tests and simulations, and [`faulty`], which fails when
//! a test tells it to.
//!
//! Above, the [`archive`] knows streams, entries, heads and idempotency keys. Its records carry a version and a checksum,
//! so that a damaged one is told and takes nothing else with it. It takes every [`op::Op`] apart into writes whose order
//! makes each prefix of them a consistent store; what a crash can cost at most is space that [`check`] finds again.
//!
//! * [`store`]: the seam between the two. [`error`]: what can go wrong, and what to do about it.
//! * [`memory`], [`disk`], [`faulty`]: the stores.
//! * [`archive`]: streams on disk. [`op`]: what is written to it.
//! * [`check`]: a look at a store that no daemon has open, its figures, and its compaction. [`progress`]: how far it is.
//!
//! Nothing here waits but for the disk, and nothing starts a task: the engine calls from a thread that may block.

pub mod archive;
pub mod check;
pub mod disk;
pub mod error;
pub mod faulty;
mod format;
mod key;
pub mod memory;
pub mod op;
pub mod progress;
mod record;
pub mod store;
