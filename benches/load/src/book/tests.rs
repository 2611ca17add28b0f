use super::{Book, Faults};
use crate::driver::Receiver as _;
use crate::marker::Mark;

fn book(channels: u32, subscribers: u32) -> Book {
    let mut book = Book::new(channels);
    for subscriber in 0..subscribers {
        book.add(Some(subscriber % channels));
    }
    book
}

fn receive(book: &mut Book, connection: usize, sequence: u64) {
    book.received(connection, Mark { sequence, due_ns: 10 }, 30);
}

#[test]
fn a_message_is_finished_when_all_have_it() {
    let mut book = book(1, 2);
    book.add(None);
    assert_eq!((book.publish(), book.publish()), ((0, 0), (1, 0)));
    receive(&mut book, 0, 0);
    receive(&mut book, 0, 1);
    assert_eq!(book.in_flight(), 2);
    receive(&mut book, 1, 0);
    assert_eq!(book.in_flight(), 1);
    receive(&mut book, 1, 1);
    receive(&mut book, 2, 1);
    assert_eq!((book.in_flight(), book.arrivals()), (0, 4));
    let (latencies, faults) = book.close_run();
    assert_eq!(latencies.count(), 4);
    assert!(!faults.any());
}

#[test]
fn channels_take_turns() {
    let mut book = book(3, 6);
    for sequence in 0..7 {
        assert_eq!(book.publish(), (sequence, (sequence % 3) as u32));
    }
    for connection in [0, 3] {
        for sequence in [0, 3, 6] {
            receive(&mut book, connection, sequence);
        }
    }
    assert_eq!(book.in_flight(), 4);
    receive(&mut book, 1, 0);
    assert_eq!(book.close_run().1, Faults { misdelivered: 1, lost: 8, ..Faults::default() });
}

#[test]
fn loss_duplicates_and_disorder_are_told_apart() {
    let mut book = book(1, 1);
    for _ in 0..6 {
        book.publish();
    }
    for sequence in [0, 2, 1, 1, 4, 5, 6] {
        receive(&mut book, 0, sequence);
    }
    assert_eq!(book.in_flight(), 1);
    let (_, faults) = book.close_run();
    assert_eq!(faults, Faults { lost: 1, duplicates: 1, reordered: 1, misdelivered: 0, foreign: 1 });
}

#[test]
fn what_never_came_at_the_end_is_lost_too() {
    let mut book = book(1, 3);
    book.publish();
    receive(&mut book, 0, 0);
    assert_eq!(book.close_run().1.lost, 2);
}
