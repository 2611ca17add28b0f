//! Where a client stands that can keep one id and no more, such as a browser's `EventSource`.
//!
//! Entries are the same bytes for all their receivers, so what is each client's own cannot stand in them. But a line of an
//! event's own may stand before its data: into the bytes of a round this writes, right before the last event, the line
//! `id: …` with the client's place in *all* its streams. Client and server never disagree: either the event is there as a whole
//! and the id with it, or neither is, and the id of before holds, behind which nothing is missing. A round that is long has such
//! a line now and then, so that a client comes forward however often it is cut off.

use super::positions::push_line;
use memchr::{memmem, memrchr};
use std::io::{self, IoSlice};
use tidings_proto::id::{Epoch, Position, StreamNumber};

/// Most pieces that are written at once; the others wait for the next time.
const PIECES_MAX: usize = 16;

/// A piece longer than this is taken for several, each with a place of its own.
const PIECE_BYTES: usize = 16 * 1024;

/// Before a piece, its line, and what stands behind that.
const SLICES_MAX: usize = 3 * PIECES_MAX;

/// Most bytes of a line's beginning and end, and of each position in it.
const LINE_BYTES: usize = 5;
const POSITION_BYTES: usize = 16 + 1 + 20 + 1;

/// What the events begin with that move a client on.
const ENTRY: &[u8] = b"data: {\"entry\":{\"stream\":";
const GAP: &[u8] = b"data: {\"gap\":{\"stream\":";

/// What each event ends with.
const END: &[u8] = b"\n\n";

/// The places of one client.
#[derive(Debug, Default)]
pub(crate) struct Places {
    places: Vec<Place>,
    cut: Option<Box<Cut>>,
}

/// Where the client stands in one stream.
#[derive(Debug, Clone, Copy)]
struct Place {
    stream: StreamNumber,
    epoch: Epoch,
    offset: u64,
}

/// A piece of which a part was written: it comes first in the next write.
#[derive(Debug)]
struct Cut {
    /// What is left of its line.
    line: Vec<u8>,
    /// How many of its bytes are left.
    left: usize,
    /// How many of its bytes stand behind the line.
    behind: usize,
}

/// How one piece is written.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    /// Bytes of it that stand before its line.
    before: usize,
    /// Where the line ends among all lines of this write.
    line_end: usize,
    /// The place that it moves, and the offset there until now.
    moves: Option<(usize, u64)>,
}

impl Places {
    /// The client stands here in one more stream.
    pub(crate) fn add(&mut self, stream: StreamNumber, position: Position) {
        self.places.push(Place { stream, epoch: position.epoch, offset: position.offset });
    }

    /// No more streams will be added.
    pub(crate) fn settle(&mut self) {
        self.places.shrink_to_fit();
    }

    /// Notes all that is told by whole events, and puts the place behind them, as an event that nobody sees; where they are
    /// long, among them as well.
    pub(crate) fn conclude(&mut self, events: &mut Vec<u8>) {
        let told = std::mem::take(events);
        let (mut at, mut concluded) = (0, 0);
        while let Some(end) = memmem::find(&told[at..], END) {
            if at > concluded && at + end + END.len() - concluded > PIECE_BYTES {
                events.extend_from_slice(&told[concluded..at]);
                self.tell(events);
                concluded = at;
            }
            if let Some((place, offset)) = self.moved_by(&told[at..at + end]) {
                self.places[place].offset = offset;
            }
            at += end + END.len();
        }
        events.extend_from_slice(&told[concluded..]);
        self.tell(events);
    }

    /// The place as an event of its own.
    fn tell(&self, events: &mut Vec<u8>) {
        push_line(self.positions(), events);
        events.push(b'\n');
    }

    fn positions(&self) -> impl Iterator<Item = Position> {
        self.places.iter().map(|place| Position { epoch: place.epoch, offset: place.offset })
    }

