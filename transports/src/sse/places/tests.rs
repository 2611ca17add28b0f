use super::{PIECE_BYTES, PIECES_MAX, Places, last_event};
use proptest::prelude::*;
use std::io::{self, IoSlice};
use tidings_proto::id::{Epoch, Position};

const STREAMS: [u32; 3] = [3, 12, 4_000_000_000];

fn places() -> Places {
    let mut places = Places::default();
    for stream in STREAMS {
        places.add(stream, Position { epoch: Epoch(stream.into()), offset: 0 });
    }
    places
}

fn entry(stream: u32, offset: u64) -> String {
    format!("data: {{\"entry\":{{\"stream\":{stream},\"offset\":{offset},\"event\":\"E\",\"data\":1,\"at\":3}}}}\n\n")
}

fn id(offsets: [u64; 3]) -> String {
    let text: Vec<_> = STREAMS.iter().zip(offsets).map(|(stream, offset)| format!("{stream:016x}-{offset}")).collect();
    text.join(",")
}

/// Writes all pieces at once, and returns what came out.
fn written(places: &mut Places, pieces: &[String]) -> String {
    let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece.as_bytes())).collect();
    let mut out = Vec::new();
    let taken = places.write(&slices, |slices| {
        slices.iter().for_each(|slice| out.extend_from_slice(slice));
        Ok(out.len())
    });
    assert_eq!(taken.unwrap(), pieces.iter().map(String::len).sum::<usize>());
    String::from_utf8(out).unwrap()
}

#[test]
fn the_last_event_of_a_round_tells_the_place_in_every_stream() {
    let mut places = places();
    let first = written(&mut places, &[entry(12, 7)]);
    assert_eq!(first, format!("id: {}\n{}", id([0, 7, 0]), entry(12, 7)));
    let second = written(&mut places, &[entry(3, 1) + &entry(3, 2), entry(12, 8)]);
    let (one, two) = (entry(3, 1), entry(3, 2));
    assert_eq!(second, format!("{one}id: {}\n{two}id: {}\n{}", id([2, 7, 0]), id([2, 8, 0]), entry(12, 8)));
}

#[test]
fn a_gap_that_was_told_is_behind_the_client() {
    let gap = "data: {\"gap\":{\"stream\":12,\"from\":1,\"to\":9,\"reason\":\"expired\"}}\n\n".to_owned();
    assert_eq!(written(&mut places(), std::slice::from_ref(&gap)), format!("id: {}\n{gap}", id([0, 9, 0])));
}

#[test]
fn what_moves_nobody_is_passed_on_as_it_is() {
    for piece in [
        ":\n\n",
        "data: {\"entry\":{\"stream\":12,\"event\":\"typing\",\"data\":null,\"at\":3}}\n\n",
        "data: {\"entry\":{\"stream\":99,\"offset\":5,\"event\":\"E\",\"data\":null,\"at\":3}}\n\n",
        "data: {\"id\":5,\"published\":{\"stream\":12,\"epoch\":\"000000000000000c\",\"offset\":5}}\n\n",
        "retry: 100\ndata: {\"close\":{\"code\":3001,\"reason\":\"shutdown\",\"retry_after_ms\":100}}\n\n",
        "data: {\"entry\":{\"stream\":99999999999999999999999,\"offset\":5}}\n\n",
    ] {
        assert_eq!(written(&mut places(), &[piece.to_owned()]), piece);
    }
}

#[test]
fn what_came_before_is_concluded_by_its_place() {
    let mut events = (entry(12, 3) + ":\n\n" + &entry(3, 2) + &entry(12, 4)).into_bytes();
    let before = events.len();
    places().conclude(&mut events);
    assert_eq!(String::from_utf8_lossy(&events[before..]), format!("id: {}\n\n", id([2, 4, 0])));
}

#[test]
fn the_last_event_is_found() {
    assert_eq!(last_event(b"data: 1\n\n"), 0);
    assert_eq!(last_event(b"data: 1\n\ndata: 2\n\n"), 9);
    assert_eq!(last_event(b"data: 1\n\nretry: 1\ndata: 2\n\n"), 9);
    assert_eq!(last_event(b":\n\n:\n\n"), 3);
    assert_eq!(last_event(b""), 0);
}

