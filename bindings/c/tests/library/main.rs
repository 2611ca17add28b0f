//! The library as C programs have it: built, linked with and run, in every way that the header promises.
//!
//! `cargo xtask test` runs these with the feature `planted-panics`; they need a C and a C++ compiler.

mod chat;
mod compiler;
mod header;
mod programs;
mod socket;
