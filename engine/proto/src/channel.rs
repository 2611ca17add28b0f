//! Channel names: `namespace:name`, compared byte for byte.

use crate::limit::{CHANNEL_BYTES_MAX, NAMESPACE_BYTES_MAX};

/// A checked channel name that borrows its text.
///
/// Printable ASCII without space and without `*`, so that a name can never be taken for a pattern, another Unicode form
/// of itself, or a line of a log. Upper and lower case differ. The namespace is what stands before the first colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelName<'a> {
    text: &'a str,
    namespace_bytes: usize,
}

/// Why a text is not a channel name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelError {
    /// Longer than [`CHANNEL_BYTES_MAX`], or its namespace longer than [`NAMESPACE_BYTES_MAX`].
    TooLong,
    /// No colon, or nothing before or after it.
    NoNamespace,
    /// A byte outside printable ASCII, a space, or `*`.
    Character,
}

impl ChannelError {
    /// What is wrong and what would be right, for a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooLong => "a channel name has at most 128 bytes, its namespace at most 32",
            Self::NoNamespace => "a channel is named `namespace:name`",
            Self::Character => "a channel name holds printable ASCII without space and `*`",
        }
    }
}

impl<'a> ChannelName<'a> {
    /// Checks a text.
    ///
    /// # Errors
    /// [`ChannelError`] tells which rule the text breaks.
    pub fn parse(text: &'a str) -> Result<Self, ChannelError> {
        if text.len() > CHANNEL_BYTES_MAX {
            return Err(ChannelError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*') {
            return Err(ChannelError::Character);
        }
        match text.find(':') {
            None | Some(0) => Err(ChannelError::NoNamespace),
            Some(at) if at + 1 == text.len() => Err(ChannelError::NoNamespace),
            Some(at) if at > NAMESPACE_BYTES_MAX => Err(ChannelError::TooLong),
            Some(namespace_bytes) => Ok(Self { text, namespace_bytes }),
        }
    }

    /// The whole name.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// What stands before the first colon.
    #[must_use]
    pub fn namespace(self) -> &'a str {
        &self.text[..self.namespace_bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::{ChannelError, ChannelName};

    #[test]
    fn a_name_has_a_namespace_and_a_rest() {
        let name = ChannelName::parse("messaging:room:7").unwrap();
        assert_eq!(name.namespace(), "messaging");
        assert_eq!(name.as_str(), "messaging:room:7");
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        let long = format!("a:{}", "x".repeat(127));
        let cases = [
            ("", ChannelError::NoNamespace),
            ("lobby", ChannelError::NoNamespace),
            (":lobby", ChannelError::NoNamespace),
            ("messaging:", ChannelError::NoNamespace),
            ("messaging:a b", ChannelError::Character),
            ("messaging:*", ChannelError::Character),
            ("messaging:caf\u{e9}", ChannelError::Character),
            ("messaging:a\r\nb", ChannelError::Character),
            ("messaging:\u{0}", ChannelError::Character),
            (long.as_str(), ChannelError::TooLong),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:b", ChannelError::TooLong),
        ];
        for (text, error) in cases {
            assert_eq!(ChannelName::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn look_alikes_are_other_names() {
        for text in ["messaging:..", "messaging:%2e", "messaging:a|b", "messaging:.", "messaging:#>^"] {
            assert_eq!(ChannelName::parse(text).unwrap().as_str(), text);
        }
    }
}
