//! Disks whose power can be cut.
//!
//! A sparse file holds XFS with reflink; in it lies an image with ext4 that is mounted as the daemon's disk. A clone of
//! the image is then an atomic picture of what had reached the device at one moment, which is what a power cut leaves.
//! Mounting the clone replays ext4's journal, as a boot would.
//!
//! * [`mod@bench`]: the XFS and the images in it. [`image`]: one disk and its cuts. [`mount`]: a mount that ends with its
//!   value.

pub(crate) mod bench;
pub(crate) mod image;
pub(crate) mod mount;
