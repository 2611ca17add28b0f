//! A day's work, compressed: the store's directory keeps in proportion to what lives in it.

mod common;

use common::{append, data, head, options};
use std::sync::Arc;
use tidings_proto::kept::Kind;
use tidings_store::archive::{Archive, entry_bytes};
use tidings_store::disk::{FLOOR_BYTES, SledStore};
use tidings_store::op::Op;

const INBOXES: u64 = 1_000;
const DATA_BYTES: usize = 400;
/// What the directory may take for each byte that lives.
const TIMES_MAX: u64 = 4;

/// Inboxes whose owners come and go.
struct Day {
    archive: Archive,
    /// The first offset that is kept, and the last one, by inbox.
    inboxes: Vec<(u64, u64)>,
    sum: u64,
}

impl Day {
    fn new(archive: Archive) -> Self {
        Self { archive, inboxes: vec![(1, 0); INBOXES as usize], sum: 0 }
    }

    /// Something for everybody.
    fn publish(&mut self) {
        let mut ops = Vec::new();
        for (stream, (_, last)) in (1..).zip(&mut self.inboxes) {
            *last += 1;
            self.sum += 1;
            ops.push(append(stream, *last, data(self.sum, DATA_BYTES)));
        }
        self.write(&ops);
    }

    /// Everybody acknowledges all but the newest `left`.
    fn acknowledge(&mut self, left: u64) {
        let mut ops = Vec::new();
        for (stream, (first, last)) in (1..).zip(&mut self.inboxes) {
            let to = last.saturating_sub(left);
            if to < *first {
                continue;
            }
            let head = tidings_proto::kept::Head { floor: to + 1, ..head(stream, *last) };
            ops.push(Op::Head { kind: Kind::Inbox, name: format!("user-{stream}").into(), head });
            ops.push(Op::Remove { stream, from: *first, to });
            *first = to + 1;
        }
        self.write(&ops);
    }

    fn write(&self, ops: &[Op]) {
        for batch in ops.chunks(250) {
            self.archive.write(batch).unwrap();
            self.archive.sync().unwrap();
        }
    }

    fn bytes_live(&self) -> u64 {
        let one = |offset| match append(1, offset, data(1, DATA_BYTES)) {
            Op::Append { entry, .. } => entry_bytes(&entry),
            _ => 0,
        };
        self.inboxes.iter().map(|(first, last)| (*first..=*last).map(one).sum::<u64>()).sum()
    }
}

#[test]
fn a_day_leaves_a_directory_in_proportion() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Archive::open(Arc::new(SledStore::open(folder.path(), &options()).unwrap()), 1).unwrap();
    let mut day = Day::new(open());
    let mut largest = 0;
    for hour in 0..2 {
        // Most are away for a while, and then they come and read.
        for _ in 0..24 {
            day.publish();
        }
        largest = largest.max(day.archive.bytes_on_disk().unwrap());
        day.acknowledge(15 + hour);
    }
    assert!(largest > FLOOR_BYTES, "{largest}: the day was too small to tell");
    for _ in 0..8 {
        day.publish();
        day.acknowledge(20);
    }
    let (disk, live) = (day.archive.bytes_on_disk().unwrap(), day.bytes_live());
    assert!(live * TIMES_MAX > FLOOR_BYTES, "{live}: too little to tell");
    assert!(disk <= live * TIMES_MAX, "{disk} bytes on disk for {live} that live");

    // And when nearly everything is read, most of it is given back.
    day.acknowledge(1);
    for _ in 0..6 {
        day.publish();
        day.acknowledge(1);
    }
    let (disk, live) = (day.archive.bytes_on_disk().unwrap(), day.bytes_live());
    assert!(disk <= FLOOR_BYTES.max(live * TIMES_MAX), "{disk} bytes on disk for {live} that live");

    // Nothing was lost on the way, and a restart finds the same.
    let Day { archive, inboxes, sum } = day;
    drop(archive);
    let day = Day { archive: open(), inboxes, sum };
    for (stream, (first, last)) in (1..).zip(&day.inboxes) {
        let page = day.archive.page(stream, 0, u64::MAX, usize::MAX).unwrap();
        assert_eq!(common::offsets(&page), (*first..=*last).collect::<Vec<_>>());
    }
}
