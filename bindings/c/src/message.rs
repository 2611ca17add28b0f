//! What a host publishes or sends.

use crate::event::{TidingsCodec, TidingsLevel, TidingsPosition};
use crate::memory::{TidingsView, bytes, optional, sized, text};
use crate::status::{Failure, TidingsStatus};
use bytes::Bytes;
use tidings::message::Message;
use tidings::{Codec, Data, DataError, Level, PublishedAt};

/// At most once, to whoever is there, whatever the namespace promises: a flag of `tidings_message`.
pub const TIDINGS_MESSAGE_EPHEMERAL: u32 = 1;

/// An event with its data, and what is asked of it beyond what its namespace promises. The caller sets `size` to
/// `sizeof(tidings_message)`, and everything that it does not use to 0.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsMessage {
    /// `sizeof(tidings_message)`.
    pub size: u32,
    /// How `data` are written: a `tidings_codec`. With `TIDINGS_CODEC_NONE` and no data it is null.
    pub codec: i32,
    /// The event: 1 to 64 bytes of printable ASCII without space, quotation mark and backslash.
    pub event: TidingsView,
    /// Its data.
    pub data: TidingsView,
    /// Of what is sent to a user: the namespace whose rules it follows. Nothing: those of the inbox.
    pub rules: TidingsView,
    /// In class latest: which value it replaces.
    pub key: TidingsView,
    /// The host's own name for it: the same again within the window is the same publication, and not delivered twice.
    pub idempotency_key: TidingsView,
    /// `TIDINGS_MESSAGE_EPHEMERAL`, or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// The place that a publication was given. The caller sets `size` to `sizeof(tidings_published)`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsPublished {
    /// `sizeof(tidings_published)`, set by the caller.
    pub size: u32,
    /// How far it has come: a `tidings_level`.
    pub level: i32,
    /// Its place in the channel; offset 0 for one that is ephemeral in a channel that is not.
    pub position: TidingsPosition,
}

impl From<PublishedAt> for TidingsPublished {
    fn from(at: PublishedAt) -> Self {
        let position = TidingsPosition { epoch: at.position.epoch.0, offset: at.position.offset };
        Self { size: 0, level: level(at.level) as i32, position }
    }
}

/// What became of an event that was sent to a user. The caller sets `size` to `sizeof(tidings_sent)`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsSent {
    /// `sizeof(tidings_sent)`, set by the caller.
    pub size: u32,
    /// How far it has come: a `tidings_level`.
    pub level: i32,
    /// How many sessions the user has connected now.
    pub sessions: u64,
}

/// How far something has come, by its number.
pub(crate) const fn level(level: Level) -> TidingsLevel {
    match level {
        Level::Stored => TidingsLevel::Stored,
        _ => TidingsLevel::Accepted,
    }
}

/// Whatever is wrong with data.
pub(crate) fn bad_data(error: DataError) -> Failure {
    Failure::new(TidingsStatus::Input, format!("the data cannot be: {error}"))
}

/// How data are written; `None` where there are none.
pub(crate) fn codec(codec: i32, is_empty: bool) -> Result<Option<Codec>, Failure> {
    const NONE: i32 = TidingsCodec::None as i32;
    const JSON: i32 = TidingsCodec::Json as i32;
    const MSGPACK: i32 = TidingsCodec::Msgpack as i32;
    match codec {
        JSON => Ok(Some(Codec::Json)),
        MSGPACK => Ok(Some(Codec::Msgpack)),
        NONE if is_empty => Ok(None),
        NONE => Err(Failure::argument("there are data, and `codec` does not say how they are written")),
        _ => Err(Failure::argument("`codec` is no tidings_codec")),
    }
}

/// A copy of data that the caller has.
pub(crate) fn data(written: i32, bytes: &[u8]) -> Result<Data, Failure> {
    let Some(codec) = codec(written, bytes.is_empty())? else { return Ok(Data::null()) };
    Data::parse(codec, Bytes::copy_from_slice(bytes)).map_err(bad_data)
}

/// What the caller says of a message, but for its data.
pub(crate) struct Spoken<'a> {
    event: &'a str,
    rules: Option<&'a str>,
    key: Option<&'a str>,
    idempotency_key: Option<&'a str>,
    is_ephemeral: bool,
}

impl<'a> Spoken<'a> {
    /// Reads a message of the caller's.
    ///
    /// # Safety
    /// What it points at is there for as long as `'a`.
    pub(crate) unsafe fn read(message: &TidingsMessage) -> Result<Self, Failure> {
        if message.flags & !TIDINGS_MESSAGE_EPHEMERAL != 0 || message.reserved != 0 {
            return Err(Failure::argument("`message->flags` has one that this version does not know"));
        }
        // SAFETY: the caller's promise.
        unsafe {
            Ok(Self {
                event: text(message.event.data, message.event.len, "message->event")?,
                rules: optional(message.rules, "message->rules")?,
                key: optional(message.key, "message->key")?,
                idempotency_key: optional(message.idempotency_key, "message->idempotency_key")?,
                is_ephemeral: message.flags & TIDINGS_MESSAGE_EPHEMERAL != 0,
            })
        }
    }

    /// The message as the engine takes it.
    pub(crate) fn with<'m>(&'m self, data: &'m Data) -> Message<'m> {
        let mut message = Message::new(self.event, data);
        if let Some(rules) = self.rules {
            message = message.namespace(rules);
        }
        if let Some(key) = self.key {
            message = message.key(key);
        }
        if let Some(key) = self.idempotency_key {
            message = message.idempotency_key(key);
        }
        if self.is_ephemeral {
            message = message.ephemeral();
        }
        message
    }
}

/// Reads a message, and copies its data.
///
/// # Safety
/// What it points at is there for as long as `'a`.
pub(crate) unsafe fn read<'a>(message: *const TidingsMessage) -> Result<(Spoken<'a>, Data), Failure> {
    // SAFETY: the caller's promise, and a message is any bytes.
    let message = unsafe { sized(message, "message") }?;
    // SAFETY: the caller's promise.
    let (spoken, bytes) =
        unsafe { (Spoken::read(&message)?, bytes(message.data.data, message.data.len, "message->data")?) };
    Ok((spoken, data(message.codec, bytes)?))
}
