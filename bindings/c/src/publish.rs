//! Publishing to channels.

use crate::border;
use crate::draft::Draft;
use crate::engine::{Needs, TidingsEngine};
use crate::event::TidingsEventKind;
use crate::memory::{check_sized, put_sized, sized, text, wanted};
use crate::message::{self, Spoken, TidingsMessage, TidingsPublished, bad_data, codec};
use crate::owned::{Owned, TidingsRelease};
use crate::requests::Telling;
use crate::status::{Failure, TidingsError};
use bytes::Bytes;
use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use tidings::{Data, PublishedAt};

/// Publishes to a channel. `*published` (which may be NULL) becomes the place that it was given. In a durable namespace it is on
/// its way to the disk when this returns; `tidings_publish_stored` tells when it is there.
///
/// Thread: any. Blocks: no. Owner: everything is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_publish(
    engine: Option<&TidingsEngine>,
    channel: *const c_char,
    channel_len: usize,
    message: *const TidingsMessage,
    published: *mut TidingsPublished,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_publish", engine, error, |engine| {
        // SAFETY: the caller's promise.
        let (channel, (spoken, data)) = unsafe { (text(channel, channel_len, "channel")?, message::read(message)?) };
        // SAFETY: the same.
        unsafe { check_place(published) }?;
        let at = engine.inner().publish_message(channel, &spoken.with(&data))?;
        // SAFETY: the same.
        unsafe { put_place(published, at) }
    })
}

/// Publishes data without copying them: the engine keeps `message->data` for as long as it needs them, and then calls `release`
/// with `context`, exactly once, whatever is returned, also for a message that is refused or is not there. Without a `release`
/// the data must stay for good.
///
/// Thread: any; `release` is called from any thread, inside this call too, and must not call the library. Blocks: no. Owner:
/// the data are the engine's until they are released; all else is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_publish_owned(
    engine: Option<&TidingsEngine>,
    channel: *const c_char,
    channel_len: usize,
    message: *const TidingsMessage,
    release: TidingsRelease,
    context: *mut c_void,
    published: *mut TidingsPublished,
    error: *mut TidingsError,
) -> i32 {
    // Whatever happens below, this is dropped once.
    let mut owned = Owned::new(release, context);
    border::enter("tidings_publish_owned", engine, error, |engine| {
        // SAFETY: the caller's promise, and a message is any bytes.
        let message = unsafe { sized(message, "message") }?;
        // SAFETY: the caller's promise, in which the data stay until they are released.
        let (channel, spoken) = unsafe {
            owned.hold(message.data)?;
            check_place(published)?;
            (text(channel, channel_len, "channel")?, Spoken::read(&message)?)
        };
        let data = match codec(message.codec, message.data.len == 0)? {
            Some(codec) => Data::parse(codec, Bytes::from_owner(owned)).map_err(bad_data)?,
            None => Data::null(),
        };
        let at = engine.inner().publish_message(channel, &spoken.with(&data))?;
        // SAFETY: the caller's promise.
        unsafe { put_place(published, at) }
    })
}

/// Publishes to a channel of a durable namespace. It is placed when this returns, and when it is on disk the request
/// `*request` is done: `TIDINGS_EVENT_KIND_DONE`, `position` its place, `detail` a `tidings_level`. After
/// `TIDINGS_STATUS_STORE` it may be on disk or not: the same idempotency key keeps another try from being delivered twice.
///
/// Thread: any. Blocks: no. Owner: everything is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_publish_stored(
    engine: Option<&TidingsEngine>,
    channel: *const c_char,
    channel_len: usize,
    message: *const TidingsMessage,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_publish_stored", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise.
        let (channel, (spoken, data)) = unsafe { (text(channel, channel_len, "channel")?, message::read(message)?) };
        let stored = engine.inner().publish_stored(channel, &spoken.with(&data));
        request.write(engine.request(async move {
            let TidingsPublished { level, position, .. } = stored.await?.into();
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| {
                tell(&Draft { id, position, detail: level, ..Draft::new(TidingsEventKind::Done) });
            }) as Telling)
        }));
        Ok(())
    })
}

/// Whether a namespace is declared: `*declared` becomes 1 or 0.
///
/// Thread: any. Blocks: no. Owner: the name is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_has_namespace(
    engine: Option<&TidingsEngine>,
    name: *const c_char,
    name_len: usize,
    declared: Option<&mut MaybeUninit<i32>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter_if("tidings_has_namespace", engine, Needs::Whole, error, |engine| {
        // SAFETY: the caller's promise.
        let name = unsafe { text(name, name_len, "name") }?;
        wanted(declared, "declared")?.write(engine.inner().has_namespace(name).into());
        Ok(())
    })
}

/// Whether a place can be written, before anything is done that cannot be taken back.
///
/// # Safety
/// As [`check_sized`], or NULL.
unsafe fn check_place(published: *mut TidingsPublished) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    if published.is_null() { Ok(()) } else { unsafe { check_sized(published, "published") } }
}

/// # Safety
/// As [`check_place`].
unsafe fn put_place(published: *mut TidingsPublished, at: PublishedAt) -> Result<(), Failure> {
    if published.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { put_sized(published, &at.into(), "published") }
}

impl TidingsEngine {
    /// Has something done, and the host told of it.
    pub(crate) fn request(&self, work: impl Future<Output = Result<Telling, Failure>> + Send + 'static) -> u64 {
        self.parts().requests.begin(self.handle(), work)
    }
}
