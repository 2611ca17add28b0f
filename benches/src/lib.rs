//! tidings-bench
