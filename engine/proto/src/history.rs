//! What a stream keeps, as an answer tells it.
//!
//! Entries carry the application's own data, which goes out as it came in; so this frame is written by hand.

use crate::frame::{EntryFrame, History};
use crate::payload::Codec;
use crate::writer::Writer;

/// How many bytes an entry takes in an answer.
#[must_use]
pub fn entry_bytes(codec: Codec, entry: &EntryFrame<'_>) -> usize {
    let mut out = Vec::new();
    put_entry(&mut Writer::new(codec, &mut out), entry);
    out.len()
}

pub(crate) fn append(history: &History<'_>, codec: Codec, out: &mut Vec<u8>) {
    let History { channel, position, first, from, to, entries, gaps, more } = history;
    let mut writer = Writer::new(codec, out);
    writer.map(6 + if position.is_some() { 2 } else { 0 } + u8::from(!gaps.is_empty()));
    match channel {
        Some(channel) => writer.text("channel", channel, true),
        None => {
            writer.key("inbox", true);
            writer.boolean(true);
        }
    }
    if let Some(position) = position {
        writer.text("epoch", &position.epoch.to_string(), false);
        writer.uint("offset", position.offset);
    }
    writer.uint("first", *first);
    writer.uint("from", *from);
    writer.uint("to", *to);
    writer.key("entries", false);
    writer.list(entries, put_entry);
    if !gaps.is_empty() {
        writer.key("gaps", false);
        writer.list(gaps, |writer, gap| {
            writer.map(3);
            writer.key("from", true);
            writer.number(gap.from);
            writer.uint("to", gap.to);
            writer.text("reason", gap.reason.name(), false);
            writer.end();
        });
    }
    writer.key("more", false);
    writer.boolean(*more);
    writer.end();
}

/// As an `entry`, without the stream: all are of one.
fn put_entry(writer: &mut Writer<'_>, entry: &EntryFrame<'_>) {
    writer.map(4 + u8::from(entry.from.is_some()));
    writer.key("offset", true);
    writer.number(entry.offset);
    writer.text("event", entry.event, false);
    writer.key("data", false);
    writer.data(entry.data);
    if let Some(from) = entry.from {
        writer.text("from", from, false);
    }
    writer.uint("at", entry.at);
    writer.end();
}

#[cfg(test)]
mod tests {
    use super::entry_bytes;
    use crate::frame::{EntryFrame, History};
    use crate::payload::{Codec, DataRef};

    #[test]
    fn an_entry_takes_as_many_bytes_as_it_is_said_to() {
        let data = DataRef::parse(Codec::Json, br#"{"a":[1,2.5,"x"]}"#).unwrap();
        let entry = EntryFrame { stream: 0, offset: 9, event: "E", data, from: Some("zo\u{eb}"), at: 5 };
        for codec in [Codec::Json, Codec::Msgpack] {
            let length = |entries: &[EntryFrame<'_>]| {
                let mut out = Vec::new();
                let history = History {
                    channel: None,
                    position: None,
                    first: 1,
                    from: 1,
                    to: 9,
                    entries,
                    gaps: &[],
                    more: false,
                };
                super::append(&history, codec, &mut out);
                out.len()
            };
            let comma = usize::from(codec == Codec::Json);
            assert_eq!(length(&[entry; 3]) - length(&[entry; 2]), entry_bytes(codec, &entry) + comma);
        }
    }
}
