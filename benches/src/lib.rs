//! Measurements of single parts of the engine, by Criterion: `cargo bench -p tidings-bench`.
//!
//! The whole product under load is measured by `tidings-load`.
