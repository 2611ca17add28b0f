/*
 * Tidings: an embeddable realtime engine, for every language that can call C.
 *
 * Written by `cargo xtask header` from bindings/c/src. docs/c-api.md tells the life of an engine, and who owns what.
 *
 * Every function returns a tidings_status: 0, or a negative number that never changes its meaning. The last argument may point at
 * a tidings_error, whose size the caller has set, which then says what is wrong and what to do.
 *
 * Texts and data go in as a pointer and a length, need no zero byte at their end, and are copied before the function returns, but
 * for tidings_publish_owned. A length of 0 goes with any pointer. What comes out lies in a batch, and is good until that is freed.
 */

#ifndef TIDINGS_H
#define TIDINGS_H

#include <stddef.h>
#include <stdint.h>
/* A literal as a pointer and a length: tidings_publish(engine, TIDINGS_TEXT("chat:lobby"), ...). */
#define TIDINGS_TEXT(literal) (literal), (sizeof(literal) - 1)

/* A struct's field from a literal: message.event = ... in an initializer. */
#define TIDINGS_VIEW(literal) { (literal), (sizeof(literal) - 1) }


/**
 * The version of the interface that this header describes. It rises when functions, fields or numbers are added; nothing is taken
 * away or changed.
 */
#define TIDINGS_ABI_VERSION 1

/**
 * Bytes of an error's message, its end included.
 */
#define TIDINGS_ERROR_MESSAGE_BYTES 256

/**
 * At most once, to whoever is there, whatever the namespace promises: a flag of `tidings_message`.
 */
#define TIDINGS_MESSAGE_EPHEMERAL 1

/**
 * What became of a call. Every function returns one of these as an `int32_t`; the numbers never change their meaning.
 */
enum tidings_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Done.
     */
    TIDINGS_STATUS_OK = 0,
    /**
     * An argument cannot be: a pointer that must not be NULL, a text that is no UTF-8, a struct whose size is none.
     */
    TIDINGS_STATUS_INVALID_ARGUMENT = -1,
    /**
     * The configuration contradicts itself or a limit; the message names the setting.
     */
    TIDINGS_STATUS_CONFIG = -2,
    /**
     * A name, an event or data is not of the form that the protocol allows.
     */
    TIDINGS_STATUS_INPUT = -3,
    /**
     * There is no such thing.
     */
    TIDINGS_STATUS_NOT_FOUND = -4,
    /**
     * The data are larger than the namespace allows.
     */
    TIDINGS_STATUS_TOO_LARGE = -5,
    /**
     * A named limit is reached.
     */
    TIDINGS_STATUS_LIMIT = -6,
    /**
     * The store cannot be opened, or has failed: nothing is certainly on disk.
     */
    TIDINGS_STATUS_STORE = -7,
    /**
     * As much waits for the disk as may: try again later.
     */
    TIDINGS_STATUS_BUSY = -8,
    /**
     * The engine shuts down, or has.
     */
    TIDINGS_STATUS_STOPPED = -9,
    /**
     * The system has no thread, descriptor or memory for the engine.
     */
    TIDINGS_STATUS_RUNTIME = -10,
    /**
     * The id is none, or of something that is over: a question that was answered or came to its deadline, a session or a
     * local connection that is gone.
     */
    TIDINGS_STATUS_STALE = -11,
    /**
     * The address cannot be listened on.
     */
    TIDINGS_STATUS_LISTEN = -12,
    /**
     * The library has failed inside; the engine answers `TIDINGS_STATUS_POISONED` from now on.
     */
    TIDINGS_STATUS_PANIC = -13,
    /**
     * The library has failed inside before: stop and free the engine.
     */
    TIDINGS_STATUS_POISONED = -14,
    /**
     * The process is a fork of the one that started the engine, whose threads are not here.
     */
    TIDINGS_STATUS_FORKED = -15,
    /**
     * Called from a wake or release callback, which may call nothing.
     */
    TIDINGS_STATUS_REENTRANT = -16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_status tidings_status;
#else
typedef int32_t tidings_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a client is told: 2000 to 2999 answer a command, 3000 to 3999 close a connection. A host denies with one of the
 * first; errors tell the code of the same trouble.
 */
enum tidings_code
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The command or the data in it is not of the form that the protocol gives.
     */
    TIDINGS_CODE_BAD_REQUEST = 2000,
    /**
     * The token is missing, not valid, or no longer valid.
     */
    TIDINGS_CODE_UNAUTHORIZED = 2001,
    /**
     * Not the time for this command.
     */
    TIDINGS_CODE_STATE = 2002,
    /**
     * The session has no right to do this.
     */
    TIDINGS_CODE_FORBIDDEN = 2003,
    /**
     * No such method.
     */
    TIDINGS_CODE_NOT_FOUND = 2004,
    /**
     * A named limit is reached.
     */
    TIDINGS_CODE_LIMIT = 2005,
    /**
     * Too many messages.
     */
    TIDINGS_CODE_RATE_LIMITED = 2006,
    /**
     * The data is larger than the namespace allows.
     */
    TIDINGS_CODE_TOO_LARGE = 2007,
    /**
     * What the command needs is not working here, or not now.
     */
    TIDINGS_CODE_UNAVAILABLE = 2008,
    /**
     * The host did not answer in time.
     */
    TIDINGS_CODE_TIMEOUT = 2009,
    /**
     * A fault of the server or of the host.
     */
    TIDINGS_CODE_INTERNAL = 2010,
    /**
     * As much waits for the disk as may.
     */
    TIDINGS_CODE_BUSY = 2011,
    /**
     * The server shuts down or restarts.
     */
    TIDINGS_CODE_SHUTDOWN = 3001,
    /**
     * Nothing drained from this connection for too long.
     */
    TIDINGS_CODE_SLOW = 3002,
    /**
     * Nothing was heard from the client for too long.
     */
    TIDINGS_CODE_LOST = 3003,
    /**
     * The server has as many connections as it allows.
     */
    TIDINGS_CODE_OVERLOADED = 3004,
    /**
     * A fault of the server ended this session.
     */
    TIDINGS_CODE_FAULT = 3005,
    /**
     * The token was refused.
     */
    TIDINGS_CODE_REFUSED = 3500,
    /**
     * No `connect` command came in time.
     */
    TIDINGS_CODE_CONNECT_TIMEOUT = 3501,
    /**
     * Frames came faster than any honest client sends them.
     */
    TIDINGS_CODE_FLOOD = 3502,
    /**
     * The token expired while the session was connected.
     */
    TIDINGS_CODE_TOKEN_EXPIRED = 3503,
    /**
     * The host ended the session.
     */
    TIDINGS_CODE_DISCONNECTED = 3504,
    /**
     * Another connection has resumed this session.
     */
    TIDINGS_CODE_REPLACED = 3505,
    /**
     * The token that the session was admitted by was revoked.
     */
    TIDINGS_CODE_REVOKED = 3506,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_code tidings_code;
