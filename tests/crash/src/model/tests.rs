//! Every fault, planted in a history that is otherwise good, is found; and a good one is called good.

use super::past::Past;
use super::{Model, repeats};
use crate::history::{Answer, Device, Event, Place};
use crate::publication::{Id, Publication, Stream, Wait};
use crate::reading::{Entry, Gap, Reading};
use crate::violation::{Claim, Violation};

const CHANNEL: Stream = Stream::Channel(0);
const INBOX: Stream = Stream::Inbox(7);
const EPOCH: u64 = 0xE;

fn id(serial: u32) -> Id {
    Id { publisher: 1, serial }
}

fn device() -> Device {
    Device { user: 7, name: "phone".into() }
}

fn asked(serial: u32, stream: Stream, wait: Wait) -> Event {
    Event::Asked(Publication { id: id(serial), stream, wait, is_keyed: serial.is_multiple_of(2) })
}

fn place(offset: u64) -> Place {
    Place { epoch: EPOCH, offset }
}

fn stored(serial: u32, offset: u64) -> Event {
    Event::Answered(id(serial), Answer::Stored(Some(place(offset))))
}

fn received(serial: u32, stream: Stream, offset: u64) -> Event {
    Event::Received { stream, place: place(offset), id: id(serial) }
}

fn acknowledged(offset: u64) -> Event {
    Event::Acknowledged { device: device(), offset }
}

fn certain(all: Vec<Event>) -> Past {
    Past { certain: all.len(), all, ..Past::default() }
}

/// The channel, holding these publications from offset 1 on.
fn channel(serials: &[u32]) -> Reading {
    let entries: Vec<Entry> =
        (1..).zip(serials).map(|(offset, serial)| Entry { offset, id: Some(id(*serial)), is_intact: true }).collect();
    let last = entries.len() as u64;
    Reading { stream: CHANNEL, device: None, epoch: EPOCH, after: 0, last, entries, gaps: Vec::new() }
}

/// The inbox as the phone reads it behind `after`.
fn inbox(after: u64, serials: &[u32]) -> Reading {
    let mut reading = channel(serials);
    (reading.stream, reading.device, reading.after) = (INBOX, Some(device()), after);
    reading.entries.iter_mut().for_each(|entry| entry.offset += after);
    reading.last += after;
    reading
}

/// Three publications, answered `stored` at 1, 2 and 3.
fn three() -> Past {
    let ask = (0..3).map(|serial| asked(serial, CHANNEL, Wait::Stored));
    certain(ask.chain((0..3).map(|serial| stored(serial, u64::from(serial) + 1))).collect())
}

fn found(past: &Past, reading: Reading) -> Vec<Violation> {
    Model::default().check(past, &[reading]).violations
}

/// A model after a first crash that left publications 0, 1, 2.
fn grown() -> Model {
    let mut model = Model::default();
    assert!(model.check(&three(), &[channel(&[0, 1, 2])]).violations.is_empty());
    model
}

#[test]
fn what_was_stored_and_is_there_is_good() {
    let verdict = Model::default().check(&three(), &[channel(&[0, 1, 2])]);
    assert_eq!((verdict.violations, verdict.stored, verdict.checked), (Vec::new(), 3, 3));
}

#[test]
fn what_was_not_stored_may_be_there_or_not() {
    let mut all = three().all;
    all.push(asked(3, CHANNEL, Wait::Accepted));
    all.push(Event::Answered(id(3), Answer::Accepted(Some(place(4)))));
    all.push(asked(4, CHANNEL, Wait::Nothing));
    for left in [&[0, 1, 2][..], &[0, 1, 2, 3], &[0, 1, 2, 3, 4]] {
        assert_eq!(found(&certain(all.clone()), channel(left)), []);
    }
}

#[test]
fn a_loss_at_the_end_is_found() {
    let lost = Violation::Lost { id: id(2), stream: CHANNEL, reader: None, claim: Claim::Stored, offset: Some(3) };
    assert_eq!(found(&three(), channel(&[0, 1])), [lost]);
}

#[test]
fn a_loss_in_the_middle_is_found() {
    let mut reading = channel(&[0, 1, 2]);
    reading.entries.remove(1);
    let violations = found(&three(), reading);
    assert!(violations.contains(&Violation::Hole { stream: CHANNEL, reader: None, from: 2, to: 2 }), "{violations:?}");
    assert!(violations.iter().any(|one| matches!(one, Violation::Lost { id, .. } if id.serial == 1)));
}

#[test]
fn an_end_that_does_not_come_is_found() {
    let mut reading = channel(&[0, 1, 2]);
    reading.last = 5;
    assert_eq!(found(&three(), reading), [Violation::Hole { stream: CHANNEL, reader: None, from: 4, to: 5 }]);
}

#[test]
fn a_double_is_found() {
    let violations = found(&three(), channel(&[0, 1, 2, 1]));
    let doubled = Violation::Doubled { id: id(1), stream: CHANNEL, offsets: [2, 4] };
    assert!(violations.contains(&doubled), "{violations:?}");
}