    /// Writes pieces of whole events with the client's place among them. `write` is called once. Returns how many bytes of the pieces left.
    ///
    /// # Errors
    /// As `write`; and `WouldBlock` when nothing left but a part of what is put between.
    pub(crate) fn write(
        &mut self,
        pieces: &[IoSlice<'_>],
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut short = [&[][..]; PIECES_MAX];
        let pieces = shorten(self.cut.as_ref().map(|cut| cut.left), pieces, &mut short);
        let mut parts = [Part::default(); PIECES_MAX];
        // Never grown while it is filled: this is done for each subscriber and round.
        let mut lines = Vec::with_capacity(pieces.len() * (LINE_BYTES + self.places.len() * POSITION_BYTES));
        for (at, piece) in pieces.iter().enumerate() {
            parts[at] = self.part(at, piece, &mut lines);
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let (mut count, mut line_start) = (0, 0);
        for (piece, part) in pieces.iter().zip(&parts) {
            let (before, behind) = piece.split_at(part.before);
            for slice in [before, &lines[line_start..part.line_end], behind] {
                if !slice.is_empty() {
                    slices[count] = IoSlice::new(slice);
                    count += 1;
                }
            }
            line_start = part.line_end;
        }
        match write(&slices[..count]) {
            Ok(written) => self.account(pieces, &parts, &lines, written),
            Err(error) => {
                self.take_back(&parts[..pieces.len()]);
                Err(error)
            }
        }
    }

    /// Finds out how a piece is written, and moves the client on by it.
    fn part(&mut self, at: usize, piece: &[u8], lines: &mut Vec<u8>) -> Part {
        if let (0, Some(cut)) = (at, &self.cut) {
            lines.extend_from_slice(&cut.line);
            let before = if cut.line.is_empty() { piece.len() } else { piece.len().saturating_sub(cut.behind) };
            return Part { before, line_end: lines.len(), moves: None };
        }
        let before = last_event(piece);
        let Some((place, offset)) = self.moved_by(&piece[before..]) else {
            return Part { before: piece.len(), line_end: lines.len(), moves: None };
        };
        let moves = Some((place, std::mem::replace(&mut self.places[place].offset, offset)));
        push_line(self.positions(), lines);
        Part { before, line_end: lines.len(), moves }
    }

    /// The place that an event moves, and where to.
    fn moved_by(&self, event: &[u8]) -> Option<(usize, u64)> {
        let (stream, rest, field) = if let Some(rest) = event.strip_prefix(ENTRY) {
            let (stream, rest) = number(rest)?;
            (stream, rest, &b",\"offset\":"[..])
        } else {
            let (stream, rest) = number(event.strip_prefix(GAP)?)?;
            let (_, rest) = number(rest.strip_prefix(b",\"from\":")?)?;
            (stream, rest, &b",\"to\":"[..])
        };
        let (offset, _) = number(rest.strip_prefix(field)?)?;
        let place = self.places.iter().position(|place| u64::from(place.stream) == stream)?;
        Some((place, offset))
    }

    /// Finds out what `written` bytes were.
    fn account(&mut self, pieces: &[&[u8]], parts: &[Part], lines: &[u8], mut written: usize) -> io::Result<usize> {
        let was_cut = self.cut.take();
        let (mut taken, mut line_start, all) = (0, 0, written);
        for (at, (piece, part)) in pieces.iter().zip(parts).enumerate() {
            let line = &lines[line_start..part.line_end];
            line_start = part.line_end;
            let whole = piece.len() + line.len();
            if written >= whole {
                written -= whole;
                taken += piece.len();
                continue;
            }
            // A piece that was begun is written to its end before anything else is.
            let is_begun = written > 0 || (at == 0 && was_cut.is_some());
            if is_begun {
                let of_line = written.saturating_sub(part.before).min(line.len());
                let of_piece = written - of_line;
                let (left, behind) = (piece.len() - of_piece, piece.len() - part.before);
                self.cut = Some(Box::new(Cut { line: line[of_line..].to_vec(), left, behind }));
                taken += of_piece;
            }
            self.take_back(&parts[at + usize::from(is_begun)..pieces.len()]);
            break;
        }
        if taken == 0 && all > 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    /// These were not begun: they are looked at again, if they come at all.
    fn take_back(&mut self, parts: &[Part]) {
        for (place, offset) in parts.iter().rev().filter_map(|part| part.moves) {
            self.places[place].offset = offset;
        }
    }
}

/// Takes long pieces for several, up to as many as `short` holds, and the first `begun` bytes for one, if they are the rest of
/// one.
fn shorten<'a, 'b>(begun: Option<usize>, pieces: &'a [IoSlice<'_>], short: &'b mut [&'a [u8]]) -> &'b [&'a [u8]] {
    let (mut count, mut begun) = (0, begun);
    for piece in pieces {
        let mut rest = &**piece;
        while !rest.is_empty() && count < short.len() {
            let (one, more) = rest.split_at(begun.take().unwrap_or_else(|| short_piece(rest)).min(rest.len()));
            short[count] = one;
            (rest, count) = (more, count + 1);
        }
    }
    &short[..count]
}

/// How many bytes of a piece of whole events are written as one.
fn short_piece(piece: &[u8]) -> usize {
    if piece.len() <= PIECE_BYTES {
        return piece.len();
    }
    let within = memmem::rfind(&piece[..PIECE_BYTES], END);
    let end = within.or_else(|| memmem::find(&piece[PIECE_BYTES - 1..], END).map(|at| PIECE_BYTES - 1 + at));
    end.map_or(piece.len(), |at| at + END.len())
}

/// Where the last event of a piece of whole events begins.
fn last_event(piece: &[u8]) -> usize {
    let mut end = piece.len().saturating_sub(2);
    while let Some(at) = memrchr(b'\n', &piece[..end]) {
        if at > 0 && piece[at - 1] == b'\n' {
            return at + 1;
        }
        end = at;
    }
    0
}

/// The digits at the front, and what follows them.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let add = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    number.iter().try_fold(0, add).filter(|_| digits > 0).map(|number| (number, rest))
}

#[cfg(test)]
mod tests;
