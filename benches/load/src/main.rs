//! tidings-load

fn main() {}
