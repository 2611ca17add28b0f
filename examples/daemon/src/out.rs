//! Words for the person at the terminal. Whoever has stopped reading them does not stop the program.

use std::fmt;
use std::io::{self, Write as _};

/// Prints lines to standard output.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn print(text: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a line to standard error, as far as somebody reads it.
pub(crate) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A text with everything escaped, as in JSON, that could act on a terminal or pass for another line.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' | '\r' | '\n' => plain.push(' '),
            _ if acts(character) => plain.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => plain.push(character),
        }
    }
    plain
}

/// Control characters, line separators, and what turns the direction of writing.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(plain("{\"a\":\"zo\u{eb} \u{1F600}\"}"), "{\"a\":\"zo\u{eb} \u{1F600}\"}");
        assert_eq!(plain("a\r\n\tb"), "a   b");
        assert_eq!(plain("\u{1b}[31m\u{9b}m\u{202e}\u{2028}\u{7f}"), "\\u001b[31m\\u009bm\\u202e\\u2028\\u007f");
    }
}
