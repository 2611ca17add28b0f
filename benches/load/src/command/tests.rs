use super::{Answer, Shape, Template};
use crate::codec::Codec;
use crate::marker::Mark;
use crate::ws::Head;

fn shape(codec: Codec, unicast: bool, answer: Answer) -> Shape {
    Shape { codec, namespace: "messaging".to_owned(), payload_bytes: 128, answer, unicast }
}

#[test]
fn a_template_becomes_the_command_it_stands_for() {
    for codec in Codec::ALL {
        let answers = [Answer::Nothing, Answer::Accepted, Answer::Stored];
        for (unicast, answer) in [false, true].into_iter().flat_map(|unicast| answers.map(|answer| (unicast, answer))) {
            let mut template = Template::tidings(&shape(codec, unicast, answer)).unwrap();
            let mark = Mark { sequence: 77, due_ns: 0xabc };
            let mut out = Vec::new();
            template.push(&mut out, 4_321, mark);
            let head = Head::parse(&out).unwrap().unwrap();
            assert_eq!(head.frame_bytes(), out.len());
            assert_eq!(head.mask, Some([0; 4]));
            let frames = codec.decode(&out[head.head_bytes..]).unwrap();
            let [frame] = &frames[..] else { panic!("one frame, not {frames:?}") };
            let command = if unicast {
                assert_eq!(frame["send"]["user"], "u04321");
                assert_eq!(frame["send"]["namespace"], "messaging");
                &frame["send"]
            } else {
                assert_eq!(frame["publish"]["channel"], "messaging:c04321");
                &frame["publish"]
            };
            let text = command["data"]["t"].as_str().unwrap();
            assert_eq!(text.len(), 128);
            assert_eq!(Mark::read(text.as_bytes()), Some(mark));
            assert_eq!(
                frame.get("id").and_then(serde_json::Value::as_u64),
                (answer != Answer::Nothing).then_some(1_000_000_077)
            );
            let stored = (answer == Answer::Stored).then_some("stored");
            assert_eq!(command.get("wait").and_then(serde_json::Value::as_str), stored);
        }
    }
}

#[test]
fn the_floor_gets_frames_as_long_as_the_daemon() {
    for codec in Codec::ALL {
        for unicast in [false, true] {
            let shape = shape(codec, unicast, Answer::Nothing);
            let tidings = Template::tidings(&shape).unwrap();
            let mut floor = Template::floor(&shape).unwrap();
            assert_eq!(tidings.frame_bytes(), floor.frame_bytes());
            let mark = Mark { sequence: 5, due_ns: 6 };
            let mut out = Vec::new();
            floor.push(&mut out, 9, mark);
            let head = Head::parse(&out).unwrap().unwrap();
            let payload = &out[head.head_bytes..];
            assert_eq!(payload[..6], [0, 0, 0, 9, 0, 128]);
            assert_eq!(Mark::read(&payload[6..]), Some(mark));
        }
    }
}

#[test]
fn a_payload_shorter_than_a_mark_is_refused() {
    let mut shape = shape(Codec::Json, false, Answer::Nothing);
    shape.payload_bytes = 33;
    assert!(Template::tidings(&shape).is_err());
}