#[test]
fn a_reorder_is_found() {
    let ask = (0..3).map(|serial| asked(serial, CHANNEL, Wait::Nothing));
    let reordered = Violation::Reordered { stream: CHANNEL, earlier: id(1), later: id(2) };
    assert_eq!(found(&certain(ask.collect()), channel(&[0, 2, 1])), [reordered]);
}

#[test]
fn what_was_asked_for_again_may_stand_later() {
    let mut model = grown();
    let again = vec![asked(4, CHANNEL, Wait::Nothing), asked(5, CHANNEL, Wait::Nothing)];
    assert!(model.check(&certain(again), &[channel(&[0, 1, 2, 5])]).violations.is_empty());
    let again = vec![asked(4, CHANNEL, Wait::Stored), stored(4, 5)];
    assert!(model.check(&certain(again), &[channel(&[0, 1, 2, 5, 4])]).violations.is_empty());
}

#[test]
fn a_swap_of_two_is_found() {
    let violations = found(&three(), channel(&[1, 0, 2]));
    let moved = |serial, was, is| Violation::Moved { id: id(serial), stream: CHANNEL, was, is };
    assert!(violations.contains(&moved(0, 1, 2)) && violations.contains(&moved(1, 2, 1)), "{violations:?}");
}

#[test]
fn what_was_accepted_elsewhere_is_found() {
    let all = vec![
        asked(0, CHANNEL, Wait::Accepted),
        asked(1, CHANNEL, Wait::Accepted),
        Event::Answered(id(1), Answer::Accepted(Some(place(2)))),
    ];
    assert_eq!(found(&certain(all), channel(&[1])), [Violation::Moved { id: id(1), stream: CHANNEL, was: 2, is: 1 }]);
}

#[test]
fn another_epoch_is_found() {
    let reading = || Reading { epoch: 0xF, ..channel(&[0, 1, 2]) };
    let epoch = [Violation::Epoch { stream: CHANNEL, was: EPOCH, is: 0xF }];
    assert_eq!(found(&three(), reading()), epoch);
    assert_eq!(grown().check(&certain(Vec::new()), &[reading()]).violations, epoch);
}

#[test]
fn damage_is_found() {
    let mut reading = channel(&[0, 1, 2]);
    reading.entries[1].is_intact = false;
    assert_eq!(found(&three(), reading), [Violation::Damaged { stream: CHANNEL, offset: 2, id: Some(id(1)) }]);
    let stranger = found(&three(), channel(&[0, 1, 2, 9]));
    assert_eq!(stranger, [Violation::Damaged { stream: CHANNEL, offset: 4, id: None }]);
}

#[test]
fn a_gap_is_found() {
    let mut reading = channel(&[0, 1, 2]);
    reading.gaps.push(Gap { from: 1, to: 0, reason: "expired".into() });
    assert_eq!(found(&three(), reading.clone()), [Violation::Gap { stream: CHANNEL, gap: reading.gaps[0].clone() }]);
}

#[test]
fn an_entry_in_the_wrong_stream_is_found() {
    let past = certain(vec![asked(0, INBOX, Wait::Nothing)]);
    let misplaced = Violation::Misplaced { id: id(0), asked: INBOX, is: CHANNEL };
    assert_eq!(found(&past, channel(&[0])), [misplaced]);
}

#[test]
fn a_delivery_must_stay() {
    let past = || {
        let all = vec![asked(0, CHANNEL, Wait::Nothing), asked(1, CHANNEL, Wait::Nothing), received(0, CHANNEL, 1)];
        certain(all)
    };
    assert_eq!(found(&past(), channel(&[0])), []);
    assert!(matches!(found(&past(), channel(&[]))[..], [Violation::Lost { claim: Claim::Delivered, .. }]));
    let mut all = past().all;
    all.push(received(1, CHANNEL, 1));
    let changed = Violation::Changed { stream: CHANNEL, offset: 1, was: id(0), is: id(1) };
    assert!(found(&certain(all), channel(&[0, 1])).contains(&changed));
}

#[test]
fn what_was_read_once_must_stay() {
    let nothing = || certain(Vec::new());
    assert_eq!(grown().check(&nothing(), &[channel(&[0, 1, 2])]).violations, []);
    let lost = Violation::Lost { id: id(2), stream: CHANNEL, reader: None, claim: Claim::Delivered, offset: Some(3) };
    assert_eq!(grown().check(&nothing(), &[channel(&[0, 1])]).violations, [lost]);
    let replaced = certain(vec![asked(3, CHANNEL, Wait::Nothing)]);
    let changed = Violation::Changed { stream: CHANNEL, offset: 3, was: id(2), is: id(3) };
    assert!(grown().check(&replaced, &[channel(&[0, 1, 3])]).violations.contains(&changed));
}

