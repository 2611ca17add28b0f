use super::{Flushed, Outbox, OutboxLimits, Pushed};
use crate::link::Link;
use crate::sync::lock;
use bytes::Bytes;
use proptest::prelude::*;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tidings_proto::id::SessionId;
use tidings_proto::wire::WireForm;

const LIMITS: OutboxLimits = OutboxLimits { bytes_max: 100, pieces_max: 8 };

/// A link that takes only as much as it is allowed to.
#[derive(Default)]
struct Narrow(Mutex<NarrowState>);

#[derive(Default)]
struct NarrowState {
    takes: usize,
    broken: bool,
    got: Vec<u8>,
    finished: bool,
    aborted: bool,
}

impl Link for Narrow {
    fn form(&self) -> WireForm {
        WireForm::JsonLines
    }

    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = lock(&self.0);
        if state.broken {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if state.takes == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let all: Vec<u8> = frames.iter().flat_map(|frame| frame.iter().copied()).collect();
        let taken = all.len().min(state.takes);
        state.takes -= taken;
        state.got.extend_from_slice(&all[..taken]);
        Ok(taken)
    }

    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn finish(&self) {
        lock(&self.0).finished = true;
    }

    fn abort(&self) {
        lock(&self.0).aborted = true;
    }
}

fn outbox() -> (Outbox, Arc<Narrow>) {
    let link = Arc::new(Narrow::default());
    (Outbox::new(SessionId(1), 0, Arc::clone(&link) as Arc<dyn Link>), link)
}

fn piece(byte: u8, bytes: usize) -> Bytes {
    Bytes::from(vec![byte; bytes])
}

#[test]
fn only_the_first_push_asks_for_a_flush() {
    let (outbox, link) = outbox();
    lock(&link.0).takes = 1_000;
    assert_eq!(outbox.push(piece(1, 10), LIMITS), Pushed::Dirty);
    assert_eq!(outbox.push(piece(2, 10), LIMITS), Pushed::Waiting);
    assert_eq!(outbox.flush(LIMITS).bytes, 20);
    assert_eq!(outbox.push(piece(3, 10), LIMITS), Pushed::Dirty);
    assert_eq!(outbox.bytes(), 10);
}

#[test]
fn a_full_outbox_takes_nothing_and_tells_when_there_is_room() {
    let (outbox, link) = outbox();
    assert_eq!(outbox.push(piece(1, 500), LIMITS), Pushed::Dirty, "an empty one takes one piece of any size");
    assert_eq!(outbox.push(piece(2, 1), LIMITS), Pushed::Full);
    assert!(outbox.flush(LIMITS).blocked);
    assert_eq!(outbox.push(piece(2, 1), LIMITS), Pushed::Full);
    lock(&link.0).takes = 400;
    let Flushed { blocked, room_again, bytes } = outbox.unblock(LIMITS);
    assert_eq!((blocked, room_again, bytes), (true, false, 400));
    lock(&link.0).takes = 60;
    let Flushed { blocked, room_again, bytes } = outbox.unblock(LIMITS);
    assert_eq!((blocked, room_again, bytes), (true, true, 60), "less than half is left");
    lock(&link.0).takes = 100;
    let Flushed { blocked, room_again, bytes } = outbox.unblock(LIMITS);
    assert_eq!((blocked, room_again, bytes), (false, false, 40));
}

#[test]
fn the_last_frames_end_the_link_when_they_have_left() {
    let (outbox, link) = outbox();
    outbox.push(piece(1, 10), LIMITS);
    assert_eq!(outbox.push_last(piece(9, 5), false), Pushed::Waiting);
    assert_eq!(outbox.push(piece(2, 10), LIMITS), Pushed::Waiting, "nothing follows the last");
    assert!(outbox.flush(LIMITS).blocked);
    assert!(!lock(&link.0).finished);
    lock(&link.0).takes = 1_000;
    outbox.unblock(LIMITS);
    assert!(lock(&link.0).finished);
    assert!(outbox.is_closed());
    assert_eq!(lock(&link.0).got, [vec![1; 10], vec![9; 5]].concat());
}

#[test]
fn last_frames_at_once_give_up_what_waits_but_not_a_piece_that_has_begun() {
    let (outbox, link) = outbox();
    outbox.push(piece(1, 10), LIMITS);
    outbox.push(piece(2, 10), LIMITS);
    lock(&link.0).takes = 4;
    assert!(outbox.flush(LIMITS).blocked);
    outbox.push_last(piece(9, 5), true);
    lock(&link.0).takes = 1_000;
    outbox.unblock(LIMITS);
    assert_eq!(lock(&link.0).got, [vec![1; 10], vec![9; 5]].concat());
}

#[test]
fn a_broken_link_is_given_up() {
    let (outbox, link) = outbox();
    lock(&link.0).broken = true;
    outbox.push(piece(1, 10), LIMITS);
    outbox.flush(LIMITS);
    assert!(outbox.is_closed());
    assert!(lock(&link.0).aborted);
    assert_eq!(outbox.push(piece(1, 10), LIMITS), Pushed::Waiting);
    assert_eq!(outbox.bytes(), 0);
}

#[derive(Debug, Clone)]
enum Act {
    Push(usize),
    Allow(usize),
    Flush,
    Unblock,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1_usize..60).prop_map(Act::Push),
        (0_usize..120).prop_map(Act::Allow),
        Just(Act::Flush),
        Just(Act::Unblock),
    ]
}

proptest! {
    /// What was taken arrives once, in order; the bounds hold; nobody who was refused waits for ever.
    #[test]
    fn what_is_taken_arrives_in_order(acts in prop::collection::vec(act(), 1..80)) {
        let (outbox, link) = outbox();
        let (mut taken, mut name, mut refused) = (Vec::new(), 0_u8, false);
        for act in acts {
            match act {
                Act::Push(bytes) => {
                    name = name.wrapping_add(1);
                    match outbox.push(piece(name, bytes), LIMITS) {
                        Pushed::Full => refused = true,
                        Pushed::Dirty | Pushed::Waiting => taken.extend(vec![name; bytes]),
                    }
                }
                Act::Allow(bytes) => lock(&link.0).takes += bytes,
                Act::Flush => refused &= !outbox.flush(LIMITS).room_again,
                Act::Unblock => refused &= !outbox.unblock(LIMITS).room_again,
            }
            prop_assert!(outbox.bytes() <= LIMITS.bytes_max);
            prop_assert_eq!(outbox.bytes() + lock(&link.0).got.len(), taken.len());
        }
        lock(&link.0).takes = usize::MAX / 2;
        refused &= !outbox.unblock(LIMITS).room_again;
        prop_assert!(!refused, "whoever was refused is told when there is room");
        prop_assert_eq!(&lock(&link.0).got, &taken);
    }
}
