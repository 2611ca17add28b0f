//! A look at a store that no daemon has open: what is in it, whether it is whole, and its compaction.
//!
//! A store that is open elsewhere is refused with [`ErrorKind::Locked`]. Opening one makes sled repair the end of its log,
//! so a copy of a directory that must stay as it is should be looked at instead.
//!
//! [`ErrorKind::Locked`]: crate::error::ErrorKind::Locked

mod compact;
mod report;
mod survey;
#[cfg(test)]
mod tests;

pub use compact::{Compacted, Renewal, compact};
pub use report::{Leaks, Report, Stats};

use crate::disk::SledStore;
use crate::disk::folder::foreign;
use crate::disk::options::Options;
use crate::error::StoreError;
use crate::progress::Progress;
use std::path::Path;
use survey::Survey;

/// Reads every record of a store, and tells what is damaged and what nothing leads to any more.
///
/// # Errors
/// When the store does not open, or cannot be read to its end.
pub fn check(path: &Path, options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Report, StoreError> {
    let store = SledStore::open_existing(path, options)?;
    let survey = Survey::of(&store, store.bytes_live(), progress)?;
    let mut report = survey.report(&store)?;
    let whole = store.damages();
    report.damaged += whole.len() as u64;
    report.damages.splice(0..0, whole);
    report.foreign = foreign(path)?;
    Ok(report)
}

/// The figures of a store.
///
/// # Errors
/// As [`check`].
pub fn stats(path: &Path, options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Stats, StoreError> {
    check(path, options, progress).map(|report| report.stats)
}

/// As [`check`], of a store that is open, for fuzzing.
///
/// # Errors
/// When it cannot be read to its end.
#[cfg(fuzzing)]
pub fn survey(store: &dyn crate::store::Store) -> Result<Report, StoreError> {
    Survey::of(store, 0, &mut |_| ())?.report(store)
}
