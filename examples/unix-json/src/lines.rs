//! From bytes to lines.

/// A line is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Cuts what comes in into lines. Between lines it holds no memory; within one, what has arrived of it.
#[derive(Debug)]
pub(crate) struct Lines {
    unfinished: Vec<u8>,
    bytes_max: usize,
}

impl Lines {
    /// Lines of at most `bytes_max` bytes, their end not counted.
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { unfinished: Vec::new(), bytes_max }
    }

    /// Hands every whole line to `sink`, without its end.
    ///
    /// # Errors
    /// A line is too long, finished or not. Those before it were handed out.
    pub(crate) fn take(&mut self, mut bytes: &[u8], mut sink: impl FnMut(&[u8])) -> Result<(), TooLong> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.unfinished.len() + line.len() > self.bytes_max {
                return Err(TooLong);
            }
            if self.unfinished.is_empty() {
                sink(line);
            } else {
                self.unfinished.extend_from_slice(line);
                sink(&std::mem::take(&mut self.unfinished));
            }
        }
        if self.unfinished.len() + bytes.len() > self.bytes_max {
            return Err(TooLong);
        }
        self.unfinished.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, TooLong};

    fn cut(bytes_max: usize, reads: &[&str]) -> (Vec<String>, Result<(), TooLong>) {
        let (mut lines, mut found) = (Lines::new(bytes_max), Vec::new());
        let sink = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
        let result = reads.iter().try_for_each(|read| lines.take(read.as_bytes(), |line| found.push(sink(line))));
        (found, result)
    }

    #[test]
    fn lines_are_found_wherever_reads_cut_them() {
        let text = "a\n\nbc\ndef\n";
        for at in 0..text.len() {
            for more in at..text.len() {
                let reads = [&text[..at], &text[at..more], &text[more..]];
                assert_eq!(cut(3, &reads).0, ["a", "", "bc", "def"], "{reads:?}");
            }
        }
        assert!(cut(3, &["abc"]).0.is_empty());
    }

    #[test]
    fn a_long_line_is_refused_before_its_end() {
        assert_eq!(cut(3, &["abcd"]).1, Err(TooLong));
        assert_eq!(cut(3, &["abc", "d"]).1, Err(TooLong));
        assert_eq!(cut(3, &["ok\nabc", "d\n"]), (vec!["ok".into()], Err(TooLong)));
        assert_eq!(cut(3, &["ab", "c\n"]), (vec!["abc".into()], Ok(())));
    }
}