#else
typedef int32_t tidings_code;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an event is. Kinds may be added: pass over those that you do not know.
 */
enum tidings_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A client wants to connect. `data` is its token (never log it), `target` the name of its device. Answer with
     * `tidings_admit` or `tidings_deny`.
     */
    TIDINGS_EVENT_KIND_QUESTION_CONNECT = 1,
    /**
     * A session wants to go on with a new token. As the one above; only the same user's token does.
     */
    TIDINGS_EVENT_KIND_QUESTION_REFRESH = 2,
    /**
     * `user` wants to subscribe to the channel `target`. Answer with `tidings_allow` or `tidings_deny`.
     */
    TIDINGS_EVENT_KIND_QUESTION_SUBSCRIBE = 3,
    /**
     * `user` wants to publish `event` with `data` to the channel `target`. Answer with `tidings_allow` or `tidings_deny`.
     */
    TIDINGS_EVENT_KIND_QUESTION_PUBLISH = 4,
    /**
     * `user` wants to send `event` with `data` to the user `target`. Answer with `tidings_allow` or `tidings_deny`.
     */
    TIDINGS_EVENT_KIND_QUESTION_SEND = 5,
    /**
     * `user` wants to watch the `count` users whose ids stand in `data`, one a line. Answer with `tidings_allow` (all of
     * them), `tidings_allow_users` or `tidings_deny`.
     */
    TIDINGS_EVENT_KIND_QUESTION_WATCH = 6,
    /**
     * `user` calls the method `target` with `data`. Answer with `tidings_reply` or `tidings_deny`.
     */
    TIDINGS_EVENT_KIND_QUESTION_CALL = 7,
    /**
     * `user` has connected: `session`, whose id on the wire is `target`.
     */
    TIDINGS_EVENT_KIND_OPENED = 20,
    /**
     * The connection of `session`, of `user`, is over.
     */
    TIDINGS_EVENT_KIND_CLOSED = 21,
    /**
     * The presence of `user` has changed. `detail` is a `tidings_presence_status`, `reason` a `tidings_presence_reason`,
     * `at_ms` since when, `last` until when the last device was there (0: not known), `data` the user's own words.
     */
    TIDINGS_EVENT_KIND_PRESENCE = 22,
    /**
     * `count` events of the kinds from 20 to 29 were not kept, because more waited than may: look anew at what you keep a
     * copy of.
     */
    TIDINGS_EVENT_KIND_LOST = 23,
    /**
     * Something for whoever operates the server, in words: `data`. `detail` is a `tidings_log_level`, `target` the part of the
     * engine that says it. `host.log` tells from which level on.
     */
    TIDINGS_EVENT_KIND_LOG = 24,
    /**
     * A frame for the local connection `id`: `data`, a line of JSON without its end.
     */
    TIDINGS_EVENT_KIND_LOCAL_FRAME = 30,
    /**
     * The local connection `id` was ended by the engine. The id is stale.
     */
    TIDINGS_EVENT_KIND_LOCAL_CLOSED = 31,
    /**
     * The request `id` is done. `status` is a `tidings_status`; where that is not 0, `code` is a `tidings_code` and `data`
     * says what to do. What else is in it says the function that made the request.
     */
    TIDINGS_EVENT_KIND_DONE = 40,
    /**
     * An entry of the history that the request `id` reads: its place is `position`, `user` who published it (nobody: the
     * host), `event`, `data`, `key` (in class latest), `at_ms` when it was taken.
     */
    TIDINGS_EVENT_KIND_ENTRY = 41,
    /**
     * Entries that the request `id` should have read are gone: from `first` to `last`, `reason` a `tidings_gap_reason`.
     */
    TIDINGS_EVENT_KIND_MISSING = 42,
    /**
     * A device of the user that the request `id` looks at: `target` its name, `last` up to where it has everything, `first`
     * up to where its user has read, `at_ms` when it was last connected.
     */
    TIDINGS_EVENT_KIND_DEVICE = 43,
    /**
     * The user at place `count` (from 0) in the list that was sent to has a full inbox, which refuses the sender. `id` is the
     * request, if it was one.
     */
    TIDINGS_EVENT_KIND_INBOX_FULL = 44,
    /**
     * A session of `user`: `session`, `target` the name of its device, `data` its id on the wire, `count` its channels, which
     * follow; `detail` 1 while it is connected, 0 while it waits for its client to come back.
     */
    TIDINGS_EVENT_KIND_SESSION = 45,
    /**
     * A channel of the session before: `target`.
     */
    TIDINGS_EVENT_KIND_SESSION_CHANNEL = 46,
    /**
     * A user in the channel that was asked about: `user`, `data` what it says of itself there, `at_ms` since when.
     */
    TIDINGS_EVENT_KIND_MEMBER = 47,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_event_kind tidings_event_kind;
#else
typedef int32_t tidings_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How data are written.
 */
enum tidings_codec
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No data, or plain text.
     */
    TIDINGS_CODEC_NONE = 0,
    /**
     * JSON (RFC 8259), in UTF-8.
     */
    TIDINGS_CODEC_JSON = 1,
    /**
     * MessagePack, maps with string keys.
     */
    TIDINGS_CODEC_MSGPACK = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_codec tidings_codec;
#else
typedef int32_t tidings_codec;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How far a publication has come.
 */
enum tidings_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * In memory, and on its way to whoever is there.
     */
    TIDINGS_LEVEL_ACCEPTED = 1,
    /**
     * On disk.
     */
    TIDINGS_LEVEL_STORED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_level tidings_level;
#else
typedef int32_t tidings_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much what is logged matters.
 */
