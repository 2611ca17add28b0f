//! tidings-proto
