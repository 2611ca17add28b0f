//! tidings-transports
