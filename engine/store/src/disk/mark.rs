//! A file beside the database that says how far it had come: how a database is known that was cut short, or that is from
//! another time than the rest of its directory.
//!
//! The mark is written behind every sync and is not synced itself: it never says more than the database holds, and after
//! a power cut it may say less.

use crate::error::StoreError;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The file's name.
pub(crate) const NAME: &str = "mark";
const BYTES: usize = 12;

/// The open file.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
}

impl Mark {
    /// Opens a generation's mark, and reads how many syncs it tells of: none if it is new, or torn.
    pub(crate) fn open(generation: &Path) -> Result<(Self, u64), StoreError> {
        let path = generation.join(NAME);
        let failed = |error| StoreError::io(format!("could not open {}", path.display()), error);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let mut bytes = [0; BYTES];
        let syncs = match file.read_exact(&mut bytes) {
            Ok(()) => read(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(failed(error)),
        };
        Ok((Self { file }, syncs))
    }

    /// Says that the database has seen this many syncs.
    pub(crate) fn write(&self, syncs: u64) -> Result<(), StoreError> {
        let number = syncs.to_le_bytes();
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&number);
        bytes[8..].copy_from_slice(&crc32fast::hash(&number).to_le_bytes());
        self.file.write_all_at(&bytes, 0).map_err(|error| StoreError::io("could not write the store's mark", error))
    }
}

fn read(bytes: [u8; BYTES]) -> u64 {
    let Some((number, sum)) = bytes.split_first_chunk::<8>() else { return 0 };
    if crc32fast::hash(number).to_le_bytes() == sum { u64::from_le_bytes(*number) } else { 0 }
}
