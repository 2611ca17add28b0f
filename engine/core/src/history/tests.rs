use super::{History, cost_bytes};
use crate::policy::Keep;
use crate::time::Instant;
use tidings_proto::kept::Entry;
use tidings_proto::payload::{Codec, Data};

const PLENTY: Keep = Keep { entries_max: 1_000, bytes_max: 1_000_000, age_ms_max: 1_000_000 };

fn entry(offset: u64) -> Entry {
    Entry { offset, event: "E".into(), data: Data::null(), from: None, key: None, at: 0 }
}

fn keyed(offset: u64, key: &str) -> Entry {
    Entry { key: Some(key.into()), ..entry(offset) }
}

fn filled(offsets: std::ops::RangeInclusive<u64>, keep: &Keep) -> History {
    let mut history = History::default();
    for offset in offsets {
        history.push(entry(offset), Instant(offset * 10), keep);
    }
    history
}

fn offsets(history: &History) -> Vec<u64> {
    history.from(0).map(|entry| entry.offset).collect()
}

#[test]
fn the_newest_stay_when_there_are_too_many() {
    let history = filled(1..=10, &Keep { entries_max: 3, ..PLENTY });
    assert_eq!(offsets(&history), [8, 9, 10]);
    assert_eq!((history.len(), history.whole_from()), (3, 8));
}

#[test]
fn the_newest_stay_when_they_cost_too_much() {
    let cost_bytes = cost_bytes(&entry(1));
    let history = filled(1..=10, &Keep { bytes_max: 4 * cost_bytes + 1, ..PLENTY });
    assert_eq!(offsets(&history), [7, 8, 9, 10]);
    assert_eq!(history.cost_bytes(), 4 * cost_bytes);
}

#[test]
fn an_entry_that_is_too_large_alone_leaves_nothing() {
    let mut history = filled(1..=3, &PLENTY);
    let bytes_max = history.cost_bytes();
    let text = format!("\"{}\"", "x".repeat(bytes_max));
    let data = Data::parse(Codec::Json, text.into_bytes().into()).unwrap();
    history.push(Entry { data, ..entry(4) }, Instant(0), &Keep { bytes_max, ..PLENTY });
    assert!(history.is_empty());
    assert_eq!((history.cost_bytes(), history.whole_from()), (0, 5));
}

#[test]
fn an_entry_stays_for_its_whole_age_and_no_longer() {
    let keep = Keep { age_ms_max: 25, ..PLENTY };
    let mut history = filled(1..=3, &keep);
    history.trim(&keep, Instant(35));
    assert_eq!(offsets(&history), [1, 2, 3]);
    history.trim(&keep, Instant(36));
    assert_eq!(offsets(&history), [2, 3]);
    history.push(entry(4), Instant(56), &keep);
    assert_eq!(offsets(&history), [4]);
    history.trim(&keep, Instant(u64::MAX));
    assert!(history.is_empty());
}

#[test]
fn a_clock_that_reads_earlier_drops_nothing() {
    let keep = Keep { age_ms_max: 0, ..PLENTY };
    let mut history = filled(5..=5, &keep);
    history.trim(&keep, Instant(3));
    assert_eq!(offsets(&history), [5]);
}

#[test]
fn a_value_takes_the_place_of_the_one_with_its_key() {
    let mut history = History::default();
    for (offset, key) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
        history.replace(keyed(offset, key), Instant(0), &PLENTY);
    }
    assert_eq!(offsets(&history), [2, 3, 4]);
    history.replace(entry(5), Instant(0), &PLENTY);
    history.replace(entry(6), Instant(0), &PLENTY);
    assert_eq!(offsets(&history), [2, 3, 4, 6], "values without a key are one value");
    assert_eq!(history.cost_bytes(), history.from(0).map(cost_bytes).sum::<usize>());
}

#[test]
fn reading_starts_at_the_first_that_is_not_before_the_offset() {
    let mut history = History::default();
    for (offset, key) in [(1, "a"), (2, "b"), (3, "b"), (6, "c")] {
        history.replace(keyed(offset, key), Instant(0), &PLENTY);
    }
    let from = |offset| history.from(offset).map(|entry| entry.offset).collect::<Vec<_>>();
    assert_eq!(from(1), [1, 3, 6]);
    assert_eq!(from(2), [3, 6]);
    assert_eq!(from(4), [6]);
    assert_eq!(from(7), [0; 0]);
    assert_eq!(from(u64::MAX), [0; 0]);
}

#[test]
fn an_entry_costs_its_texts_and_what_holds_them() {
    let plain = cost_bytes(&entry(1));
    assert_eq!(cost_bytes(&keyed(1, "12345")), plain + 5);
    assert_eq!(cost_bytes(&Entry { event: "EVENT".into(), ..entry(1) }), plain + 4);
    assert!(plain > size_of::<Entry>());
}

#[test]
fn what_is_missing_is_told_from_what_was_replaced() {
    let keep = Keep { entries_max: 2, ..PLENTY };
    let mut history = History::default();
    assert_eq!(history.whole_from(), 0);
    for (offset, key, whole_from) in [(4, "a", 4), (5, "a", 4), (6, "b", 4), (7, "b", 4), (8, "c", 6), (9, "c", 6)] {
        history.replace(keyed(offset, key), Instant(0), &keep);
        assert_eq!(history.whole_from(), whole_from, "after {offset}");
    }
    assert_eq!(offsets(&history), [7, 9]);
}

#[test]
fn what_waits_for_the_disk_stays_however_old_and_much_it_is() {
    let keep = Keep { entries_max: 1, age_ms_max: 5, ..PLENTY };
    let mut history = History::default();
    for offset in 1..=4 {
        history.add(entry(offset), Instant(0));
    }
    history.trim_up_to(2, &keep, Instant(100));
    assert_eq!((offsets(&history), history.first(), history.whole_from()), (vec![3, 4], Some(3), 3));
    history.trim_up_to(4, &keep, Instant(0));
    assert_eq!(offsets(&history), [4]);
}

#[test]
fn what_is_cut_off_leaves_its_place_to_others() {
    let mut history = History::default();
    for offset in 3..=6 {
        history.add(entry(offset), Instant(0));
    }
    history.cut_behind(4);
    assert_eq!((offsets(&history), history.cost_bytes()), (vec![3, 4], 2 * cost_bytes(&entry(1))));
    history.add(entry(5), Instant(0));
    assert_eq!((offsets(&history), history.whole_from()), (vec![3, 4, 5], 3));
    history.cut_behind(2);
    assert_eq!((history.is_empty(), history.cost_bytes(), history.whole_from()), (true, 0, 3));
    history.add(entry(3), Instant(0));
    assert_eq!((offsets(&history), history.whole_from()), (vec![3], 3));
}
