//! What a host hears, in the shape in which it reads it.

use crate::memory::TidingsView;

/// What an event is. Kinds may be added: pass over those that you do not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsEventKind {
    /// A client wants to connect. `data` is its token (never log it), `target` the name of its device. Answer with
    /// `tidings_admit` or `tidings_deny`.
    QuestionConnect = 1,
    /// A session wants to go on with a new token. As the one above; only the same user's token does.
    QuestionRefresh = 2,
    /// `user` wants to subscribe to the channel `target`. Answer with `tidings_allow` or `tidings_deny`.
    QuestionSubscribe = 3,
    /// `user` wants to publish `event` with `data` to the channel `target`. Answer with `tidings_allow` or `tidings_deny`.
    QuestionPublish = 4,
    /// `user` wants to send `event` with `data` to the user `target`. Answer with `tidings_allow` or `tidings_deny`.
    QuestionSend = 5,
    /// `user` wants to watch the `count` users whose ids stand in `data`, one a line. Answer with `tidings_allow` (all of
    /// them), `tidings_allow_users` or `tidings_deny`.
    QuestionWatch = 6,
    /// `user` calls the method `target` with `data`. Answer with `tidings_reply` or `tidings_deny`.
    QuestionCall = 7,
    /// `user` has connected: `session`, whose id on the wire is `target`.
    Opened = 20,
    /// The connection of `session`, of `user`, is over.
    Closed = 21,
    /// The presence of `user` has changed. `detail` is a `tidings_presence_status`, `reason` a `tidings_presence_reason`,
    /// `at_ms` since when, `last` until when the last device was there (0: not known), `data` the user's own words.
    Presence = 22,
    /// `count` events of the kinds from 20 to 29 were not kept, because more waited than may: look anew at what you keep a
    /// copy of.
    Lost = 23,
    /// Something for whoever operates the server, in words: `data`. `detail` is a `tidings_log_level`, `target` the part of the
    /// engine that says it. `host.log` tells from which level on.
    Log = 24,
    /// A frame for the local connection `id`: `data`, a line of JSON without its end.
    LocalFrame = 30,
    /// The local connection `id` was ended by the engine. The id is stale.
    LocalClosed = 31,
    /// The request `id` is done. `status` is a `tidings_status`; where that is not 0, `code` is a `tidings_code` and `data`
    /// says what to do. What else is in it says the function that made the request.
    Done = 40,
    /// An entry of the history that the request `id` reads: its place is `position`, `user` who published it (nobody: the
    /// host), `event`, `data`, `key` (in class latest), `at_ms` when it was taken.
    Entry = 41,
    /// Entries that the request `id` should have read are gone: from `first` to `last`, `reason` a `tidings_gap_reason`.
    Missing = 42,
    /// A device of the user that the request `id` looks at: `target` its name, `last` up to where it has everything, `first`
    /// up to where its user has read, `at_ms` when it was last connected.
    Device = 43,
    /// The user at place `count` (from 0) in the list that was sent to has a full inbox, which refuses the sender. `id` is the
    /// request, if it was one.
    InboxFull = 44,
    /// A session of `user`: `session`, `target` the name of its device, `data` its id on the wire, `count` its channels, which
    /// follow; `detail` 1 while it is connected, 0 while it waits for its client to come back.
    Session = 45,
    /// A channel of the session before: `target`.
    SessionChannel = 46,
    /// A user in the channel that was asked about: `user`, `data` what it says of itself there, `at_ms` since when.
    Member = 47,
}

/// How data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsCodec {
    /// No data, or plain text.
    None = 0,
    /// JSON (RFC 8259), in UTF-8.
    Json = 1,
    /// MessagePack, maps with string keys.
    Msgpack = 2,
}

/// How far a publication has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsLevel {
    /// In memory, and on its way to whoever is there.
    Accepted = 1,
    /// On disk.
    Stored = 2,
}

/// How present a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsPresenceStatus {
    /// Cannot be known now.
    Unknown = 0,
    /// Connected, and active on at least one device.
    Online = 1,
    /// Says so by hand: present, and not to be disturbed.
    Busy = 2,
    /// Connected, and not active for a while on any device.
    Idle = 3,
    /// Says so by hand.
    Away = 4,
    /// Connected, and seen as offline by others.
    Invisible = 5,
    /// Not connected.
    Offline = 6,
}

/// Why a user's presence is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsPresenceReason {
    /// Nothing is known of the user.
    Never = 0,
    /// The first device has connected.
    Connected = 1,
    /// A device was used again.
    Active = 2,
    /// No device was used for a while.
    Idle = 3,
    /// The user said so.
    Set = 4,
    /// One device went and others are left, which are present in another way.
    Device = 5,
    /// The last device has said goodbye.
    Left = 6,
    /// The last device lost its connection and did not come back in time.
    Lost = 7,
    /// The server or the host has ended the last device's session.
    Ended = 8,
}

/// Why entries are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsGapReason {
    /// For a reason that this version of the library has no number for.
    Other = 0,
    /// They are older or more than the history keeps.
    Expired = 1,
    /// The position counts in another epoch: what it counted is gone.
    Epoch = 2,
    /// The position lies behind the last entry.
    Future = 3,
    /// They were kept on disk and cannot be read there.
    Lost = 4,
}

/// How much what is logged matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsLogLevel {
    /// Something is broken, and somebody should look.
    Error = 1,
    /// Something may become so.
    Warn = 2,
    /// Something to know.
    Info = 3,
    /// Something for whoever looks for a fault.
    Debug = 4,
}

/// What a namespace promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsClass {
    /// At most once.
    Ephemeral = 1,
    /// The newest value for a key.
    Latest = 2,
    /// In order inside the history window.
    Reliable = 3,
    /// As reliable, and on disk before anybody gets it.
    Durable = 4,
}

/// A place in a channel or an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct TidingsPosition {
    /// Which life of it the offset counts in; 0 where there is no position.
    pub epoch: u64,
    /// The entry: the first is 1, and 0 is the place before it.
    pub offset: u64,
}

/// One event. The caller sets `size` to `sizeof(tidings_event)`, and `tidings_batch_get` fills in the rest. What a kind does
/// not speak of is 0. Views point into the batch, and are good until it is freed.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsEvent {
    /// `sizeof(tidings_event)`, set by the caller.
    pub size: u32,
    /// A `tidings_event_kind`. It says what the rest means.
    pub kind: i32,
    /// The question, the request or the local connection.
    pub id: u64,
    /// The session.
    pub session: u64,
    /// The user.
    pub user: TidingsView,
    /// The channel, user, method or device that it is about.
    pub target: TidingsView,
    /// The name of the application's event.
    pub event: TidingsView,
    /// Data, or a text.
    pub data: TidingsView,
    /// The key of a value.
    pub key: TidingsView,
    /// A `tidings_codec`: how `data` are written.
    pub codec: i32,
    /// Of what is done: a `tidings_status`.
    pub status: i32,
    /// Of what failed: a `tidings_code`, or 0.
    pub code: i32,
    /// A number that the kind gives a meaning.
    pub detail: i32,
    /// Why.
    pub reason: i32,
    /// 0.
    pub reserved: i32,
    /// The place of an entry, or of the last one.
    pub position: TidingsPosition,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// How many.
    pub count: u64,
    /// From where.
    pub first: u64,
    /// Up to where.
    pub last: u64,
    /// From where on this is about.
    pub from: u64,
    /// Where to go on.
    pub next: u64,
}
