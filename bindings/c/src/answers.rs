//! Answers to questions.

use crate::border;
use crate::bridge::{Answer, refusal};
use crate::engine::TidingsEngine;
use crate::memory::{TidingsView, bytes, optional, sized, text, texts};
use crate::message::data;
use crate::status::{Failure, TidingsError};
use std::ffi::c_char;
use tidings::host::{Admission, Denial};
use tidings::{Code, Grants, Pattern};

/// Whom a token belongs to, and what that user may do without being asked for. The caller sets `size` to
/// `sizeof(tidings_admission)`, and everything that it does not use to 0.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsAdmission {
    /// `sizeof(tidings_admission)`.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// The user's id: 1 to 128 bytes without control characters.
    pub user: TidingsView,
    /// When the session ends, in milliseconds since 1970; 0: by itself never.
    pub expires_at_ms: u64,
    /// The token's own name (`jti`), by which `tidings_revoke_token` finds the session; nothing if it has none.
    pub token: TidingsView,
    /// When the token was issued (`iat`), in seconds since 1970, for `tidings_revoke_user`; 0 if it does not say.
    pub issued_s: u64,
    /// Patterns of channels that the user may subscribe to; `*` stands for any run of characters.
    pub subscribe: *const TidingsView,
    /// How many there are.
    pub subscribe_count: usize,
    /// Patterns of channels that the user may publish to.
    pub publish: *const TidingsView,
    /// How many there are.
    pub publish_count: usize,
    /// Patterns of users that the user may send to.
    pub send: *const TidingsView,
    /// How many there are.
    pub send_count: usize,
    /// Patterns of users that the user may watch.
    pub watch: *const TidingsView,
    /// How many there are.
    pub watch_count: usize,
}

impl TidingsAdmission {
    /// The admission as the engine takes it.
    ///
    /// # Safety
    /// What it points at is there.
    unsafe fn read(&self) -> Result<Admission, Failure> {
        let patterns = |views, count, name| {
            // SAFETY: the caller's promise.
            let texts = unsafe { texts(views, count, name) }?;
            Ok::<_, Failure>(texts.into_iter().map(Pattern::new).collect())
        };
        let grants = Grants {
            subscribe: patterns(self.subscribe, self.subscribe_count, "admission->subscribe")?,
            publish: patterns(self.publish, self.publish_count, "admission->publish")?,
            send: patterns(self.send, self.send_count, "admission->send")?,
            watch: patterns(self.watch, self.watch_count, "admission->watch")?,
        };
        // SAFETY: the caller's promise.
        let (user, token) =
            unsafe { (optional(self.user, "admission->user")?, optional(self.token, "admission->token")?) };
        let user = user.ok_or_else(|| Failure::argument("`admission->user` is empty"))?;
        let expires_at_ms = (self.expires_at_ms > 0).then_some(self.expires_at_ms);
        let issued_s = (self.issued_s > 0).then_some(self.issued_s);
        Ok(Admission::new(user).grants(grants).expires_at_ms(expires_at_ms).token(token, issued_s))
    }
}

/// Answers a question about a token: it is this user's. A user id that the protocol does not allow is told to the client as a
/// fault of the server.
///
/// Thread: any. Blocks: no. Owner: everything is copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_admit(
    engine: Option<&TidingsEngine>,
    question: u64,
    admission: *const TidingsAdmission,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_admit", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let admission = unsafe { sized(admission, "admission")?.read() }?;
        engine.answer(question, Answer::Admitted(admission))
    })
}

/// Answers a question whether somebody may: yes.
///
/// Thread: any. Blocks: no. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_allow(engine: Option<&TidingsEngine>, question: u64, error: *mut TidingsError) -> i32 {
    border::enter("tidings_allow", engine, error, |engine| engine.answer(question, Answer::Allowed))
}

/// Answers a question whom somebody may watch: these. Those that are not among them it may not.
///
/// Thread: any. Blocks: no. Owner: everything is copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_allow_users(
    engine: Option<&TidingsEngine>,
    question: u64,
    users: *const TidingsView,
    users_count: usize,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_allow_users", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let users = unsafe { texts(users, users_count, "users") }?;
        engine.answer(question, Answer::Users(users.into_iter().map(str::to_owned).collect()))
    })
}

/// Answers a call: what the method returns. `codec` is a `tidings_codec`, how the data are written; with
/// `TIDINGS_CODEC_NONE` and no data it is null.
///
/// Thread: any. Blocks: no. Owner: the data are copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_reply(
    engine: Option<&TidingsEngine>,
    question: u64,
    codec: i32,
    result: *const c_char,
    result_len: usize,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_reply", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let result = unsafe { bytes(result, result_len, "result") }?;
        engine.answer(question, Answer::Result(data(codec, result)?))
    })
}

/// Answers a question: no. `code` is a `tidings_code` below 3000, or 0 for the plain no of such a question, and `message` what
/// the client is told, which with `code` 0 may be empty.
///
/// Thread: any. Blocks: no. Owner: the message is copied. `TIDINGS_STATUS_STALE`: nobody waits for the answer any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_deny(
    engine: Option<&TidingsEngine>,
    question: u64,
    code: i32,
    message: *const c_char,
    message_len: usize,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_deny", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let message = unsafe { text(message, message_len, "message") }?;
        let kind = engine.parts().bridge.kind(question);
        let plain = kind.map_or_else(Denial::forbidden, refusal);
        let code = if code == 0 { plain.code } else { answering(code)? };
        let message = if message.is_empty() { &*plain.message } else { message };
        engine.answer(question, Answer::Denied(Denial::new(code, message)))
    })
}

/// A code that a command can be answered by.
fn answering(code: i32) -> Result<Code, Failure> {
    let known = u16::try_from(code).ok().and_then(Code::from_number).filter(|code| !code.closes());
    known.ok_or_else(|| Failure::argument("`code` is no tidings_code below 3000"))
}

impl TidingsEngine {
    fn answer(&self, question: u64, answer: Answer) -> Result<(), Failure> {
        self.parts().bridge.answer(question, answer)
    }
}