enum tidings_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Something is broken, and somebody should look.
     */
    TIDINGS_LOG_LEVEL_ERROR = 1,
    /**
     * Something may become so.
     */
    TIDINGS_LOG_LEVEL_WARN = 2,
    /**
     * Something to know.
     */
    TIDINGS_LOG_LEVEL_INFO = 3,
    /**
     * Something for whoever looks for a fault.
     */
    TIDINGS_LOG_LEVEL_DEBUG = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_log_level tidings_log_level;
#else
typedef int32_t tidings_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How present a user is.
 */
enum tidings_presence_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Cannot be known now.
     */
    TIDINGS_PRESENCE_STATUS_UNKNOWN = 0,
    /**
     * Connected, and active on at least one device.
     */
    TIDINGS_PRESENCE_STATUS_ONLINE = 1,
    /**
     * Says so by hand: present, and not to be disturbed.
     */
    TIDINGS_PRESENCE_STATUS_BUSY = 2,
    /**
     * Connected, and not active for a while on any device.
     */
    TIDINGS_PRESENCE_STATUS_IDLE = 3,
    /**
     * Says so by hand.
     */
    TIDINGS_PRESENCE_STATUS_AWAY = 4,
    /**
     * Connected, and seen as offline by others.
     */
    TIDINGS_PRESENCE_STATUS_INVISIBLE = 5,
    /**
     * Not connected.
     */
    TIDINGS_PRESENCE_STATUS_OFFLINE = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_presence_status tidings_presence_status;
#else
typedef int32_t tidings_presence_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a user's presence is what it is.
 */
enum tidings_presence_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing is known of the user.
     */
    TIDINGS_PRESENCE_REASON_NEVER = 0,
    /**
     * The first device has connected.
     */
    TIDINGS_PRESENCE_REASON_CONNECTED = 1,
    /**
     * A device was used again.
     */
    TIDINGS_PRESENCE_REASON_ACTIVE = 2,
    /**
     * No device was used for a while.
     */
    TIDINGS_PRESENCE_REASON_IDLE = 3,
    /**
     * The user said so.
     */
    TIDINGS_PRESENCE_REASON_SET = 4,
    /**
     * One device went and others are left, which are present in another way.
     */
    TIDINGS_PRESENCE_REASON_DEVICE = 5,
    /**
     * The last device has said goodbye.
     */
    TIDINGS_PRESENCE_REASON_LEFT = 6,
    /**
     * The last device lost its connection and did not come back in time.
     */
    TIDINGS_PRESENCE_REASON_LOST = 7,
    /**
     * The server or the host has ended the last device's session.
     */
    TIDINGS_PRESENCE_REASON_ENDED = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_presence_reason tidings_presence_reason;
#else
typedef int32_t tidings_presence_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why entries are gone.
 */
enum tidings_gap_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * For a reason that this version of the library has no number for.
     */
    TIDINGS_GAP_REASON_OTHER = 0,
    /**
     * They are older or more than the history keeps.
     */
    TIDINGS_GAP_REASON_EXPIRED = 1,
    /**
     * The position counts in another epoch: what it counted is gone.
     */
    TIDINGS_GAP_REASON_EPOCH = 2,
    /**
     * The position lies behind the last entry.
     */
    TIDINGS_GAP_REASON_FUTURE = 3,
    /**
     * They were kept on disk and cannot be read there.
     */
    TIDINGS_GAP_REASON_LOST = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_gap_reason tidings_gap_reason;
#else
typedef int32_t tidings_gap_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a namespace promises.
 */
enum tidings_class
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * At most once.
     */
    TIDINGS_CLASS_EPHEMERAL = 1,
    /**
     * The newest value for a key.
     */
    TIDINGS_CLASS_LATEST = 2,
    /**
     * In order inside the history window.
     */
    TIDINGS_CLASS_RELIABLE = 3,
    /**
     * As reliable, and on disk before anybody gets it.
     */
    TIDINGS_CLASS_DURABLE = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_class tidings_class;
#else
typedef int32_t tidings_class;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where to begin in a channel's past.
 */
enum tidings_begin
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * With the newest.
     */
    TIDINGS_BEGIN_NEWEST = 0,
    /**
     * Behind `position`: what followed it.
     */
    TIDINGS_BEGIN_SINCE = 1,
    /**
     * Behind the offset of `position`, in the epoch that the channel has now.
     */
    TIDINGS_BEGIN_BEHIND = 2,
    /**
     * With those before the offset of `position`.
     */
    TIDINGS_BEGIN_BEFORE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_begin tidings_begin;
#else
typedef int32_t tidings_begin;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an engine is doing.
 */
enum tidings_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It takes connections.
     */
    TIDINGS_STATE_RUNNING = 1,
    /**
     * It takes no more, and lets those that there are end.
     */
    TIDINGS_STATE_STOPPING = 2,
    /**
     * It has ended.
     */
    TIDINGS_STATE_STOPPED = 3,
    /**
     * It has failed inside: stop and free it.
     */
    TIDINGS_STATE_POISONED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tidings_state tidings_state;
#else
typedef int32_t tidings_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Some events, which belong to whoever got them.
 */
typedef struct tidings_batch tidings_batch;

/**
 * What an engine is started with: the settings of `docs/settings.md` and of `docs/c-api.md`, by key.
 */
typedef struct tidings_config tidings_config;

/**
 * A running engine, with threads of its own.
 */
typedef struct tidings_engine tidings_engine;

/**
 * What went wrong. The caller allocates it, sets `size` to `sizeof(tidings_error)` and hands it in, or NULL. It is written
 * when something went wrong, and left alone otherwise.
 */
typedef struct tidings_error {
    /**
     * `sizeof(tidings_error)`, set by the caller.
     */
    uint32_t size;
    /**
     * What the function returned: a `tidings_status`.
     */
    int32_t status;
    /**
     * The same trouble as clients are told it: a `tidings_code`, or 0.
     */
    int32_t code;
    /**
     * When to try again, in milliseconds; 0 where that is not known.
     */
    uint64_t retry_after_ms;
    /**
     * What is wrong and what to do, in UTF-8, ended by a zero byte.
     */
    char message[TIDINGS_ERROR_MESSAGE_BYTES];
} tidings_error;

/**
 * Called when events begin to wait, from whatever thread made them. It carries nothing: poll for them. It must not wait, must
 * not call the library, and is never called twice at the same time.
 */
typedef void (*tidings_wake)(void *context);

/**
 * Text or bytes that somebody else owns: a pointer and how many bytes there are. Not ended by a zero byte. Nothing is NULL
 * and 0.
 */