#[test]
fn a_long_round_tells_the_place_now_and_then() {
    let mut places = places();
    let long: String = (1..=1_000).map(|offset| entry(12, offset)).collect();
    let text = written(&mut places, &[long.clone(), entry(12, 1_001)]);
    let mut after_place = 0;
    for event in text.split_inclusive("\n\n") {
        after_place += event.len();
        assert!(after_place <= PIECE_BYTES + 100, "{after_place}");
        after_place *= usize::from(!event.starts_with("id: "));
    }
    assert_eq!(after_place, 0);
    let places = text.lines().filter(|line| line.starts_with("id: ")).count();
    assert_eq!(places, long.len() / PIECE_BYTES + 2);
    let rest: String = text.lines().filter(|line| !line.starts_with("id: ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(rest, long.clone() + &entry(12, 1_001));

    let mut concluded = long.clone().into_bytes();
    self::places().conclude(&mut concluded);
    let text = String::from_utf8(concluded).unwrap();
    let ids: Vec<_> = text.match_indices("id: ").map(|(at, _)| at).collect();
    assert!(ids.windows(2).all(|two| two[1] - two[0] < PIECE_BYTES + 100), "{ids:?}");
    assert_eq!(ids.len(), long.len() / PIECE_BYTES + 1);
    assert!(text.ends_with(&format!("id: {}\n\n", id([0, 1_000, 0]))));

    let huge = entry(12, 1_002).replace('E', &"E".repeat(2 * PIECE_BYTES)) + &entry(12, 1_003);
    let text = written(&mut self::places(), &[huge]);
    let events: Vec<_> = text.split_inclusive("\n\n").collect();
    assert!(events.len() == 2 && events.iter().all(|event| event.starts_with("id: ")));
}

/// A client that reads as the HTML standard says: what it was told, and the id that it keeps.
#[derive(Default)]
struct Client {
    bytes: Vec<u8>,
    got: [Vec<u64>; 3],
    id: Option<String>,
}

impl Client {
    fn read(&mut self) -> Result<(), TestCaseError> {
        while let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.bytes.drain(..end + 2).collect();
            let event = String::from_utf8(event).unwrap();
            for line in event.lines() {
                if let Some(id) = line.strip_prefix("id: ") {
                    self.id = Some(id.to_owned());
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let frame: serde_json::Value = serde_json::from_str(data).unwrap();
                    let number = frame["entry"]["stream"].as_u64().unwrap();
                    let stream = STREAMS.iter().position(|stream| u64::from(*stream) == number).unwrap();
                    self.got[stream].push(frame["entry"]["offset"].as_u64().unwrap());
                }
            }
            // Whenever it is cut off, nothing that it has not got is behind its id.
            if let Some(id) = &self.id {
                for (place, got) in id.split(',').zip(&self.got) {
                    let offset: u64 = place.split_once('-').unwrap().1.parse().unwrap();
                    prop_assert!(offset <= got.len() as u64, "{id}: {:?}", self.got);
                }
            }
        }
        Ok(())
    }
}

proptest! {
    /// Rounds of pieces over a socket that takes what it likes; now and then all that was not begun is given up.
    #[test]
    fn the_id_never_runs_ahead(
        rounds in prop::collection::vec(
            prop::collection::vec((0..3_usize, prop_oneof![30 => 1..4_u64, 1 => 200..500_u64]), 1..40), 1..8
        ),
        sizes in prop::collection::vec(prop_oneof![Just(None), (0..400_usize).prop_map(Some)], 1..60),
    ) {
        let (mut places, mut client) = (places(), Client::default());
        let mut sizes = sizes.iter().cycle();
        let mut last = [0_u64; 3];
        for round in rounds {
            let mut pieces = std::collections::VecDeque::new();
            for (stream, count) in round {
                let piece: String = (1..=count).map(|more| entry(STREAMS[stream], last[stream] + more)).collect();
                last[stream] += count;
                pieces.push_back(piece.into_bytes());
            }
            let mut stuck = 0;
            while !pieces.is_empty() {
                let slices: Vec<_> = pieces.iter().take(64).map(|piece| IoSlice::new(piece)).collect();
                // Progress in the end, whatever the sizes.
                let size = if stuck > 80 { None } else { *sizes.next().unwrap() };
                stuck += 1;
                let mut out = Vec::new();
                let result = places.write(&slices, |slices| {
                    assert!(slices.len() <= 3 * PIECES_MAX);
                    slices.iter().for_each(|slice| out.extend_from_slice(slice));
                    out.truncate(size.unwrap_or(usize::MAX));
                    if out.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(out.len()) }
                });
                client.bytes.extend_from_slice(&out);
                client.read()?;
                let mut taken = match result {
                    Ok(taken) => { prop_assert!(taken > 0); taken }
                    Err(error) => { prop_assert_eq!(error.kind(), io::ErrorKind::WouldBlock); 0 }
                };
                while taken > 0 {
                    let piece = pieces.front_mut().unwrap();
                    let of_this = taken.min(piece.len());
                    piece.drain(..of_this);
                    taken -= of_this;
                    if piece.is_empty() { pieces.pop_front(); }
                }
            }
        }
        // All came, each once, in order, and the id says so.
        for (got, last) in client.got.iter().zip(last) {
            prop_assert_eq!(got, &(1..=last).collect::<Vec<_>>());
        }
        prop_assert_eq!(client.id, Some(id(last)));
    }

    /// What waits behind a piece that was begun may be given up: then the id does not tell it.
    #[test]
    fn what_is_given_up_is_not_told(size in 0..600_usize) {
        let (mut places, mut client) = (places(), Client::default());
        let pieces = [entry(3, 1) + &entry(3, 2), entry(12, 1), entry(12, 2) + &entry(12, 3)];
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece.as_bytes())).collect();
        let keep = |client: &mut Client, slices: &[IoSlice<'_>], size: usize| {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(size).collect();
            client.bytes.extend_from_slice(&all);
            Ok(all.len())
        };
        let taken = places.write(&slices, |slices| keep(&mut client, slices, size)).unwrap_or(0);
        // The rest of the first piece that did not leave whole stays, the others are given up.
        let (mut left, mut taken_here) = (None, taken);
        for piece in &pieces {
            if taken_here < piece.len() { left = Some(&piece[taken_here..]); break; }
            taken_here -= piece.len();
        }
        let close = "data: {\"close\":{\"code\":3002,\"reason\":\"slow\"}}\n\n";
        let rest: Vec<_> = left.into_iter().chain([close]).map(|piece| IoSlice::new(piece.as_bytes())).collect();
        let all = rest.iter().map(|piece| piece.len()).sum::<usize>();
        prop_assert_eq!(places.write(&rest, |slices| keep(&mut client, slices, usize::MAX)).unwrap(), all);
        // Not an entry, so its reader doesn't know it.
        let end = client.bytes.len() - close.len();
        prop_assert_eq!(&client.bytes[end..], close.as_bytes());
        client.bytes.truncate(end);
        client.read()?;
        prop_assert!(client.bytes.is_empty());
        let offsets = client.got.each_ref().map(|got| got.len() as u64);
        prop_assert_eq!(client.id, Some(id(offsets)));
    }
}
