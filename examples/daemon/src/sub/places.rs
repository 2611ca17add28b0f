//! Where the client stands in each stream, over connections: so that nothing is missed and nothing printed twice.

#[cfg(test)]
mod tests;

use crate::client::commands::{Ack, Place};
use crate::client::frames::{Connected, Entry, Gap, Position, Subscribed};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tidings_proto::frame::Recovered;

/// Most positions that a server takes with `connect`. A channel that is not among them goes on from what was acknowledged,
/// and what was printed already is known by its position.
const POSITIONS_MAX: usize = 1_024;

/// What the inbox is called.
const TO_YOU: &str = "(to you)";

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Places {
    channels: BTreeMap<String, Channel>,
    inbox: Option<Position>,
    /// Streams by the numbers that they have in this connection.
    streams: HashMap<u32, Stream>,
    /// Streams of which more was printed than acknowledged.
    unacknowledged: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Channel {
    /// What was printed; `None` until that, or the place to begin at, is known.
    position: Option<Position>,
    /// The server has said that the session is subscribed to it.
    joined: bool,
}

#[derive(Debug)]
struct Stream {
    /// `None`: the inbox.
    channel: Option<String>,
    epoch: String,
}

impl Places {
    /// The inbox, and these channels from here on, or from a place on.
    pub(crate) fn new(channels: &[String], since: Option<&Position>) -> Self {
        let channel = |name: &String| (name.clone(), Channel { position: since.cloned(), joined: false });
        Self { channels: channels.iter().map(channel).collect(), ..Self::default() }
    }

    /// What the client has, to resume with.
    pub(crate) fn positions(&self) -> Vec<Place<'_>> {
        let inbox = self.inbox.iter().map(|position| Place { channel: None, inbox: true, position });
        let channels = self.channels.iter().filter_map(|(name, channel)| {
            Some(Place { channel: Some(name), inbox: false, position: channel.position.as_ref()? })
        });
        inbox.chain(channels).take(POSITIONS_MAX).collect()
    }

    /// A connection is there.
    pub(crate) fn begin(&mut self, connected: &Connected) {
        self.streams.clear();
        self.unacknowledged.clear();
        let inbox = &connected.inbox;
        let before = self.inbox.take().filter(|before| before.epoch == inbox.epoch);
        let offset = match (inbox.recovered, before) {
            (Recovered::Complete | Recovered::Gap, Some(before)) => before.offset,
            // What is missing is told next, and what follows it comes after that.
            (Recovered::Gap, None) => 0,
            _ => inbox.delivered,
        };
        self.inbox = Some(Position { epoch: inbox.epoch.clone(), offset });
        self.streams.insert(inbox.stream, Stream { channel: None, epoch: inbox.epoch.clone() });
        if !connected.resumed {
            self.channels.values_mut().for_each(|channel| channel.joined = false);
        }
    }

    /// The channels that this session is not known to be subscribed to, and where each is to begin.
    pub(crate) fn to_subscribe(&self) -> impl Iterator<Item = (&str, Option<&Position>)> {
        let missing = self.channels.iter().filter(|(_, channel)| !channel.joined);
        missing.map(|(name, channel)| (name.as_str(), channel.position.as_ref()))
    }

    /// The session is subscribed to a channel.
    pub(crate) fn subscribed(&mut self, subscribed: &Subscribed) {
        let Subscribed { channel: name, stream, epoch, offset, recovered } = subscribed;
        let channel = self.channels.entry(name.clone()).or_default();
        channel.joined = true;
        let before = channel.position.take().filter(|before| before.epoch == *epoch);
        channel.position = match recovered {
            Recovered::None => Some(Position { epoch: epoch.clone(), offset: *offset }),
            // Without a position the server knows better than we do where this session was: all that comes is new.
            Recovered::Complete => before,
            Recovered::Gap => before.or_else(|| Some(Position { epoch: epoch.clone(), offset: 0 })),
        };
        self.streams.insert(*stream, Stream { channel: Some(name.clone()), epoch: epoch.clone() });
    }

    /// Something will not come.
    pub(crate) fn gap(&mut self, gap: &Gap) {
        if gap.reason == "future" {
            // What was printed behind it is nothing that the server knows.
            self.advance(gap.stream, |_| gap.to);
        } else {
            self.advance(gap.stream, |offset| offset.max(gap.to));
        }
    }

    /// Whether an entry was not printed yet.
    pub(crate) fn is_new(&self, entry: &Entry) -> bool {
        let stream = self.streams.get(&entry.stream);
        match (entry.offset, stream.and_then(|stream| self.position(stream))) {
            (Some(offset), Some(position)) => offset > position.offset,
            _ => true,
        }
    }

    /// An entry was printed.
    pub(crate) fn printed(&mut self, entry: &Entry) {
        let Some(offset) = entry.offset else { return };
        self.advance(entry.stream, |before| before.max(offset));
        self.unacknowledged.insert(entry.stream);
    }

    /// Whether something printed is to be acknowledged.
    pub(crate) fn wants_ack(&self) -> bool {
        !self.unacknowledged.is_empty()
    }

    /// Acknowledgements of at most so many streams, each for all that was printed.
    pub(crate) fn acks(&mut self, streams_max: usize) -> Vec<Ack> {
        let taken: Vec<_> = self.unacknowledged.iter().copied().take(streams_max).collect();
        let ack = |stream: u32| {
            self.unacknowledged.remove(&stream);
            let position = self.position(self.streams.get(&stream)?)?;
            Some(Ack { stream, offset: position.offset })
        };
        taken.into_iter().filter_map(ack).collect()
    }

    /// What a stream is called.
    pub(crate) fn name(&self, stream: u32) -> &str {
        let stream = self.streams.get(&stream);
        stream.map_or("(another channel)", |stream| stream.channel.as_deref().unwrap_or(TO_YOU))
    }

    /// Where each channel stands.
    pub(crate) fn channels(&self) -> impl Iterator<Item = (&str, &Position)> {
        self.channels.iter().filter_map(|(name, channel)| Some((name.as_str(), channel.position.as_ref()?)))
    }

    fn position(&self, stream: &Stream) -> Option<&Position> {
        match &stream.channel {
            None => self.inbox.as_ref(),
            Some(name) => self.channels.get(name)?.position.as_ref(),
        }
    }

    fn advance(&mut self, stream: u32, to: impl FnOnce(u64) -> u64) {
        let Some(Stream { channel, epoch }) = self.streams.get(&stream) else { return };
        let place = match channel {
            None => &mut self.inbox,
            Some(name) => match self.channels.get_mut(name) {
                Some(channel) => &mut channel.position,
                None => return,
            },
        };
        let position = place.get_or_insert_with(|| Position { epoch: epoch.clone(), offset: 0 });
        position.offset = to(position.offset);
    }
}