typedef struct tidings_view {
    /**
     * The first byte.
     */
    const char *data;
    /**
     * How many there are.
     */
    size_t len;
} tidings_view;

/**
 * A place in a channel or an inbox.
 */
typedef struct tidings_position {
    /**
     * Which life of it the offset counts in; 0 where there is no position.
     */
    uint64_t epoch;
    /**
     * The entry: the first is 1, and 0 is the place before it.
     */
    uint64_t offset;
} tidings_position;

/**
 * One event. The caller sets `size` to `sizeof(tidings_event)`, and `tidings_batch_get` fills in the rest. What a kind does
 * not speak of is 0. Views point into the batch, and are good until it is freed.
 */
typedef struct tidings_event {
    /**
     * `sizeof(tidings_event)`, set by the caller.
     */
    uint32_t size;
    /**
     * A `tidings_event_kind`. It says what the rest means.
     */
    int32_t kind;
    /**
     * The question, the request or the local connection.
     */
    uint64_t id;
    /**
     * The session.
     */
    uint64_t session;
    /**
     * The user.
     */
    struct tidings_view user;
    /**
     * The channel, user, method or device that it is about.
     */
    struct tidings_view target;
    /**
     * The name of the application's event.
     */
    struct tidings_view event;
    /**
     * Data, or a text.
     */
    struct tidings_view data;
    /**
     * The key of a value.
     */
    struct tidings_view key;
    /**
     * A `tidings_codec`: how `data` are written.
     */
    int32_t codec;
    /**
     * Of what is done: a `tidings_status`.
     */
    int32_t status;
    /**
     * Of what failed: a `tidings_code`, or 0.
     */
    int32_t code;
    /**
     * A number that the kind gives a meaning.
     */
    int32_t detail;
    /**
     * Why.
     */
    int32_t reason;
    /**
     * 0.
     */
    int32_t reserved;
    /**
     * The place of an entry, or of the last one.
     */
    struct tidings_position position;
    /**
     * When, in milliseconds since 1970.
     */
    uint64_t at_ms;
    /**
     * How many.
     */
    uint64_t count;
    /**
     * From where.
     */
    uint64_t first;
    /**
     * Up to where.
     */
    uint64_t last;
    /**
     * From where on this is about.
     */
    uint64_t from;
    /**
     * Where to go on.
     */
    uint64_t next;
} tidings_event;

/**
 * Whom a token belongs to, and what that user may do without being asked for. The caller sets `size` to
 * `sizeof(tidings_admission)`, and everything that it does not use to 0.
 */
typedef struct tidings_admission {
    /**
     * `sizeof(tidings_admission)`.
     */
    uint32_t size;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The user's id: 1 to 128 bytes without control characters.
     */
    struct tidings_view user;
    /**
     * When the session ends, in milliseconds since 1970; 0: by itself never.
     */
    uint64_t expires_at_ms;
    /**
     * The token's own name (`jti`), by which `tidings_revoke_token` finds the session; nothing if it has none.
     */
    struct tidings_view token;
    /**
     * When the token was issued (`iat`), in seconds since 1970, for `tidings_revoke_user`; 0 if it does not say.
     */
    uint64_t issued_s;
    /**
     * Patterns of channels that the user may subscribe to; `*` stands for any run of characters.
     */
    const struct tidings_view *subscribe;
    /**
     * How many there are.
     */
    size_t subscribe_count;
    /**
     * Patterns of channels that the user may publish to.
     */
    const struct tidings_view *publish;
    /**
     * How many there are.
     */
    size_t publish_count;
    /**
     * Patterns of users that the user may send to.
     */
    const struct tidings_view *send;
    /**
     * How many there are.
     */
    size_t send_count;
    /**
     * Patterns of users that the user may watch.
     */
    const struct tidings_view *watch;
    /**
     * How many there are.
     */
    size_t watch_count;
} tidings_admission;

/**
 * Which entries to read. The caller sets `size` to `sizeof(tidings_range)`.
 */
typedef struct tidings_range {
    /**
     * `sizeof(tidings_range)`.
     */
    uint32_t size;
    /**
     * Where to begin: a `tidings_begin`.
     */
    int32_t begin;
    /**
     * The place that it speaks of.
     */
    struct tidings_position position;
    /**
     * Most entries, at most 1,000.
     */
    uint64_t entries_max;
} tidings_range;

/**
 * An event with its data, and what is asked of it beyond what its namespace promises. The caller sets `size` to
 * `sizeof(tidings_message)`, and everything that it does not use to 0.
 */
