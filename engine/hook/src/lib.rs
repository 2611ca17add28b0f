//! A host that is asked over HTTP: the engine's questions as signed requests, for applications in any language.
//!
//! [`Hooked`] is a [`Host`](tidings::host::Host). It sends the questions that [`Options::questions`] names to one address of
//! the application's, and leaves the others to another host, such as one that checks tokens. `docs/hook.md` describes what
//! is sent and what is answered.
//!
//! What cannot be asked is a no. An answer counts only if it is a 2xx, small, and exactly of the form that was asked for;
//! everything else (another status, a redirect, silence, half an answer) is denied with a code that lets clients try again.
//!
//! An application that is slow or gone costs little:
//!
//! * A try ends after [`Options::timeout_ms`], a question with all its tries after [`Options::deadline_ms`], which should be
//!   less than the engine's own limit.
//! * At most [`Bounds::requests_max`] requests are on their way, and at most [`Bounds::waiting_max`] questions wait for one
//!   to come back.
//! * After [`Bounds::failures_max`] failures in a row nobody is asked for [`Bounds::pause_ms`]: then one question tries.
//! * What is safe to ask twice is asked again after a failure, [`Options::retries`] times, each time later and never at the
//!   same moment as all others.

mod answer;
mod breaker;
mod client;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hooked;
mod options;
mod question;
mod signature;

pub use client::Hook;
pub use error::HookError;
pub use hooked::Hooked;
pub use options::{Bounds, Options};
pub use question::{Kind, Questions};
pub use signature::Secret;
