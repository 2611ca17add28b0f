use super::{push_line, read};
use proptest::prelude::*;
use tidings_proto::{
    id::{Epoch, Position},
    limit::SSE_POSITIONS_MAX,
};

fn line(positions: &[Position]) -> String {
    let mut out = Vec::new();
    push_line(positions.iter().copied(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn an_id_holds_the_position_of_each_stream() {
    let positions = [Position { epoch: Epoch(0xab), offset: 17 }, Position { epoch: Epoch(u64::MAX), offset: 0 }];
    assert_eq!(line(&positions), "id: 00000000000000ab-17,ffffffffffffffff-0\n");
}

#[test]
fn what_is_no_position_is_passed_over() {
    let good = Position { epoch: Epoch(0xab), offset: 17 };
    for nonsense in
        ["", ",", "-", "ab-1", "00000000000000ab", "00000000000000ab-", "00000000000000ab-x", "00000000000000ab-+1"]
    {
        assert_eq!(read(nonsense.as_bytes()), [], "{nonsense}");
        assert_eq!(read(format!("{nonsense},00000000000000ab-17").as_bytes()), [good], "{nonsense}");
        assert_eq!(read(format!("00000000000000ab-17, {nonsense}").as_bytes()), [good], "{nonsense}");
    }
    assert_eq!(read(b"00000000000000ab-99999999999999999999"), []);
    assert_eq!(read(b"\xff\x00\r\n"), []);
    let many = "00000000000000ab-17,".repeat(100_000);
    assert_eq!(read(many.as_bytes()).len(), SSE_POSITIONS_MAX);
}

proptest! {
    #[test]
    fn what_is_told_is_read_again(
        positions in prop::collection::vec((any::<u64>(), any::<u64>()), 1..SSE_POSITIONS_MAX),
    ) {
        let positions: Vec<_> =
            positions.into_iter().map(|(epoch, offset)| Position { epoch: Epoch(epoch), offset }).collect();
        let line = line(&positions);
        prop_assert_eq!(read(line.strip_prefix("id: ").unwrap().strip_suffix('\n').unwrap().as_bytes()), positions);
    }

    #[test]
    fn any_bytes_can_be_brought(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        read(&bytes);
    }
}
