//! Who is in a channel, as it is told to those who want to know.
//!
//! Members carry the application's own data, which goes out as it came in; so these frames are written by hand.

use crate::payload::{Codec, DataRef};
use crate::presence::Reason;
use crate::{json, msgpack};

/// One user in a channel, on however many devices.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The user's id.
    pub user: &'a str,
    /// What the user says of itself in this channel.
    pub info: Option<DataRef<'a>>,
    /// When the user came, or went: milliseconds since 1970.
    pub at: u64,
    /// Why, where that is told.
    pub reason: Option<Reason>,
}

/// Who is in a channel, or how many.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    /// The channel's name.
    pub channel: &'a str,
    /// How many users are in it.
    pub count: usize,
    /// Whether `members` are all of them; what changes is then told.
    pub complete: bool,
    /// All of them, some, or none.
    pub members: Vec<Member<'a>>,
}

/// What has happened to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// They have come.
    Joined,
    /// They have gone.
    Left,
    /// They say something else of themselves.
    Updated,
}

impl Change {
    /// The key that the frame stands under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Updated => "updated",
        }
    }
}

/// What has changed among the members of a channel.
#[derive(Debug, Clone)]
pub struct Changed<'a> {
    /// What has happened to them.
    pub change: Change,
    /// The channel's name.
    pub channel: &'a str,
    /// How many users are in it now.
    pub count: usize,
    /// To whom it has happened.
    pub members: Vec<Member<'a>>,
}

impl Members<'_> {
    pub(crate) fn append(&self, codec: Codec, out: &mut Vec<u8>) {
        let mut writer = Writer { codec, out };
        writer.map(4);
        writer.text("channel", self.channel, true);
        writer.uint("count", self.count as u64);
        writer.key("complete", false);
        writer.boolean(self.complete);
        writer.members(&self.members);
        writer.end();
    }
}

impl Changed<'_> {
    pub(crate) fn append(&self, codec: Codec, out: &mut Vec<u8>) {
        let mut writer = Writer { codec, out };
        writer.map(3);
        writer.text("channel", self.channel, true);
        writer.uint("count", self.count as u64);
        writer.members(&self.members);
        writer.end();
    }
}

/// Writes objects in either codec.
struct Writer<'o> {
    codec: Codec,
    out: &'o mut Vec<u8>,
}

impl Writer<'_> {
    fn map(&mut self, fields: u8) {
        match self.codec {
            Codec::Json => self.out.push(b'{'),
            Codec::Msgpack => msgpack::put_map(self.out, fields),
        }
    }

    fn end(&mut self) {
        if self.codec == Codec::Json {
            self.out.push(b'}');
        }
    }

    fn key(&mut self, key: &str, first: bool) {
        match self.codec {
            Codec::Json => {
                if !first {
                    self.out.push(b',');
                }
                json::put(self.out, key);
                self.out.push(b':');
            }
            Codec::Msgpack => msgpack::put_str(self.out, key),
        }
    }

    fn text(&mut self, key: &str, text: &str, first: bool) {
        self.key(key, first);
        match self.codec {
            Codec::Json => json::put(self.out, text),
            Codec::Msgpack => msgpack::put_str(self.out, text),
        }
    }

    fn uint(&mut self, key: &str, number: u64) {
        self.key(key, false);
        match self.codec {
            Codec::Json => json::put_uint(self.out, number),
            Codec::Msgpack => msgpack::put_uint(self.out, number),
        }
    }

    fn boolean(&mut self, value: bool) {
        match (self.codec, value) {
            (Codec::Json, true) => self.out.extend_from_slice(b"true"),
            (Codec::Json, false) => self.out.extend_from_slice(b"false"),
            (Codec::Msgpack, value) => self.out.push(0xc2 | u8::from(value)),
        }
    }

    fn members(&mut self, members: &[Member<'_>]) {
        self.key("members", false);
        match self.codec {
            Codec::Json => self.out.push(b'['),
            Codec::Msgpack => msgpack::put_array(self.out, members.len()),
        }
        for (at, member) in members.iter().enumerate() {
            if at > 0 && self.codec == Codec::Json {
                self.out.push(b',');
            }
            self.member(member);
        }
        if self.codec == Codec::Json {
            self.out.push(b']');
        }
    }

    fn member(&mut self, member: &Member<'_>) {
        self.map(2 + u8::from(member.info.is_some()) + u8::from(member.reason.is_some()));
        self.text("user", member.user, true);
        if let Some(info) = member.info {
            self.key("info", false);
            info.append(self.codec, self.out);
        }
        self.uint("at", member.at);
        if let Some(reason) = member.reason {
            self.text("reason", reason.name(), false);
        }
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::{Member, Members};
    use crate::payload::{Codec, DataRef};

    #[test]
    fn both_codecs_say_the_same() {
        let info = DataRef::parse(Codec::Json, br#"{"cursor":[1,2]}"#).unwrap();
        let member = Member { user: "zo\u{eb}", info: Some(info), at: 5, reason: None };
        let members = Members { channel: "room:1", count: 17, complete: false, members: vec![member; 17] };
        let (mut json, mut msgpack) = (Vec::new(), Vec::new());
        members.append(Codec::Json, &mut json);
        members.append(Codec::Msgpack, &mut msgpack);
        let said: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let packed: serde_json::Value = rmp_serde::from_slice(&msgpack).unwrap();
        assert_eq!(said, packed);
        assert_eq!(said["members"][16]["info"]["cursor"][1], 2);
    }
}
