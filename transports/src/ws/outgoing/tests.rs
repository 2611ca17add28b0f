use super::{Outgoing, PONG_BACKLOG_BYTES_MAX};

#[test]
fn pongs_that_can_not_be_sent_do_not_pile_up() {
    let mut outgoing = Outgoing::default();
    for ping in 0..1_000_000_u32 {
        outgoing.pong(&ping.to_be_bytes());
    }
    assert!(outgoing.bytes.len() <= PONG_BACKLOG_BYTES_MAX + 10);
    assert!(outgoing.bytes.capacity() <= 2 * PONG_BACKLOG_BYTES_MAX);
    assert_eq!(outgoing.pong, Some(999_999_u32.to_be_bytes().to_vec()));
}

#[test]
fn one_read_of_pings_is_answered_in_full() {
    let mut outgoing = Outgoing::default();
    // The pings of one read of 64 KiB, the shortest and the longest.
    for payload in [0, 125] {
        outgoing.bytes.clear();
        let pings = 64 * 1024 / (6 + payload);
        for _ in 0..pings {
            outgoing.pong(&vec![0; payload]);
        }
        assert_eq!(outgoing.bytes.len(), pings * (2 + payload));
        assert_eq!(outgoing.pong, None);
    }
}

#[test]
fn nothing_follows_the_close_frame() {
    let mut outgoing = Outgoing::default();
    outgoing.text("last");
    outgoing.close(Some(1000), "");
    let bytes = outgoing.bytes.clone();
    outgoing.text("late");
    outgoing.pong(b"late");
    outgoing.close(Some(1001), "");
    assert_eq!(outgoing.bytes, bytes);
    assert_eq!(bytes, b"\x81\x04last\x88\x02\x03\xe8");
}
