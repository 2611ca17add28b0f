use super::{MARK_BYTES, Mark, MarkFinder};

fn marked(prefix: &str, mark: Mark) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    let at = bytes.len();
    bytes.resize(at + 128, b'x');
    mark.write(&mut bytes[at..]);
    bytes
}

#[test]
fn what_is_written_is_read() {
    for (sequence, due_ns) in [(0, 0), (1, u64::MAX), (0x0123_4567_89ab_cdef, 42)] {
        let mark = Mark { sequence, due_ns };
        let mut bytes = [0; MARK_BYTES];
        mark.write(&mut bytes);
        assert_eq!(Mark::read(&bytes), Some(mark));
        for cut in 0..MARK_BYTES {
            assert_eq!(Mark::read(&bytes[..cut]), None);
        }
        bytes[20] = b'g';
        assert_eq!(Mark::read(&bytes), None);
    }
}

#[test]
fn every_mark_is_found_wherever_it_stands() {
    let mut finder = MarkFinder::default();
    let mark = |sequence| Mark { sequence, due_ns: 9 };
    let one = marked("{\"entry\":\"", mark(1));
    let shifted = marked("{\"entry\":{\"offset\":10,\"~ ~T not hex\":\"", mark(2));
    let both = [one.clone(), shifted.clone()].concat();
    for (payload, expected) in [(&one, vec![1]), (&one, vec![1]), (&shifted, vec![2]), (&both, vec![1, 2])] {
        let mut found = Vec::new();
        let count = finder.each(payload, 128, |mark| found.push(mark.sequence));
        assert_eq!(found, expected);
        assert_eq!(count, expected.len());
    }
    assert_eq!(finder.each(b"{\"pong\":{}}", 128, |_| panic!("nothing is there")), 0);
}

#[test]
fn a_guess_behind_the_first_mark_does_not_hide_it() {
    let mut finder = MarkFinder::default();
    let late = marked(&"-".repeat(138), Mark { sequence: 5, due_ns: 0 });
    finder.each(&late, 128, |_| {});
    let two =
        [marked("0123456789", Mark { sequence: 6, due_ns: 0 }), marked("", Mark { sequence: 7, due_ns: 0 })].concat();
    let mut found = Vec::new();
    finder.each(&two, 128, |mark| found.push(mark.sequence));
    assert_eq!(found, [6, 7]);
}
