//! unix-json

fn main() {}
