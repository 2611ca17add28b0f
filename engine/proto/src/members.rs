//! Who is in a channel, as it is told to those who want to know.
//!
//! Members carry the application's own data, which goes out as it came in; so these frames are written by hand.

use crate::payload::{Codec, DataRef};
use crate::presence::Reason;
use crate::writer::Writer;

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
        let mut writer = Writer::new(codec, out);
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
        let mut writer = Writer::new(codec, out);
        writer.map(3);
        writer.text("channel", self.channel, true);
        writer.uint("count", self.count as u64);
        writer.members(&self.members);
        writer.end();
    }
}

impl Writer<'_> {
    fn members(&mut self, members: &[Member<'_>]) {
        self.key("members", false);
        self.list(members, Self::member);
    }

    fn member(&mut self, member: &Member<'_>) {
        self.map(2 + u8::from(member.info.is_some()) + u8::from(member.reason.is_some()));
        self.text("user", member.user, true);
        if let Some(info) = member.info {
            self.key("info", false);
            self.data(info);
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
