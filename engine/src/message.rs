//! What a host publishes or sends.

use tidings_core::policy::Class;
use tidings_core::stream::Publication;
use tidings_proto::command::Wait;
use tidings_proto::payload::Data;

/// An event with its data, and what is asked of it beyond what its namespace promises.
///
/// ```
/// use tidings::{Data, message::Message};
///
/// let data = Data::new(&"hi")?;
/// let message = Message::new("NEW_MESSAGE", &data).idempotency_key("order-7");
/// # Ok::<(), tidings::DataError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    event: &'a str,
    data: &'a Data,
    namespace: Option<&'a str>,
    key: Option<&'a str>,
    idempotency_key: Option<&'a str>,
    ephemeral: bool,
}

impl<'a> Message<'a> {
    /// An event: 1 to 64 bytes of printable ASCII without space, quotation mark and backslash.
    #[must_use]
    pub const fn new(event: &'a str, data: &'a Data) -> Self {
        Self { event, data, namespace: None, key: None, idempotency_key: None, ephemeral: false }
    }

    /// What is sent to a user follows this namespace's rules: how large it may be, and whether it waits for who is away.
    /// Without one it follows those of the inbox.
    #[must_use]
    pub const fn namespace(mut self, namespace: &'a str) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// In class latest: which value it replaces.
    #[must_use]
    pub const fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// The host's own name for it, 1 to 128 bytes: the same again within the window is the same publication, and is not
    /// delivered twice.
    #[must_use]
    pub const fn idempotency_key(mut self, key: &'a str) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    /// At most once, to whoever is there, whatever the namespace promises.
    #[must_use]
    pub const fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }

    pub(crate) const fn named_namespace(&self) -> Option<&'a str> {
        self.namespace
    }

    pub(crate) const fn data(&self) -> &'a Data {
        self.data
    }

    pub(crate) const fn idempotency(&self) -> Option<&'a str> {
        self.idempotency_key
    }

    /// The publication, where the class promised is `class`.
    pub(crate) fn publication(&self, class: Class, wait: Wait) -> Publication<'a> {
        Publication {
            event: self.event,
            data: self.data.as_ref(),
            from: None,
            key: self.key,
            class: if self.ephemeral { Class::Ephemeral } else { class },
            idempotency_key: self.idempotency_key,
            wait,
        }
    }
}