#[test]
fn what_came_after_the_picture_of_the_disk_need_not_be_there() {
    let past = || Past { certain: 4, ..three() };
    assert_eq!(found(&past(), channel(&[0])), []);
    assert_eq!(found(&past(), channel(&[0, 1, 2])), []);
    assert!(matches!(found(&past(), channel(&[]))[..], [Violation::Lost { .. }]));
}

#[test]
fn what_was_gone_does_not_return() {
    let mut model = Model::default();
    let first = certain(vec![asked(0, CHANNEL, Wait::Accepted), asked(1, CHANNEL, Wait::Accepted)]);
    assert_eq!(model.check(&first, &[channel(&[0])]).violations, []);
    let returned = Violation::Returned { id: id(1), stream: CHANNEL };
    assert_eq!(model.check(&certain(Vec::new()), &[channel(&[0, 1])]).violations, [returned]);
}

#[test]
fn what_was_refused_is_not_there() {
    let refused = |code| certain(vec![asked(0, CHANNEL, Wait::Stored), Event::Answered(id(0), Answer::Refused(code))]);
    assert_eq!(found(&refused(2011), channel(&[])), []);
    assert_eq!(found(&refused(2011), channel(&[0])), [Violation::Refused { id: id(0), stream: CHANNEL, code: 2011 }]);
    assert_eq!(found(&refused(2008), channel(&[0])), []);
}

#[test]
fn a_clean_stop_keeps_what_was_accepted() {
    let all = vec![asked(0, CHANNEL, Wait::Accepted), Event::Answered(id(0), Answer::Accepted(Some(place(1))))];
    let past = Past { is_clean: true, ..certain(all) };
    assert!(matches!(found(&past, channel(&[]))[..], [Violation::Lost { claim: Claim::Flushed, .. }]));
}

#[test]
fn accepted_is_no_answer_to_stored() {
    let all = vec![asked(0, CHANNEL, Wait::Stored), Event::Answered(id(0), Answer::Accepted(Some(place(1))))];
    assert_eq!(found(&certain(all), channel(&[0])), [Violation::Weakened { id: id(0) }]);
}

#[test]
fn a_device_may_get_again_what_it_acknowledged_or_not() {
    let ask = (0..3).map(|serial| asked(serial, INBOX, Wait::Stored));
    let store = (0..3).map(|serial| Event::Answered(id(serial), Answer::Stored(None)));
    let receive = (0..3).map(|serial| received(serial, INBOX, u64::from(serial) + 1));
    let past =
        |up_to| certain(ask.clone().chain(store.clone()).chain(receive.clone()).chain([acknowledged(up_to)]).collect());
    for after in 0..=2 {
        let left = [0, 1, 2];
        assert_eq!(found(&past(2), inbox(after, &left[usize::try_from(after).unwrap()..])), []);
    }
    let skipped = Violation::Skipped { device: device(), acknowledged: 1, delivered: 2 };
    assert!(found(&past(1), inbox(2, &[2])).contains(&skipped));
    assert!(matches!(found(&past(2), inbox(2, &[]))[..], [Violation::Lost { .. }]));
}

#[test]
fn a_send_that_nobody_saw_must_be_there_whatever_was_acknowledged() {
    let all = vec![
        asked(0, INBOX, Wait::Stored),
        received(0, INBOX, 1),
        acknowledged(1),
        asked(1, INBOX, Wait::Stored),
        Event::Answered(id(1), Answer::Stored(None)),
    ];
    assert_eq!(found(&certain(all.clone()), inbox(1, &[1])), []);
    assert!(matches!(found(&certain(all), inbox(1, &[]))[..], [Violation::Lost { offset: None, .. }]));
}

#[test]
fn a_stream_that_was_not_read_is_told() {
    let violations = Model::default().check(&three(), &[]).violations;
    assert!(matches!(violations[..], [Violation::Conduct(_)]), "{violations:?}");
}

#[test]
fn what_is_open_is_asked_for_again_if_it_has_a_key() {
    let past = Past { certain: 5, ..three() };
    let serials: Vec<u32> = repeats(&past).iter().map(|publication| publication.id.serial).collect();
    // 0 was answered and is asked for again to get the same answer; 1 has no key; 2 is open.
    assert_eq!(serials, [2, 0]);
    assert!(repeats(&past).iter().all(|publication| publication.wait == Wait::Stored));
    // The daemon may have forgotten the key of what was asked long ago.
    assert_eq!(repeats(&Past { fresh: 6, ..three() }), []);
}

#[test]
fn the_same_key_gets_the_same_answer() {
    let again = |offset| certain(vec![asked(0, CHANNEL, Wait::Stored), stored(0, offset)]);
    assert_eq!(grown().check(&again(1), &[channel(&[0, 1, 2])]).violations, []);
    let moved = Violation::Moved { id: id(0), stream: CHANNEL, was: 4, is: 1 };
    assert_eq!(grown().check(&again(4), &[channel(&[0, 1, 2])]).violations, [moved]);
}

#[test]
fn serials_go_on_over_crashes() {
    assert_eq!((grown().next_serial(1), grown().next_serial(2)), (3, 0));
}
