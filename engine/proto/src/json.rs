//! Reading JSON data (RFC 8259) without building it, and writing the few values that frames need.
//!
//! Data is checked, and rewritten as MessagePack, by one walk over its text. serde_json is left to the envelope: how it
//! shows numbers and some keys to a visitor depends on features that any crate of the host's may turn on, and what a
//! peer sends must not be read differently for that.

use crate::data_error::DataError;
use crate::key_set::KeySet;
use crate::limit::DATA_DEPTH_MAX;
use serde::Serialize;

/// Checks one JSON value: syntax, UTF-8, keys that differ, numbers in range, no deeper than [`DATA_DEPTH_MAX`].
pub(crate) fn check(text: &[u8]) -> Result<(), DataError> {
    walk(text, &mut Check)
}

/// Appends one checked JSON value so that no line ends inside it. A raw line feed or carriage return is white space
/// between tokens, since strings hold them only escaped.
pub(crate) fn append_on_one_line(text: &[u8], out: &mut Vec<u8>) {
    if text.contains(&b'\n') || text.contains(&b'\r') {
        out.extend(text.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    } else {
        out.extend_from_slice(text);
    }
}

/// Appends a value. Only for values whose serialisation cannot fail: numbers, strings, frames of them.
pub(crate) fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("writing numbers and strings to memory does not fail");
}

/// Appends an unsigned integer.
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u64) {
    put(out, &number);
}

/// A JSON number as the three kinds that MessagePack has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Uint(u64),
    Int(i64),
    Float(f64),
}

/// What is done with the values of a walk.
pub(crate) trait Sink {
    /// Whether keys of one object must be compared.
    const KEYS: bool;
    fn null(&mut self);
    fn boolean(&mut self, value: bool);
    fn number(&mut self, number: Number);
    /// A value or a key.
    fn string(&mut self, text: &str);
    /// Returns the place that `close` needs.
    fn open(&mut self) -> usize;
    fn close(&mut self, place: usize, kind: Kind, count: usize);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Array,
    Object,
}

struct Check;

impl Sink for Check {
    const KEYS: bool = true;
    fn null(&mut self) {}
    fn boolean(&mut self, _: bool) {}
    fn number(&mut self, _: Number) {}
    fn string(&mut self, _: &str) {}
    fn open(&mut self) -> usize {
        0
    }
    fn close(&mut self, _: usize, _: Kind, _: usize) {}
}

/// Walks over the whole text, which must be one value.
pub(crate) fn walk<S: Sink>(text: &[u8], sink: &mut S) -> Result<(), DataError> {
    let text = std::str::from_utf8(text).map_err(|_| DataError::Syntax)?;
    let mut scanner = Scanner { text, at: 0, scratch: String::new() };
    scanner.skip_space();
    scanner.value(0, sink)?;
    scanner.skip_space();
    if scanner.at == text.len() { Ok(()) } else { Err(DataError::Syntax) }
}

/// A place in a text. It only ever stands before a whole character.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The last string that had escapes.
    scratch: String,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over an ASCII byte if it stands here.
    fn eat(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn expect(&mut self, byte: u8) -> Result<(), DataError> {
        if self.eat(byte) { Ok(()) } else { Err(DataError::Syntax) }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str) -> Result<(), DataError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(DataError::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// One value, which starts here. At most [`DATA_DEPTH_MAX`] calls deep.
    fn value<S: Sink>(&mut self, depth: usize, sink: &mut S) -> Result<(), DataError> {
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                sink.string(text);
            }
            Some(b'-' | b'0'..=b'9') => sink.number(self.number()?),
            Some(b'{' | b'[') if depth == DATA_DEPTH_MAX => return Err(DataError::Depth),
            Some(b'{') => self.object(depth, sink)?,
            Some(b'[') => self.array(depth, sink)?,
            Some(b't') => self.word("true").map(|()| sink.boolean(true))?,
            Some(b'f') => self.word("false").map(|()| sink.boolean(false))?,
            Some(b'n') => self.word("null").map(|()| sink.null())?,
            _ => return Err(DataError::Syntax),
        }
        Ok(())
    }

    fn array<S: Sink>(&mut self, depth: usize, sink: &mut S) -> Result<(), DataError> {
        let place = sink.open();
        let mut count = 0;
        self.expect(b'[')?;
        self.skip_space();
        while !self.eat(b']') {
            if count > 0 {
                self.expect(b',')?;
                self.skip_space();
            }
            self.value(depth + 1, sink)?;
            self.skip_space();
            count += 1;
        }
        sink.close(place, Kind::Array, count);
        Ok(())
    }

    fn object<S: Sink>(&mut self, depth: usize, sink: &mut S) -> Result<(), DataError> {
        let place = sink.open();
        let mut count = 0;
        let mut keys = KeySet::default();
        self.expect(b'{')?;
        self.skip_space();
        while !self.eat(b'}') {
            if count > 0 {
                self.expect(b',')?;
                self.skip_space();
            }
            let key = self.string()?;
            if S::KEYS {
                keys.add(key);
            }
            sink.string(key);
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            self.value(depth + 1, sink)?;
            self.skip_space();
            count += 1;
        }
        sink.close(place, Kind::Object, count);
        keys.finish()
    }

    /// A string without its quotation marks and escapes.
    fn string(&mut self) -> Result<&str, DataError> {
        self.expect(b'"')?;
        let plain = self.plain_run();
        if self.eat(b'"') {
            return Ok(plain);
        }
        self.scratch.clear();
        self.scratch.push_str(plain);
        loop {
            if self.eat(b'"') {
                return Ok(&self.scratch);
            }
            self.expect(b'\\')?;
            let character = self.escape()?;
            self.scratch.push(character);
            let plain = self.plain_run();
            self.scratch.push_str(plain);
        }
    }

    /// What stands here up to a quotation mark, an escape, a control character or the end.
    fn plain_run(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, DataError> {
        let byte = self.peek().ok_or(DataError::Syntax)?;
        let plain = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(DataError::Syntax),
        };
        self.at += 1;
        Ok(plain)
    }

    /// `uXXXX`, or a pair of them for what needs two UTF-16 units. A surrogate without its other half is refused.
    fn unicode(&mut self) -> Result<char, DataError> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or(DataError::Syntax);
        }
        self.expect(b'\\')?;
        let second = self.unit()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(DataError::Syntax);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(DataError::Syntax)
    }

    fn unit(&mut self) -> Result<u32, DataError> {
        self.expect(b'u')?;
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or(DataError::Syntax)?;
            unit = unit << 4 | char::from(byte).to_digit(16).ok_or(DataError::Syntax)?;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Number, DataError> {
        let start = self.at;
        let negative = self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            whole = false;
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        let digits = &self.text[start..self.at];
        // Minus nought is a float: no integer can say it.
        let integer = match (whole, negative) {
            (true, false) => digits.parse().ok().map(Number::Uint),
            (true, true) => digits.parse().ok().filter(|number| *number != 0).map(Number::Int),
            (false, _) => None,
        };
        match integer {
            Some(number) => Ok(number),
            None => match digits.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Number::Float(number)),
                _ => Err(DataError::Number),
            },
        }
    }

    fn digits(&mut self) -> Result<(), DataError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(DataError::Syntax) }
    }
}

#[cfg(test)]
mod tests;
