//! The limits that belong to the protocol: they are the same for every server, so a client may rely on them.
//!
//! What a host may choose (message size, history, rates) is configuration of the engine and is told to the client in
//! `connected.limits`.

/// Longest channel name, namespace and colon included, in bytes. Worst case in memory: one copy for each channel.
pub const CHANNEL_BYTES_MAX: usize = 128;

/// Longest namespace name in bytes.
pub const NAMESPACE_BYTES_MAX: usize = 32;

/// Longest user id in bytes of UTF-8.
pub const USER_BYTES_MAX: usize = 128;

/// Longest device name in bytes of UTF-8.
pub const DEVICE_BYTES_MAX: usize = 64;

/// Longest event name in bytes.
pub const EVENT_BYTES_MAX: usize = 64;

/// Longest key of a value in class `latest`, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 128;

/// Longest idempotency key in bytes of UTF-8.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// Most positions in one `resume`. Bounds the work that one `connect` can ask for.
pub const POSITIONS_MAX: usize = 1_024;

/// Most users in one `watch` or `unwatch`. Bounds the work that one command can ask for.
pub const USERS_MAX: usize = 1_024;

/// Longest method name of a call in bytes.
pub const METHOD_BYTES_MAX: usize = 64;

/// Longest token in bytes. A longer one is refused before anything looks into it.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Deepest nesting of arrays and objects in application data. Bounds the stack of whoever walks it.
pub const DATA_DEPTH_MAX: usize = 64;

/// Most frames in one message. Bounds the work that one message can ask for.
pub const FRAMES_PER_MESSAGE_MAX: usize = 1_024;

/// Longest reason in a WebSocket close frame in bytes (RFC 6455 section 5.5: 125 less the two of the code).
pub const CLOSE_REASON_BYTES_MAX: usize = 123;

/// Most channels in the address of one SSE connection. Its client is told its place in all of them with every round: about 25
/// bytes for each.
pub const SSE_CHANNELS_MAX: usize = 16;

/// Most positions that are read out of one `Last-Event-ID`: of the channels, the inbox, and some that are out of date.
pub const SSE_POSITIONS_MAX: usize = 64;
