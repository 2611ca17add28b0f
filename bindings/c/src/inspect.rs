//! What a host can see of channels and inboxes. What may be on disk is read without keeping anybody waiting.

use crate::border;
use crate::draft::{Draft, Numbers, Texts};
use crate::engine::TidingsEngine;
use crate::event::{TidingsClass, TidingsEventKind as Kind, TidingsGapReason, TidingsPosition};
use crate::memory::{sized, text, wanted};
use crate::requests::Telling;
use crate::settings::DataForm;
use crate::status::{Failure, TidingsError};
use std::ffi::c_char;
use std::mem::MaybeUninit;
use tidings::inspect::{Begin, Class, Entry, Epoch, GapReason, History, InboxView, Missing, Position};

/// Where to begin in a channel's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsBegin {
    /// With the newest.
    Newest = 0,
    /// Behind `position`: what followed it.
    Since = 1,
    /// Behind the offset of `position`, in the epoch that the channel has now.
    Behind = 2,
    /// With those before the offset of `position`.
    Before = 3,
}

/// Which entries to read. The caller sets `size` to `sizeof(tidings_range)`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TidingsRange {
    /// `sizeof(tidings_range)`.
    pub size: u32,
    /// Where to begin: a `tidings_begin`.
    pub begin: i32,
    /// The place that it speaks of.
    pub position: TidingsPosition,
    /// Most entries, at most 1,000.
    pub entries_max: u64,
}

impl TidingsRange {
    fn begin(&self) -> Result<Begin, Failure> {
        const NEWEST: i32 = TidingsBegin::Newest as i32;
        const SINCE: i32 = TidingsBegin::Since as i32;
        const BEHIND: i32 = TidingsBegin::Behind as i32;
        const BEFORE: i32 = TidingsBegin::Before as i32;
        let TidingsPosition { epoch, offset } = self.position;
        match self.begin {
            NEWEST => Ok(Begin::Newest),
            SINCE => Ok(Begin::Since(Position { epoch: Epoch(epoch), offset })),
            BEHIND => Ok(Begin::Behind(offset)),
            BEFORE => Ok(Begin::Before(offset)),
            _ => Err(Failure::argument("`range->begin` is no tidings_begin")),
        }
    }
}

/// How a channel stands. When that is known the request `*request` is done: `TIDINGS_EVENT_KIND_DONE`, `count` its subscribed
/// sessions, `position` its last entry (epoch 0: nothing is known of it), `first` the first offset that is kept, `detail` a
/// `tidings_class`.
///
/// Thread: any. Blocks: no. Owner: the name is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_channel(
    engine: Option<&TidingsEngine>,
    channel: *const c_char,
    channel_len: usize,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_channel", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise.
        let channel = unsafe { text(channel, channel_len, "channel") }?.to_owned();
        let looked = engine.inner().clone();
        request.write(engine.request(async move {
            let view = looked.channel(&channel).await?;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| {
                let numbers = Numbers { count: view.members as u64, first: view.first, ..Numbers::default() };
                let (position, detail) = (place(view.position), class(view.class) as i32);
                tell(&Draft { id, numbers, position, detail, ..Draft::new(Kind::Done) });
            }) as Telling)
        }));
        Ok(())
    })
}

/// Reads a page of what a channel keeps: at most `range->entries_max` entries and about 1 MiB. The request `*request` gets one
/// `TIDINGS_EVENT_KIND_ENTRY` for each, by rising offset, one `TIDINGS_EVENT_KIND_MISSING` for each hole, and is then done:
/// `TIDINGS_EVENT_KIND_DONE`, `count` the entries, `position` the channel's last entry (epoch 0: nothing is known of it), `first`
/// the first offset that is kept, `from` the first that this page is about, `next` the offset behind which to go on.
///
/// Thread: any. Blocks: no. Owner: everything is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_history(
    engine: Option<&TidingsEngine>,
    channel: *const c_char,
    channel_len: usize,
    range: *const TidingsRange,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_history", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise, and a range is any bytes.
        let (channel, range) = unsafe { (text(channel, channel_len, "channel")?.to_owned(), sized(range, "range")?) };
        let begin = range.begin()?;
        let entries_max = usize::try_from(range.entries_max).unwrap_or(usize::MAX);
        let (looked, form) = (engine.inner().clone(), engine.parts().requests.form());
        request.write(engine.request(async move {
            let history = looked.history(&channel, begin, entries_max).await?;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| tell_history(&history, form, id, tell)) as Telling)
        }));
        Ok(())
    })
}

