//! embed

fn main() {}
