//! What waits for one connection, bounded.

use bytes::Bytes;
use std::collections::VecDeque;
use tidings_core::stream::{Delivery, Subscriber};
use tidings_proto::wire::WireForm;

use crate::name::ConnId;

/// A member of a stream: how the stream knows a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) conn: ConnId,
    pub(crate) form: WireForm,
}

impl Subscriber for Member {
    fn form(&self) -> WireForm {
        self.form
    }
}

/// What an outbox may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) bytes: usize,
    pub(crate) pieces: usize,
}

impl Room {
    /// What answers may take.
    pub(crate) const fn of_answers(self) -> Self {
        Self { bytes: self.bytes * 2, pieces: self.pieces * 2 }
    }
}

/// The outbox of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// Something was refused for want of room.
    refused: bool,
    closing: bool,
    /// Since when nothing has left though something waits.
    pub(crate) stuck_since: Option<u64>,
}

impl Outbox {
    /// Takes frames if there is room. An empty outbox takes one piece of any size.
    pub(crate) fn push(&mut self, frames: Bytes, room: Room) -> Delivery {
        if self.closing || frames.is_empty() {
            return Delivery::Taken;
        }
        let too_many = self.bytes + frames.len() > room.bytes || self.pieces.len() >= room.pieces;
        if self.bytes > 0 && too_many {
            self.refused = true;
            return Delivery::Full;
        }
        self.append(frames);
        Delivery::Taken
    }

    /// Takes the last frames. With `at_once`, what waits before them is given up, but for a piece of which some has left.
    pub(crate) fn push_last(&mut self, frames: Bytes, at_once: bool) {
        if self.closing {
            return;
        }
        if at_once {
            self.pieces.truncate(1);
            self.bytes = self.pieces.front().map_or(0, Bytes::len);
        }
        self.append(frames);
        self.closing = true;
    }

    fn append(&mut self, frames: Bytes) {
        self.bytes += frames.len();
        self.pieces.push_back(frames);
    }

    /// Takes out what the socket takes.
    pub(crate) fn take(&mut self, bytes_max: usize) -> Vec<u8> {
        let mut taken = Vec::new();
        while taken.len() < bytes_max
            && let Some(mut piece) = self.pieces.pop_front()
        {
            let part = piece.split_to(piece.len().min(bytes_max - taken.len()));
            taken.extend_from_slice(&part);
            if !piece.is_empty() {
                self.pieces.push_front(piece);
            }
        }
        self.bytes -= taken.len();
        taken
    }

    /// Whether who was refused should come again.
    pub(crate) fn room_again(&mut self, room: Room) -> bool {
        let room_again = self.refused && self.bytes * 2 < room.bytes && self.pieces.len() < room.pieces;
        self.refused &= !room_again;
        room_again
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether more waits than may. The piece that fills an empty outbox may have any size, and the last one goes in always.
    pub(crate) fn is_above(&self, room: Room) -> bool {
        !self.closing && self.pieces.len() > 1 && (self.bytes > room.bytes || self.pieces.len() > room.pieces)
    }

    pub(crate) const fn is_closing(&self) -> bool {
        self.closing
    }
}
