//! What can be wrong with application data.

use std::fmt;

/// Why data is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataError {
    /// Not a value of its codec, or cut short, or followed by something else.
    Syntax,
    /// Nested deeper than [`crate::limit::DATA_DEPTH_MAX`].
    Depth,
    /// The same key twice in one object.
    DuplicateKey,
    /// A key that is not a string, or one that begins with `$serde_json::private::`, by which serde_json means something else.
    Key,
    /// A number that is infinite, not a number, or out of range.
    Number,
    /// A MessagePack extension type, which JSON cannot carry.
    Extension,
    /// Longer than the 4 GiB that MessagePack can tell.
    Size,
}

impl DataError {
    /// What is wrong, for a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Syntax => "not one whole, well-formed value",
            Self::Depth => "nested deeper than 64 levels",
            Self::DuplicateKey => "a key stands twice in one object",
            Self::Key => "a key is not a string, or begins with `$serde_json::private::`",
            Self::Number => "a number is out of range or not finite",
            Self::Extension => "MessagePack extension types are not carried",
            Self::Size => "longer than 4 GiB",
        }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for DataError {}
