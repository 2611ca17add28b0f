//! The limit of open files: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the process needs beside its connections: the log, the listener, what the runtime waits with.
const FILES_BESIDE: u64 = 64;

/// Raises the limit as far as the system allows. Returns how many files may be open; `None` if there is no limit.
pub(crate) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // It fails where the system gives a limit that it does not allow; then the old one stays.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current
}

/// What to tell the operator when the system allows fewer connections than the settings.
pub(crate) fn warning(files_max: Option<u64>, connections_max: usize) -> Option<String> {
    let files_max = files_max?;
    let connections = files_max.saturating_sub(FILES_BESIDE);
    if connections_max as u64 <= connections {
        return None;
    }
    Some(format!(
        "the system lets this process open {files_max} files, so about {connections} connections at once, not \
         limits.connections_max = {connections_max}; raise the hard limit (`ulimit -Hn`, LimitNOFILE of systemd)"
    ))
}

#[cfg(test)]
mod tests {
    use super::warning;

    #[test]
    fn the_operator_is_told_when_files_will_not_do() {
        assert_eq!(warning(None, usize::MAX), None);
        assert_eq!(warning(Some(1_064), 1_000), None);
        let text = warning(Some(1_063), 1_000).unwrap();
        assert!(text.contains("1063 files") && text.contains("999 connections"), "{text}");
        assert!(warning(Some(10), 1).unwrap().contains("about 0"));
    }
}
