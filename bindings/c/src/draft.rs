//! Events before they lie in a batch, and how they lie there.

use crate::event::{TidingsCodec, TidingsEvent, TidingsEventKind, TidingsPosition};
use crate::memory::TidingsView;
use std::mem::size_of;

/// What is to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) kind: TidingsEventKind,
    pub(crate) id: u64,
    pub(crate) session: u64,
    pub(crate) texts: Texts<'a>,
    pub(crate) codec: TidingsCodec,
    pub(crate) status: i32,
    pub(crate) code: i32,
    pub(crate) detail: i32,
    pub(crate) reason: i32,
    pub(crate) position: TidingsPosition,
    pub(crate) at_ms: u64,
    pub(crate) numbers: Numbers,
}

/// Its texts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Texts<'a> {
    pub(crate) user: &'a str,
    pub(crate) target: &'a str,
    pub(crate) event: &'a str,
    pub(crate) data: &'a [u8],
    pub(crate) key: &'a str,
}

/// Its numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    pub(crate) count: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) from: u64,
    pub(crate) next: u64,
}

impl Draft<'_> {
    pub(crate) fn new(kind: TidingsEventKind) -> Self {
        Self {
            kind,
            id: 0,
            session: 0,
            texts: Texts::default(),
            codec: TidingsCodec::None,
            status: 0,
            code: 0,
            detail: 0,
            reason: 0,
            position: TidingsPosition::default(),
            at_ms: 0,
            numbers: Numbers::default(),
        }
    }

    /// What it takes in a chunk.
    pub(crate) fn bytes(&self) -> usize {
        let Texts { user, target, event, data, key } = self.texts;
        size_of::<Record>() + user.len() + target.len() + event.len() + data.len() + key.len()
    }
}

/// An event whose texts lie among its chunk's bytes, one behind the other.
#[derive(Debug)]
struct Record {
    kind: i32,
    codec: i32,
    status: i32,
    code: i32,
    detail: i32,
    reason: i32,
    /// Where the texts begin.
    begin: usize,
    lens: [u32; 5],
    id: u64,
    session: u64,
    tail: Tail,
}

#[derive(Debug)]
struct Tail {
    position: TidingsPosition,
    at_ms: u64,
    numbers: Numbers,
}

/// Some events, which go to a host together.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    records: Vec<Record>,
    bytes: Vec<u8>,
}

impl Chunk {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// What it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.records.len() * size_of::<Record>()
    }

    pub(crate) fn push(&mut self, draft: &Draft<'_>) {
        let Texts { user, target, event, data, key } = draft.texts;
        let begin = self.bytes.len();
        let texts = [user.as_bytes(), target.as_bytes(), event.as_bytes(), data, key.as_bytes()];
        let lens = texts.map(|text| {
            self.bytes.extend_from_slice(text);
            u32::try_from(text.len()).expect("the engine has no texts of 4 GiB")
        });
        let &Draft { kind, id, session, codec, status, code, detail, reason, position, at_ms, numbers, .. } = draft;
        let tail = Tail { position, at_ms, numbers };
        let (kind, codec) = (kind as i32, codec as i32);
        self.records.push(Record { kind, codec, status, code, detail, reason, begin, lens, id, session, tail });
    }

    /// The event as a host reads it. Its views are good for as long as the chunk lives and nothing is pushed.
    pub(crate) fn get(&self, index: usize) -> Option<TidingsEvent> {
        let record = self.records.get(index)?;
        let mut at = record.begin;
        let [user, target, event, data, key] = record.lens.map(|len| {
            let begin = at;
            at += len as usize;
            TidingsView::of(&self.bytes[begin..at])
        });
        let Tail { position, at_ms, numbers: Numbers { count, first, last, from, next } } = record.tail;
        let &Record { kind, codec, status, code, detail, reason, id, session, .. } = record;
        Some(TidingsEvent {
            size: 0,
            kind,
            id,
            session,
            user,
            target,
            event,
            data,
            key,
            codec,
            status,
            code,
            detail,
            reason,
            reserved: 0,
            position,
            at_ms,
            count,
            first,
            last,
            from,
            next,
        })
    }
}
