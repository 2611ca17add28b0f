//! The file of revocations: one object of JSON a line, the latest last.
//!
//! A file of its own rather than records of the store: it is read whole at the start, before anybody connects, is a few
//! lines long, can be read by a person, and is there for hosts whose engine keeps nothing else on disk.

use crate::error::AuthError;
use crate::revocation::Revocation;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes: what the most revocations with the longest names take, twice over.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
    /// A write has failed and may have left half a line.
    is_torn: bool,
}

/// What stands in the file; nothing if there is none. A last line that a crash cut short was never confirmed, and is passed
/// over; any other that can't be read stops the start, for a revocation must not be lost without a word.
pub(crate) fn read(path: &Path) -> Result<Vec<Revocation>, AuthError> {
    let shown = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AuthError::File(format!("can't read the revocations in {shown}: {error}"))),
    };
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| AuthError::File(format!("can't read the revocations in {shown}: {error}")))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(AuthError::File(format!("the file of revocations, {shown}, has more than {FILE_BYTES_MAX} bytes")));
    }
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = bytes[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_slice(line).map_err(|error| {
                let at = at + 1;
                AuthError::File(format!(
                    "the revocations in {shown}, line {at}, can't be read: {error}; mend the line, or move the file away, \
                     which makes the tokens that it names good again"
                ))
            })
        })
        .collect()
}

impl Journal {
    /// The file with these revocations alone.
    pub(crate) fn rewrite(path: &Path, all: impl Iterator<Item = Revocation>) -> Result<Self, AuthError> {
        let (file, lines) = write(path, all)
            .map_err(|error| AuthError::File(format!("can't write the revocations to {}: {error}", path.display())))?;
        Ok(Self { path: path.to_owned(), file, lines, is_torn: false })
    }

    /// The same while it is in use.
    pub(crate) fn replace(&mut self, all: impl Iterator<Item = Revocation>) -> io::Result<()> {
        (self.file, self.lines) = write(&self.path, all)?;
        self.is_torn = false;
        Ok(())
    }

    /// One more, on disk when this returns.
    pub(crate) fn append(&mut self, revocation: &Revocation) -> io::Result<()> {
        let mut line = Vec::new();
        serde_json::to_writer(&mut line, revocation)?;
        line.push(b'\n');
        self.is_torn = true;
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.is_torn = false;
        self.lines += 1;
        Ok(())
    }

    /// Whether a write has failed, so that the file must be written anew.
    pub(crate) const fn is_torn(&self) -> bool {
        self.is_torn
    }

    pub(crate) const fn lines(&self) -> usize {
        self.lines
    }
}

/// Writes a file beside it, and puts that in its place once it is on disk.
fn write(path: &Path, all: impl Iterator<Item = Revocation>) -> io::Result<(File, usize)> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut bytes = Vec::new();
    let mut lines = 0;
    for revocation in all {
        serde_json::to_writer(&mut bytes, &revocation)?;
        bytes.push(b'\n');
        lines += 1;
    }
    let mut file = options.open(&beside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok((file, lines))
}
