//! What holds of every message of a client, in either codec.

use tidings_proto::command::Command;
use tidings_proto::decode;
use tidings_proto::limit::{FRAMES_PER_MESSAGE_MAX, POSITIONS_MAX};
use tidings_proto::payload::{Codec, DataRef};

/// Reads a message to its end.
pub(crate) fn read(codec: Codec, message: &[u8]) {
    let mut count = 0;
    let mut is_over = false;
    for frame in decode::frames(codec, message) {
        assert!(!is_over, "nothing follows a frame whose end is not known");
        count += 1;
        match frame {
            Ok(frame) => {
                if let Command::Connect(connect) = &frame.command {
                    let positions = connect.resume.iter().flat_map(|resume| &resume.positions);
                    assert!(positions.clone().all(|position| position.inbox == position.channel.is_none()));
                    assert!(positions.count() <= POSITIONS_MAX);
                }
                if let Some(data) = data(&frame.command) {
                    crate::data::both_ways(data);
                }
            }
            Err(error) => {
                assert!((1..200).contains(&error.text.len()), "{error}");
                is_over = error.last;
            }
        }
    }
    assert!(count <= FRAMES_PER_MESSAGE_MAX + 1);
}

fn data<'a>(command: &Command<'a>) -> Option<DataRef<'a>> {
    match command {
        Command::Publish(publish) => publish.data,
        Command::Send(send) => send.data,
        Command::Call(call) => call.data,
        _ => None,
    }
}
