//! tidings-auth
