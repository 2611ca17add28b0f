//! Streams whose entries wait for the disk.