typedef struct tidings_message {
    /**
     * `sizeof(tidings_message)`.
     */
    uint32_t size;
    /**
     * How `data` are written: a `tidings_codec`. With `TIDINGS_CODEC_NONE` and no data it is null.
     */
    int32_t codec;
    /**
     * The event: 1 to 64 bytes of printable ASCII without space, quotation mark and backslash.
     */
    struct tidings_view event;
    /**
     * Its data.
     */
    struct tidings_view data;
    /**
     * Of what is sent to a user: the namespace whose rules it follows. Nothing: those of the inbox.
     */
    struct tidings_view rules;
    /**
     * In class latest: which value it replaces.
     */
    struct tidings_view key;
    /**
     * The host's own name for it: the same again within the window is the same publication, and not delivered twice.
     */
    struct tidings_view idempotency_key;
    /**
     * `TIDINGS_MESSAGE_EPHEMERAL`, or 0.
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
} tidings_message;

/**
 * The place that a publication was given. The caller sets `size` to `sizeof(tidings_published)`.
 */
typedef struct tidings_published {
    /**
     * `sizeof(tidings_published)`, set by the caller.
     */
    uint32_t size;
    /**
     * How far it has come: a `tidings_level`.
     */
    int32_t level;
    /**
     * Its place in the channel; offset 0 for one that is ephemeral in a channel that is not.
     */
    struct tidings_position position;
} tidings_published;

/**
 * Called when the engine needs a buffer no more, once, from whatever thread was last to need it. It must not call the
 * library.
 */
typedef void (*tidings_release)(void *context);

/**
 * What became of an event that was sent to a user. The caller sets `size` to `sizeof(tidings_sent)`.
 */
typedef struct tidings_sent {
    /**
     * `sizeof(tidings_sent)`, set by the caller.
     */
    uint32_t size;
    /**
     * How far it has come: a `tidings_level`.
     */
    int32_t level;
    /**
     * How many sessions the user has connected now.
     */
    uint64_t sessions;
} tidings_sent;

/**
 * What the engine has counted since it was started, and what it holds now. The caller sets `size` to
 * `sizeof(tidings_stats)`.
 */
typedef struct tidings_stats {
    /**
     * `sizeof(tidings_stats)`, set by the caller.
     */
    uint32_t size;
    /**
     * 1 if the engine keeps things on disk and can do so now, else 0.
     */
    int32_t storing;
    /**
     * Connections open now.
     */
    uint64_t connections;
    /**
     * Channels in the directory now.
     */
    uint64_t channels;
    /**
     * Users whose inbox is in memory now: those connected, and with a store those who were sent to a moment ago.
     */
    uint64_t users;
    /**
     * Sessions that wait for their client to come back.
     */
    uint64_t parked;
    /**
     * Bytes that wait for the store.
     */
    uint64_t store_waiting_bytes;
    /**
     * Users whose pace is remembered: who has sent something within about a minute.
     */
    uint64_t users_paced;
    /**
     * Connections that were opened.
     */
    uint64_t opened;
    /**
     * Connections that were refused because of `connections_max`, or because the engine shuts down.
     */
    uint64_t refused;
    /**
     * Sessions that were admitted by the host.
     */
    uint64_t admitted;
    /**
     * Sessions that the host did not admit.
     */
    uint64_t denied;
    /**
     * Sessions that were ended because their token was revoked.
     */
    uint64_t revoked;
    /**
     * Connections that are over.
     */
    uint64_t closed;
    /**
     * Frames received from clients.
     */
    uint64_t frames_in;
    /**
     * Commands answered by an error.
     */
    uint64_t errors;
    /**
     * Publications placed, the host's and `send` included.
     */
    uint64_t published;
    /**
     * Publications that were given a place on disk, behind the barrier.
     */
    uint64_t stored;
    /**
     * Publications that were known by their idempotency key and answered as before.
     */
    uint64_t duplicates;
    /**
     * Changes of users' presence, those of users that hide included.
     */
    uint64_t presence_changes;
    /**
     * Such changes, and changes of channels' members, as they were enqueued for a session each.
     */
    uint64_t presence_told;
    /**
     * Sessions that were gone on with over another connection.
     */
    uint64_t resumed;
    /**
     * Times the store failed and had to be opened afresh.
     */
    uint64_t store_failures;
    /**
     * Entries on disk that could not be read and were told as gaps.
     */
    uint64_t damaged;
    /**
     * Entries put on the way to a connection.
     */
    uint64_t delivered;
    /**
     * Entries of ephemeral streams that a full connection did not get.
     */
    uint64_t skipped;
    /**
     * Bytes handed to sockets.
     */
    uint64_t bytes_out;
    /**
     * Times a connection was told to close because nothing drained from it.
     */
    uint64_t slow;
    /**
     * Times a connection was told to close because of a flood.
     */
    uint64_t flood;
    /**
     * Times a connection was told to close because it showed no life.
     */
    uint64_t lost;
} tidings_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library's interface: at least `TIDINGS_ABI_VERSION` where it has all that the header describes. Alone
 * among the functions it returns no status.
 *
 * Thread: any. Blocks: no.
 */
int32_t tidings_abi_version(void);

/**
 * Makes a configuration in which everything has its default.
 *
 * Thread: any. Blocks: no. Owner: the caller, who frees `*config` with `tidings_config_free`.
 */
int32_t tidings_config_new(struct tidings_config **config, struct tidings_error *error);

/**
 * Sets one setting, such as `limits.connections_max` to `20000`: values are texts as one would write them in the
 * environment. On an error nothing is changed.
 *
 * Thread: any. Blocks: no. Owner: both texts are copied.
 */
int32_t tidings_config_set(const struct tidings_config *config,
                           const char *key,
                           size_t key_len,
                           const char *value,
                           size_t value_len,
                           struct tidings_error *error);

/**
 * Sets all that a text in TOML sets, as a file of `tidingsd` does. On an error nothing is changed, and the message names the
 * line.
 *
 * Thread: any. Blocks: no. Owner: the text is copied.
 */
int32_t tidings_config_set_toml(const struct tidings_config *config,
                                const char *toml,
                                size_t toml_len,
                                struct tidings_error *error);

/**
 * Frees a configuration and sets `*config` to NULL. NULL, in either place, is nothing to free.
 *
 * Thread: any, when no other call uses it. Blocks: no.
 */
int32_t tidings_config_free(struct tidings_config **config);

/**
 * Starts an engine. Where `store.path` is set, the store there is opened, which may take a while.
 *
 * Thread: any. Blocks: while the store is opened. Owner: the configuration stays the caller's and may be freed or used again;
 * the caller frees `*engine` with `tidings_engine_free`. After a fork an engine works in the process alone that started it.
 */
int32_t tidings_engine_start(const struct tidings_config *config,
                             struct tidings_engine **engine,
                             struct tidings_error *error);

/**
 * Tells what an engine is doing: `*state` becomes a `tidings_state`.
 *
 * Thread: any. Blocks: no.
 */
int32_t tidings_engine_state(const struct tidings_engine *engine,
                             int32_t *state,
                             struct tidings_error *error);

/**
 * Begins to stop an engine without waiting: it takes no more connections, tells each client when to come back, and lets what
 * waits for them leave. When all are gone or `patience_ms` is over, the request `*request` is done: `TIDINGS_EVENT_KIND_DONE`,
 * `count` the sessions that are still there. Then stop it.
 *
 * Thread: any. Blocks: no.
 */
int32_t tidings_engine_drain(const struct tidings_engine *engine,
                             uint64_t patience_ms,
                             uint64_t *request,
                             struct tidings_error *error);

/**
 * Stops an engine: takes no more connections, tells each client when to come back, lets what waits for them leave, for at most
 * `patience_ms`; then what waits for the disk is written, and the threads end. `*left` (which may be NULL) becomes how many
 * sessions were still there. What waits can be polled after it. An engine that was stopped is not stopped twice: that is
 * no error.
 *
 * Thread: any but a callback. Other threads that poll are woken. Blocks: for up to twice `patience_ms`, and up to
 * 30 s for a disk that does not answer.
 */
int32_t tidings_engine_stop(const struct tidings_engine *engine,
                            uint64_t patience_ms,
                            uint64_t *left,
                            struct tidings_error *error);

/**
 * Frees an engine and sets `*engine` to NULL. NULL, in either place, is nothing to free. An engine that was not stopped is
 * stopped first, without patience. Batches are their owner's and stay. In a fork of the process that started it, what it holds
 * is left alone, and `TIDINGS_STATUS_FORKED` is returned.
 *
 * Thread: any, when no other call uses it. Blocks: no, if it was stopped; else as `tidings_engine_stop`.
 */
int32_t tidings_engine_free(struct tidings_engine **engine);

/**
 * Takes events that wait: at most some thousand, in the order in which they came. Where none waits, it waits for one for
 * `timeout_ms` (0: not at all; less than 0: as long as it takes), and `*batch` becomes NULL when none came. After the engine
 * was stopped, what waits is given out, and then `TIDINGS_STATUS_STOPPED` returned.
 *
 * Thread: any, several at the same time too. Blocks: for `timeout_ms`. Owner: the caller, who frees `*batch` with
 * `tidings_batch_free`.
 */
int32_t tidings_engine_poll(const struct tidings_engine *engine,
                            int32_t timeout_ms,
                            struct tidings_batch **batch,
                            struct tidings_error *error);

/**
 * A descriptor that can be read from (`POLLIN`) for as long as events wait, and after the engine was stopped: for poll, epoll,
 * libuv, asyncio and their like. Only wait on it; polling the engine until `*batch` is NULL makes it quiet.
 *
 * Thread: any. Blocks: no. Owner: the engine; `*descriptor` is the same each time, and good until the engine is freed. Do not
 * read, write or close it.
 */
int32_t tidings_engine_fd(const struct tidings_engine *engine,
                          int32_t *descriptor,
                          struct tidings_error *error);

/**
 * Has `wake` called with `context` when events begin to wait: once, and again after a poll has found none left. NULL ends
 * it: when this returns, what was set before is not running and will not be called. Where events wait already, nothing is called
 * for them: poll once after this.
 *
 * Thread: any; `wake` is called from threads of the engine and from those that call the library. Blocks: until a `wake` that
 * is running returns. Owner: `context` is the caller's.
 */
int32_t tidings_engine_on_ready(const struct tidings_engine *engine,
                                tidings_wake wake,
                                void *context,
                                struct tidings_error *error);

/**
 * Tells how many events a batch has: `*count`. NULL has none.
 *
 * Thread: any, several at the same time too. Blocks: no.
 */
int32_t tidings_batch_count(const struct tidings_batch *batch,
                            size_t *count,
                            struct tidings_error *error);

/**
 * Reads the event at place `index`, from 0. The caller has set `event->size`.
 *
 * Thread: any, several at the same time too. Blocks: no. Owner: what the event's views point at is the batch's, and good
 * until that is freed.
 */
int32_t tidings_batch_get(const struct tidings_batch *batch,
                          size_t index,
                          struct tidings_event *event,
                          struct tidings_error *error);

/**
 * Frees a batch and sets `*batch` to NULL; the views of its events are no longer good. NULL, in either place, is nothing to
 * free. It may outlive its engine.
 *
 * Thread: any, when no other call uses it. Blocks: no.
 */
int32_t tidings_batch_free(struct tidings_batch **batch);

/**
 * Listens at `address`, an IP address and a port such as `127.0.0.1:8080` or `[::]:8080`, and serves WebSocket at `/ws`,
 * server-sent events at `/sse`, with `api.key` the HTTP API at `/api/v1`, and `/healthz` and `/readyz`. `*port` (which may be
 * NULL) becomes the port: port 0 takes a free one. Several addresses may be listened at, until the engine is stopped.
 *
 * Thread: any. Blocks: no; names are not looked up. Owner: the address is copied.
 */
int32_t tidings_listen(const struct tidings_engine *engine,
                       const char *address,
                       size_t address_len,
                       uint16_t *port,
                       struct tidings_error *error);

/**
 * Answers a question about a token: it is this user's. A user id that the protocol does not allow is told to the client as a
 * fault of the server.
 *
 * Thread: any. Blocks: no. Owner: everything is copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
 */
int32_t tidings_admit(const struct tidings_engine *engine,
                      uint64_t question,
                      const struct tidings_admission *admission,
                      struct tidings_error *error);

/**
 * Answers a question whether somebody may: yes.
 *
 * Thread: any. Blocks: no. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
 */
int32_t tidings_allow(const struct tidings_engine *engine,
                      uint64_t question,
                      struct tidings_error *error);

/**
 * Answers a question whom somebody may watch: these. Those that are not among them it may not.
 *
 * Thread: any. Blocks: no. Owner: everything is copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
 */
int32_t tidings_allow_users(const struct tidings_engine *engine,
                            uint64_t question,
                            const struct tidings_view *users,
                            size_t users_count,
                            struct tidings_error *error);

/**
 * Answers a call: what the method returns. `codec` is a `tidings_codec`, how the data are written; with
 * `TIDINGS_CODEC_NONE` and no data it is null.
 *
 * Thread: any. Blocks: no. Owner: the data are copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
 */
int32_t tidings_reply(const struct tidings_engine *engine,
                      uint64_t question,
                      int32_t codec,
                      const char *result,
                      size_t result_len,
                      struct tidings_error *error);

/**
 * Answers a question: no. `code` is a `tidings_code` below 3000, or 0 for the plain no of such a question, and `message` what
 * the client is told, which with `code` 0 may be empty.
 *
 * Thread: any. Blocks: no. Owner: the message is copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
 */
int32_t tidings_deny(const struct tidings_engine *engine,
                     uint64_t question,
                     int32_t code,
                     const char *message,
                     size_t message_len,
                     struct tidings_error *error);

/**
 * How a channel stands. When that is known the request `*request` is done: `TIDINGS_EVENT_KIND_DONE`, `count` its subscribed
 * sessions, `position` its last entry (epoch 0: nothing is known of it), `first` the first offset that is kept, `detail` a
 * `tidings_class`.
 *
 * Thread: any. Blocks: no. Owner: the name is copied.
 */
int32_t tidings_channel(const struct tidings_engine *engine,
                        const char *channel,
                        size_t channel_len,
                        uint64_t *request,
                        struct tidings_error *error);

/**
 * Reads a page of what a channel keeps: at most `range->entries_max` entries and about 1 MiB. The request `*request` gets one
 * `TIDINGS_EVENT_KIND_ENTRY` for each, by rising offset, one `TIDINGS_EVENT_KIND_MISSING` for each hole, and is then done:
 * `TIDINGS_EVENT_KIND_DONE`, `count` the entries, `position` the channel's last entry (epoch 0: nothing is known of it), `first`
 * the first offset that is kept, `from` the first that this page is about, `next` the offset behind which to go on.
 *
 * Thread: any. Blocks: no. Owner: everything is copied.
 */
int32_t tidings_history(const struct tidings_engine *engine,
                        const char *channel,
                        size_t channel_len,
                        const struct tidings_range *range,
                        uint64_t *request,
                        struct tidings_error *error);

/**
 * What waits for a user. The request `*request` gets one `TIDINGS_EVENT_KIND_DEVICE` for each of the user's devices, and is then
 * done: `TIDINGS_EVENT_KIND_DONE`, `position` the inbox's last entry (epoch 0: there is none), `count` the entries that some
 * device has not acknowledged, `last` their bytes on disk, `first` the offset of the oldest and `at_ms` when it was taken.
 *
 * Thread: any. Blocks: no. Owner: the id is copied.
 */
int32_t tidings_inbox(const struct tidings_engine *engine,
                      const char *user,
                      size_t user_len,
                      uint64_t *request,
                      struct tidings_error *error);

/**
 * Opens a connection inside the process. What the engine sends to it comes as `TIDINGS_EVENT_KIND_LOCAL_FRAME`; when the engine
 * ends it, `TIDINGS_EVENT_KIND_LOCAL_CLOSED` comes. `*local` becomes its id.
 *
 * Thread: any. Blocks: no. End it with `tidings_local_close`.
 */
int32_t tidings_local_open(const struct tidings_engine *engine,
                           uint64_t *local,
                           struct tidings_error *error);

/**
 * Says something on a local connection: one or more frames of the protocol in JSON, one a line.
 *
 * Thread: any. Blocks: no. Owner: the frames are copied. `TIDINGS_STATUS_STALE`: it was closed.
 */
int32_t tidings_local_send(const struct tidings_engine *engine,
                           uint64_t local,
                           const char *frames,
                           size_t frames_len,
                           struct tidings_error *error);

/**
 * Ends a local connection. Frames of it that wait can still be polled; its id is stale.
 *
 * Thread: any. Blocks: no. `TIDINGS_STATUS_STALE`: it was closed before.
 */
int32_t tidings_local_close(const struct tidings_engine *engine,
                            uint64_t local,
                            struct tidings_error *error);

/**
 * Whether a user has a device that is there: connected, or lost for less than the grace. One that hides is. `*online` becomes
 * 1 or 0.
 *
 * Thread: any. Blocks: no. Owner: the id is copied.
 */
int32_t tidings_is_online(const struct tidings_engine *engine,
                          const char *user,
                          size_t user_len,
                          int32_t *online,
                          struct tidings_error *error);

/**
 * How present users are, all at the same moment: `*batch` becomes one `TIDINGS_EVENT_KIND_PRESENCE` for each, in the order in
 * which they are named.
 *
 * Thread: any. Blocks: no. Owner: the ids are copied; the caller frees `*batch`.
 */
int32_t tidings_presence(const struct tidings_engine *engine,
                         const struct tidings_view *users,
                         size_t users_count,
                         struct tidings_batch **batch,
                         struct tidings_error *error);

/**
 * Who is in a channel as others see it, or with `list` 0 how many: `*batch` becomes one `TIDINGS_EVENT_KIND_MEMBER` for each who
 * is listed, then `TIDINGS_EVENT_KIND_DONE`: `count` how many there are, `detail` 1 if all of them are listed.
 *
 * Thread: any. Blocks: no. Owner: the name is copied; the caller frees `*batch`.
 */
int32_t tidings_channel_presence(const struct tidings_engine *engine,
                                 const char *channel,
                                 size_t channel_len,
                                 int32_t list,
                                 struct tidings_batch **batch,
                                 struct tidings_error *error);

/**
 * The sessions of a user, those included that wait for their clients to come back: `*batch` becomes one
 * `TIDINGS_EVENT_KIND_SESSION` for each, followed by one `TIDINGS_EVENT_KIND_SESSION_CHANNEL` for each of its channels.
 *
 * Thread: any. Blocks: no. Owner: the id is copied; the caller frees `*batch`.
 */
int32_t tidings_sessions(const struct tidings_engine *engine,
                         const char *user,
                         size_t user_len,
                         struct tidings_batch **batch,
                         struct tidings_error *error);

/**
 * Publishes to a channel. `*published` (which may be NULL) becomes the place that it was given. In a durable namespace it is on
 * its way to the disk when this returns; `tidings_publish_stored` tells when it is there.
 *
 * Thread: any. Blocks: no. Owner: everything is copied.
 */
int32_t tidings_publish(const struct tidings_engine *engine,
                        const char *channel,
                        size_t channel_len,
                        const struct tidings_message *message,
                        struct tidings_published *published,
                        struct tidings_error *error);

/**
 * Publishes data without copying them: the engine keeps `message->data` for as long as it needs them, and then calls `release`
 * with `context`, exactly once, whatever is returned, also for a message that is refused or is not there. Without a `release`
 * the data must stay for good.
 *
 * Thread: any; `release` is called from any thread, inside this call too, and must not call the library. Blocks: no. Owner:
 * the data are the engine's until they are released; all else is copied.
 */
int32_t tidings_publish_owned(const struct tidings_engine *engine,
                              const char *channel,
                              size_t channel_len,
                              const struct tidings_message *message,
                              tidings_release release,
                              void *context,
                              struct tidings_published *published,
                              struct tidings_error *error);

/**
 * Publishes to a channel of a durable namespace. It is placed when this returns, and when it is on disk the request
 * `*request` is done: `TIDINGS_EVENT_KIND_DONE`, `position` its place, `detail` a `tidings_level`. After
 * `TIDINGS_STATUS_STORE` it may be on disk or not: the same idempotency key keeps another try from being delivered twice.
 *
 * Thread: any. Blocks: no. Owner: everything is copied.
 */
int32_t tidings_publish_stored(const struct tidings_engine *engine,
                               const char *channel,
                               size_t channel_len,
                               const struct tidings_message *message,
                               uint64_t *request,
                               struct tidings_error *error);

/**
 * Whether a namespace is declared: `*declared` becomes 1 or 0.
 *
 * Thread: any. Blocks: no. Owner: the name is copied.
 */
int32_t tidings_has_namespace(const struct tidings_engine *engine,
                              const char *name,
                              size_t name_len,
                              int32_t *declared,
                              struct tidings_error *error);

/**
 * Revokes the token of this name (`admission->token`): nobody is admitted by it any more, and the sessions that were are closed
 * with 3506 and cannot be resumed. It is kept in memory until `until_s`, in seconds since 1970, or with 0 for good; say it again
 * after a start. The request `*request` is done when all have been told: `TIDINGS_EVENT_KIND_DONE`, `count` how many sessions.
 *
 * Thread: any. Blocks: no. Owner: the name is copied.
 */
int32_t tidings_revoke_token(const struct tidings_engine *engine,
                             const char *name,
                             size_t name_len,
                             uint64_t until_s,
                             uint64_t *request,
                             struct tidings_error *error);

/**
 * Revokes all tokens of a user that were issued (`admission->issued_s`) up to `issued_before_s`, in seconds since 1970, or with 0
 * up to now, and those that do not say when. Otherwise as `tidings_revoke_token`.
 *
 * Thread: any. Blocks: no. Owner: the id is copied.
 */
int32_t tidings_revoke_user(const struct tidings_engine *engine,
                            const char *user,
                            size_t user_len,
                            uint64_t issued_before_s,
                            uint64_t until_s,
                            uint64_t *request,
                            struct tidings_error *error);

/**
 * Sends an event to every device of a user: at once to those that are connected, and, where the engine keeps things on
 * disk, later to those that are not. `*sent` (which may be NULL) becomes what came of it.
 *
 * Thread: any. Blocks: no. Owner: everything is copied.
 */
int32_t tidings_send(const struct tidings_engine *engine,
                     const char *user,
                     size_t user_len,
                     const struct tidings_message *message,
                     struct tidings_sent *sent,
                     struct tidings_error *error);

/**
 * The same, and when it is on disk the request `*request` is done: `TIDINGS_EVENT_KIND_DONE`, `count` the user's sessions,
 * `detail` a `tidings_level`.
 *
 * Thread: any. Blocks: no. Owner: everything is copied.
 */
int32_t tidings_send_stored(const struct tidings_engine *engine,
                            const char *user,
                            size_t user_len,
                            const struct tidings_message *message,
                            uint64_t *request,
                            struct tidings_error *error);

/**
 * Sends one event to many users; its data are on disk once. `*sent` (which may be NULL) becomes to how many. Where full
 * inboxes refuse the sender, `*full` (which may be NULL) becomes a batch of `TIDINGS_EVENT_KIND_INBOX_FULL`, one for each of
 * them, or NULL. On an error those before the user at which it failed were sent to.
 *
 * Thread: any. Blocks: no. Owner: everything is copied; the caller frees `*full`.
 */
int32_t tidings_send_many(const struct tidings_engine *engine,
                          const struct tidings_view *users,
                          size_t users_count,
                          const struct tidings_message *message,
                          uint64_t *sent,
                          struct tidings_batch **full,
                          struct tidings_error *error);

/**
 * The same, and when it is on disk the request `*request` is done: `TIDINGS_EVENT_KIND_INBOX_FULL` for each user whose inbox is
 * full and refuses the sender, then `TIDINGS_EVENT_KIND_DONE`, `count` to how many users it was sent.
 *
 * Thread: any. Blocks: no. Owner: everything is copied.
 */
int32_t tidings_send_many_stored(const struct tidings_engine *engine,
                                 const struct tidings_view *users,
                                 size_t users_count,
                                 const struct tidings_message *message,
                                 uint64_t *request,
                                 struct tidings_error *error);

/**
 * Tells what the engine has counted. The caller has set `stats->size`.
 *
 * Thread: any. Blocks: no.
 */
int32_t tidings_engine_stats(const struct tidings_engine *engine,
                             struct tidings_stats *stats,
                             struct tidings_error *error);

/**
 * Ends every session of a user: those that are connected with close code 3504, and those that wait for their clients to come
 * back. None of them can be resumed. `*count` (which may be NULL) becomes how many those were.
 *
 * Thread: any. Blocks: no. Owner: the id is copied.
 */
int32_t tidings_disconnect_user(const struct tidings_engine *engine,
                                const char *user,
                                size_t user_len,
                                uint64_t *count,
                                struct tidings_error *error);

/**
 * Ends a session: with close code 3504 if it is connected. It cannot be resumed.
 *
 * Thread: any. Blocks: no. `TIDINGS_STATUS_STALE` or `TIDINGS_STATUS_NOT_FOUND`: it is over already.
 */
int32_t tidings_disconnect_session(const struct tidings_engine *engine,
                                   uint64_t session,
                                   struct tidings_error *error);

/**
 * Subscribes a connected session to a channel, whatever its user's own rights are. `*changed` (which may be NULL) becomes 1, or
 * 0 if it was subscribed already.
 *
 * Thread: any. Blocks: no. Owner: the name is copied.
 */
int32_t tidings_subscribe_session(const struct tidings_engine *engine,
                                  uint64_t session,
                                  const char *channel,
                                  size_t channel_len,
                                  int32_t *changed,
                                  struct tidings_error *error);

/**
 * Ends a connected session's part in a channel. `*changed` (which may be NULL) becomes 1, or 0 if it was not subscribed.
 *
 * Thread: any. Blocks: no. Owner: the name is copied.
 */
int32_t tidings_unsubscribe_session(const struct tidings_engine *engine,
                                    uint64_t session,
                                    const char *channel,
                                    size_t channel_len,
                                    int32_t *changed,
                                    struct tidings_error *error);

/**
 * Finds the session whose id on the wire, 32 hexadecimal digits, is `name`: `*session` becomes its number here.
 *
 * Thread: any. Blocks: no. Owner: the name is copied. `TIDINGS_STATUS_NOT_FOUND`: there is none.
 */
int32_t tidings_session_named(const struct tidings_engine *engine,
                              const char *name,
                              size_t name_len,
                              uint64_t *session,
                              struct tidings_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TIDINGS_H */
