//! `tidingsd sub`: follows channels, through lost connections too.

use crate::cli::SubArgs;
use crate::client::address::Address;
use crate::client::backoff::Backoff;
use crate::client::commands::{Command, Subscribe};
use crate::client::frames::{Entry, Failure, Frame, Gap, Position, Recovered};
use crate::client::identity::Identity;
use crate::client::session::{Ended, Session};
use crate::out::{self, plain};
use crate::settings::Settings;
use anyhow::{Result, anyhow, bail};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::time::sleep;

/// What ends the command for good.
enum Stop {
    /// The connection ended.
    Ended(Ended),
    /// The server said no to something.
    Failed(anyhow::Error),
    /// Nobody reads what is printed.
    NobodyReads,
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// Where each channel stands, across connections.
struct Follower {
    positions: BTreeMap<String, Option<Position>>,
    /// The channel's name by the number that it has in this connection.
    streams: HashMap<u32, String>,
    inbox: Option<u32>,
    json: bool,
}

/// Follows until the server says not to come back, or nobody reads.
///
/// # Errors
/// The server could not be reached the first time, or said no.
pub(crate) async fn run(args: &SubArgs, settings: &Settings) -> Result<()> {
    let address = Address::parse(&args.server.server)?;
    let identity = Identity::new(&args.server, settings)?;
    let positions = args.channels.iter().map(|channel| (channel.clone(), None)).collect();
    let mut follower = Follower { positions, streams: HashMap::new(), inbox: None, json: args.json };
    let mut backoff = Backoff::default();
    let mut was_connected = false;
    loop {
        let began = Instant::now();
        let stop = follower.follow(&address, &identity.token()?, &mut was_connected).await;
        let ended = match stop {
            Stop::NobodyReads => return Ok(()),
            Stop::Failed(error) => return Err(error),
            Stop::Ended(ended) => ended,
        };
        let expired = matches!(&ended, Ended::Closed(close) if close.code == 3503) && identity.is_renewed();
        if !was_connected || !(ended.may_come_back() || expired) {
            bail!("{ended}");
        }
        let random = getrandom::u64()?;
        let wait = ended.retry_after().unwrap_or_else(|| backoff.next(began.elapsed(), random));
        out::note(format_args!("{ended}; trying again in {:.1} s", wait.as_secs_f64()));
        sleep(wait).await;
    }
}

impl Follower {
    /// One connection, from its beginning to its end.
    async fn follow(&mut self, address: &Address, token: &str, was_connected: &mut bool) -> Stop {
        match self.try_follow(address, token, was_connected).await {
            Err(stop) => stop,
            Ok(never) => match never {},
        }
    }

    async fn try_follow(
        &mut self,
        address: &Address,
        token: &str,
        was_connected: &mut bool,
    ) -> Result<std::convert::Infallible, Stop> {
        let (mut session, connected) = Session::open(address, token).await?;
        self.streams.clear();
        self.inbox = Some(connected.inbox.stream);
        let mut asked = HashMap::new();
        for (channel, position) in &self.positions {
            let subscribe = Command::Subscribe(Subscribe { channel, since: position.as_ref() });
            asked.insert(session.command(&subscribe).await?, channel.clone());
        }
        out::note(format_args!("connected to {} as {}", address.url, plain(&connected.user)));
        *was_connected = true;
        loop {
            let (frame, line) = session.next().await?;
            if let Some(failure) = &frame.error {
                let channel = frame.id.and_then(|id| asked.get(&id));
                return Err(Stop::Failed(failed(channel, failure)));
            }
            self.take(&frame, &line)?;
        }
    }

    fn take(&mut self, frame: &Frame, line: &str) -> Result<(), Stop> {
        if let Some(subscribed) = &frame.subscribed {
            self.streams.insert(subscribed.stream, subscribed.channel.clone());
            let position = self.positions.entry(subscribed.channel.clone()).or_default();
            let offset = match (subscribed.recovered, position.as_ref()) {
                (Recovered::Complete, Some(position)) => position.offset,
                // What is missing is told next, and what follows it comes after that.
                (Recovered::Gap, _) => 0,
                _ => subscribed.offset,
            };
            *position = Some(Position { epoch: subscribed.epoch.clone(), offset });
        }
        if let Some(gap) = &frame.gap {
            self.tell_gap(gap, line)?;
        }
        if let Some(entry) = &frame.entry
            && self.is_new(entry)
        {
            let line = if self.json { plain(line) } else { self.pretty(entry) };
            out::print(line).map_err(|_| Stop::NobodyReads)?;
        }
        Ok(())
    }

    /// Moves the channel's position on. What lies before it was printed already.
    fn is_new(&mut self, entry: &Entry) -> bool {
        let Some(position) = self.position(entry.stream) else { return true };
        let is_new = entry.offset > position.offset;
        position.offset = position.offset.max(entry.offset);
        is_new
    }

    fn position(&mut self, stream: u32) -> Option<&mut Position> {
        self.positions.get_mut(self.streams.get(&stream)?)?.as_mut()
    }

    fn tell_gap(&mut self, gap: &Gap, line: &str) -> Result<(), Stop> {
        if let Some(position) = self.position(gap.stream) {
            position.offset = position.offset.max(gap.to);
        }
        if self.json {
            return out::print(plain(line)).map_err(|_| Stop::NobodyReads);
        }
        let channel = self.name(gap.stream);
        let reason = match gap.reason.as_str() {
            "expired" => "the server no longer keeps them",
            "epoch" => "the channel has begun afresh, so it is not known what was missed",
            other => other,
        };
        match gap.to.checked_sub(gap.from) {
            Some(more) => out::note(format_args!("gap in {channel}: {} entries are missing ({reason})", more + 1)),
            None => out::note(format_args!("gap in {channel}: entries may be missing ({reason})")),
        }
        Ok(())
    }

    fn name(&self, stream: u32) -> &str {
        if self.inbox == Some(stream) {
            return "(to you)";
        }
        self.streams.get(&stream).map_or("(another channel)", String::as_str)
    }

    /// Time, channel, from whom, event, data.
    fn pretty(&self, entry: &Entry) -> String {
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(entry.at)).unwrap_or(UNIX_EPOCH);
        let at = humantime::format_rfc3339_millis(at);
        let (channel, from) = (self.name(entry.stream), entry.from.as_deref().unwrap_or("(host)"));
        format!("{at} {} {} {} {}", plain(channel), plain(from), plain(&entry.event), plain(entry.data.get()))
    }
}

fn failed(channel: Option<&String>, failure: &Failure) -> anyhow::Error {
    let Failure { code, name, message, .. } = failure;
    let (name, message) = (plain(name), plain(message));
    match channel {
        Some(channel) => anyhow!("can't subscribe to {}: {name} ({code}): {message}", plain(channel)),
        None => anyhow!("the server said {name} ({code}): {message}"),
    }
}
