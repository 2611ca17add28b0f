//! A look at a store that no daemon has open.
