//! Keys and records that somebody else has written, each with a good checksum: an archive on them opens or says why not,
//! and everything that it gives out is whole or told as damaged.

use crate::seal::seal;
use std::sync::Arc;
use tidings_proto::kept::Kind;
use tidings_store::archive::Archive;
use tidings_store::memory::MemoryStore;
use tidings_store::store::{KEY_BYTES_MAX, Store, Write};

/// Pages of so many bytes.
const PAGE_BYTES: usize = 4 * 1024;
const NAMES_MAX: usize = 64;

/// Pairs of a length, a key, a length, a body.
pub fn run(bytes: &[u8]) {
    let store = MemoryStore::default();
    // A store that is open knows itself.
    drop(Archive::open(Arc::new(store.clone()), 1).expect("an empty store opens"));
    let mut rest = bytes;
    while let (Some(key), Some(body)) = (part(&mut rest), part(&mut rest)) {
        if key.is_empty() || key.len() > KEY_BYTES_MAX || key[0] == 0xff {
            continue;
        }
        let write = Write::Put { key: key.to_vec(), value: seal(key, body) };
        store.write(&[write]).expect("a store in memory takes it");
    }
    let Ok(archive) = Archive::open(Arc::new(store.clone()), 1) else { return };
    read(&archive);
    #[cfg(fuzzing)]
    drop(tidings_store::check::survey(&store));
}

/// Reads all that can be found.
pub(crate) fn read(archive: &Archive) {
    let mut after: Option<(Kind, Box<str>)> = None;
    loop {
        let from = after.as_ref().map(|(kind, name)| (*kind, &**name));
        let Ok(names) = archive.names(from, NAMES_MAX) else { return };
        for (kind, name) in &names {
            let Ok(Some(kept)) = archive.load(*kind, name) else { continue };
            let mut reached = 0;
            while let Ok(page) = archive.page(kept.head.stream, reached + 1, u64::MAX, PAGE_BYTES) {
                assert!(page.entries.windows(2).all(|two| two[0].offset < two[1].offset), "in order");
                if page.reached <= reached || page.reached == u64::MAX {
                    break;
                }
                reached = page.reached;
            }
        }
        if names.len() < NAMES_MAX {
            break;
        }
        after = names.last().cloned();
    }
    drop(archive.keys(0));
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, more) = rest.split_first()?;
    let (part, more) = more.split_at_checked(usize::from(*length))?;
    *rest = more;
    Some(part)
}
