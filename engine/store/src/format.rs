//! Which format a store is written in, and the way from an older one.

use crate::error::{ErrorKind, StoreError};
use crate::record::Format;
use crate::store::{Store, Write};
use crate::{key, record};
use std::ops::ControlFlow;

/// The format that this release writes.
pub(crate) const CURRENT: u32 = 1;

/// One step takes a store from a format to the next. A step may be cut short by a crash and then runs again from its
/// beginning, so it must bear meeting its own work; the format record changes behind it.
type Step = fn(&dyn Store) -> Result<(), StoreError>;

/// The step at place n leads from format n + 1 to n + 2.
const STEPS: [Step; CURRENT as usize - 1] = [];

/// Reads the format record. `None` is a store that holds nothing at all.
///
/// # Errors
/// When there are records and none says what they are, or it is damaged or from a newer release.
pub(crate) fn read(store: &dyn Store) -> Result<Option<Format>, StoreError> {
    let Some(value) = store.get(key::FORMAT)? else {
        let mut is_empty = true;
        store.scan(key::ALL.0, key::ALL.1, &mut |_, _| {
            is_empty = false;
            ControlFlow::Break(())
        })?;
        if is_empty {
            return Ok(None);
        }
        return Err(StoreError::new(
            ErrorKind::Damaged,
            "the store holds records, and not the one that says its format",
        ));
    };
    let format = record::read_format(&value)
        .map_err(|_| StoreError::new(ErrorKind::Damaged, "the record that says the store's format is damaged"))?;
    if format.version > CURRENT {
        let what = format!("the store has format {}, and this release knows formats up to {CURRENT}", format.version);
        return Err(StoreError::new(ErrorKind::Version, what));
    }
    Ok(Some(format))
}

/// Makes the store one of the current format: an empty one gets `id`, an older one is migrated. Returns its id.
///
/// # Errors
/// As [`read`], and when it cannot be written.
pub(crate) fn settle(store: &dyn Store, id: u64) -> Result<u64, StoreError> {
    let Some(found) = read(store)? else {
        write(store, Format { version: CURRENT, id })?;
        return Ok(id);
    };
    for version in found.version..CURRENT {
        STEPS[version as usize - 1](store)?;
        write(store, Format { version: version + 1, id: found.id })?;
    }
    Ok(found.id)
}

fn write(store: &dyn Store, format: Format) -> Result<(), StoreError> {
    let mut value = Vec::new();
    record::write_format(format, &mut value);
    store.write(&[Write::Put { key: key::FORMAT.to_vec(), value }])?;
    store.sync()
}