/// What waits for a user. The request `*request` gets one `TIDINGS_EVENT_KIND_DEVICE` for each of the user's devices, and is then
/// done: `TIDINGS_EVENT_KIND_DONE`, `position` the inbox's last entry (epoch 0: there is none), `count` the entries that some
/// device has not acknowledged, `last` their bytes on disk, `first` the offset of the oldest and `at_ms` when it was taken.
///
/// Thread: any. Blocks: no. Owner: the id is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidings_inbox(
    engine: Option<&TidingsEngine>,
    user: *const c_char,
    user_len: usize,
    request: Option<&mut MaybeUninit<u64>>,
    error: *mut TidingsError,
) -> i32 {
    border::enter("tidings_inbox", engine, error, |engine| {
        let request = wanted(request, "request")?;
        // SAFETY: the caller's promise.
        let user = unsafe { text(user, user_len, "user") }?.to_owned();
        let looked = engine.inner().clone();
        request.write(engine.request(async move {
            let inbox = looked.inbox(&user).await?;
            Ok(Box::new(move |id, tell: &mut dyn FnMut(&Draft<'_>)| tell_inbox(&inbox, id, tell)) as Telling)
        }));
        Ok(())
    })
}

fn tell_history(history: &History, form: DataForm, id: u64, tell: &mut dyn FnMut(&Draft<'_>)) {
    let mut out = Vec::new();
    let epoch = history.position.map_or(0, |position| position.epoch.0);
    for Entry { offset, event, data, from, key, at } in &history.entries {
        let (codec, data) = form.write(data, &mut out);
        let user = from.as_deref().unwrap_or_default();
        let texts = Texts { user, event, data, key: key.as_deref().unwrap_or_default(), ..Texts::default() };
        let position = TidingsPosition { epoch, offset: *offset };
        tell(&Draft { id, texts, codec, position, at_ms: *at, ..Draft::new(Kind::Entry) });
    }
    for Missing { from, to, reason } in &history.missing {
        let numbers = Numbers { first: *from, last: *to, ..Numbers::default() };
        tell(&Draft { id, numbers, reason: gap(*reason) as i32, ..Draft::new(Kind::Missing) });
    }
    let numbers = Numbers {
        count: history.entries.len() as u64,
        first: history.first,
        from: history.from,
        next: history.next.map_or(0, |next| next.offset),
        ..Numbers::default()
    };
    tell(&Draft { id, numbers, position: place(history.position), ..Draft::new(Kind::Done) });
}

fn tell_inbox(inbox: &InboxView, id: u64, tell: &mut dyn FnMut(&Draft<'_>)) {
    for device in &inbox.devices {
        let texts = Texts { target: &device.name, ..Texts::default() };
        let numbers = Numbers { first: device.read, last: device.delivered, ..Numbers::default() };
        tell(&Draft { id, texts, numbers, at_ms: device.seen_at, ..Draft::new(Kind::Device) });
    }
    let (first, at_ms) = inbox.oldest.unwrap_or_default();
    let numbers = Numbers { count: inbox.depth, first, last: inbox.bytes, ..Numbers::default() };
    tell(&Draft { id, numbers, at_ms, position: place(inbox.position), ..Draft::new(Kind::Done) });
}

fn place(position: Option<Position>) -> TidingsPosition {
    position.map_or_else(TidingsPosition::default, |at| TidingsPosition { epoch: at.epoch.0, offset: at.offset })
}

const fn class(class: Class) -> TidingsClass {
    match class {
        Class::Ephemeral => TidingsClass::Ephemeral,
        Class::Latest => TidingsClass::Latest,
        Class::Durable => TidingsClass::Durable,
        _ => TidingsClass::Reliable,
    }
}

const fn gap(reason: GapReason) -> TidingsGapReason {
    match reason {
        GapReason::Expired => TidingsGapReason::Expired,
        GapReason::Epoch => TidingsGapReason::Epoch,
        GapReason::Future => TidingsGapReason::Future,
        GapReason::Lost => TidingsGapReason::Lost,
        _ => TidingsGapReason::Other,
    }
}
