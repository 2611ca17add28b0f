//! `tidingsd sub`: follows channels, through lost connections too.

mod places;

use crate::cli::SubArgs;
use crate::client::address::Address;
use crate::client::backoff::Backoff;
use crate::client::commands::{Command, Connect, Resume, Subscribe};
use crate::client::frames::{Connected, Entry, Failure, Frame, Gap, Position};
use crate::client::identity::Identity;
use crate::client::session::{Ended, Session};
use crate::out::{self, plain};
use crate::settings::Settings;
use crate::signals::Signals;
use anyhow::{Result, anyhow, bail, ensure};
use places::Places;
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{Instant, sleep, sleep_until};

/// How long what was printed waits for more, to be acknowledged together.
const ACK_AFTER: Duration = Duration::from_millis(250);

/// Most acknowledgements at a time: 40 a second, while the server takes 100 frames by default.
const ACKS_MAX: usize = 10;

/// The code of the answer to a second `subscribe`.
const STATE: u16 = 2002;

/// What ends a connection.
enum Stop {
    /// It ended by itself.
    Ended(Ended),
    /// The server said no to something.
    Failed(anyhow::Error),
    /// Nobody reads what is printed.
    NobodyReads,
    /// A signal came.
    Told,
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// What is followed, across connections.
struct Follower<'a> {
    args: &'a SubArgs,
    address: Address,
    places: Places,
    /// The session to go on with: its id and its secret.
    session: Option<(String, String)>,
    signals: Signals,
    /// `--since 0:0`: that the channel has another epoch is no news.
    from_beginning: bool,
}

/// Follows until the server says not to come back, nobody reads, or it is told to stop.
///
/// # Errors
/// The server could not be reached the first time, or said no.
pub(crate) async fn run(args: &SubArgs, settings: &Settings) -> Result<()> {
    if let Some(pattern) = args.channels.iter().find(|channel| channel.contains('*')) {
        let pattern = plain(pattern);
        bail!(
            "{pattern} is a pattern: one subscribes to single channels, such as messaging:lobby; patterns are for tokens"
        );
    }
    let one = args.since.is_none() || args.channels.len() == 1;
    ensure!(one, "--since is a place in one channel; give that channel alone");
    let address = Address::new(&args.server)?;
    let identity = Identity::new(&args.server, settings)?;
    let places = Places::new(&args.channels, args.since.as_ref());
    let from_beginning = args.since.as_ref().is_some_and(Position::is_before_all);
    let signals = Signals::new()?;
    let mut follower = Follower { args, address, places, session: None, signals, from_beginning };
    let mut backoff = Backoff::default();
    loop {
        let began = Instant::now();
        let ended = match follower.follow(&identity.token()?).await {
            Stop::NobodyReads => return Ok(()),
            Stop::Told => break,
            Stop::Failed(error) => return Err(error),
            Stop::Ended(ended) => ended,
        };
        let expired = matches!(&ended, Ended::Closed(close) if close.code == 3503) && identity.is_renewed();
        if follower.session.is_none() || !(ended.may_come_back() || expired) {
            bail!("{ended}");
        }
        let random = getrandom::u64()?;
        let wait = ended.retry_after().unwrap_or_else(|| backoff.next(began.elapsed(), random));
        out::note(format_args!("{ended}; trying again in {:.1} s", wait.as_secs_f64()));
        tokio::select! {
            () = sleep(wait) => {}
            () = follower.signals.next() => break,
        }
    }
    follower.tell_places();
    Ok(())
}

impl Follower<'_> {
    /// One connection, from its beginning to its end.
    async fn follow(&mut self, token: &str) -> Stop {
        let resume = self.session.as_ref().map(|(session, secret)| Resume {
            session,
            secret,
            positions: self.places.positions(),
        });
        let connect = Connect { token, device: self.args.device.as_deref(), resume };
        let opened = tokio::select! {
            opened = Session::open(&self.address, connect) => opened,
            () = self.signals.next() => return Stop::Told,
        };
        let (mut session, connected) = match opened {
            Ok(opened) => opened,
            Err(ended) => return ended.into(),
        };
        let Err(stop) = self.listen(&mut session, connected).await;
        if matches!(stop, Stop::Told | Stop::NobodyReads) {
            // The server that has gone meanwhile sends it again.
            let _ = self.acknowledge(&mut session, usize::MAX).await;
            session.close().await;
        }
        stop
    }

    async fn listen(&mut self, session: &mut Session, connected: Connected) -> Result<Infallible, Stop> {
        self.places.begin(&connected);
        let Connected { resumed, user, .. } = connected;
        self.session = Some((connected.session, connected.secret));
        let mut asked = HashMap::new();
        for (channel, since) in self.places.to_subscribe() {
            asked.insert(session.command(&Command::Subscribe(Subscribe { channel, since })).await?, channel.to_owned());
        }
        out::note(format_args!("connected to {} as {}", self.address.url, plain(&user)));
        let mut due = None;
        loop {
            tokio::select! {
                next = session.next() => {
                    let (frame, line) = next?;
                    match &frame.error {
                        // The last connection ended before it brought the answer, and the session goes on.
                        Some(failure) if failure.code == STATE && resumed => {}
                        Some(failure) => {
                            let channel = frame.id.and_then(|id| asked.get(&id));
                            return Err(Stop::Failed(failed(channel, failure)));
                        }
                        None => self.take(&frame, &line)?,
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    self.acknowledge(session, ACKS_MAX).await?;
                }
                () = self.signals.next() => return Err(Stop::Told),
            }
            if due.is_none() && self.args.device.is_some() && self.places.wants_ack() {
                due = Some(Instant::now() + ACK_AFTER);
            }
        }
    }

    fn take(&mut self, frame: &Frame, line: &str) -> Result<(), Stop> {
        if let Some(subscribed) = &frame.subscribed {
            self.places.subscribed(subscribed);
        }
        if let Some(gap) = &frame.gap {
            self.places.gap(gap);
            self.tell_gap(gap, line)?;
        }
        if let Some(entry) = &frame.entry
            && self.places.is_new(entry)
        {
            let line = if self.args.json { plain(line) } else { self.pretty(entry) };
            out::print(line).map_err(|_| Stop::NobodyReads)?;
            self.places.printed(entry);
        }
        Ok(())
    }

    /// Tells the server what was printed, for a device that has a name.
    async fn acknowledge(&mut self, session: &mut Session, streams_max: usize) -> Result<(), Ended> {
        if self.args.device.is_some() {
            for ack in self.places.acks(streams_max) {
                session.tell(&Command::Ack(ack)).await?;
            }
        }
        Ok(())
    }

    fn tell_gap(&mut self, gap: &Gap, line: &str) -> Result<(), Stop> {
        if self.args.json {
            return out::print(plain(line)).map_err(|_| Stop::NobodyReads);
        }
        let is_asked_for = gap.reason == "epoch" && std::mem::take(&mut self.from_beginning);
        if is_asked_for && gap.to < gap.from {
            return Ok(());
        }
        let channel = plain(self.places.name(gap.stream));
        let reason = match gap.reason.as_str() {
            _ if is_asked_for => "the server no longer keeps them",
            "expired" => "the server no longer keeps them",
            "epoch" => "the channel has begun afresh, so it is not known what was missed",
            "future" => "the server has less than this client got from it, so it is not known what was missed",
            "lost" => "they cannot be read from the server's disk",
            other => other,
        };
        match gap.to.checked_sub(gap.from) {
            Some(more) => out::note(format_args!("gap in {channel}: {} entries are missing ({reason})", more + 1)),
            None => out::note(format_args!("gap in {channel}: entries may be missing ({reason})")),
        }
        Ok(())
    }

    /// Says how to go on later.
    fn tell_places(&self) {
        for (channel, position) in self.places.channels() {
            out::note(format_args!("{} stands at {position} (--since goes on from there)", plain(channel)));
        }
    }

    /// Time, channel, from whom, event, data.
    fn pretty(&self, entry: &Entry) -> String {
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(entry.at)).unwrap_or(UNIX_EPOCH);
        let at = humantime::format_rfc3339_millis(at);
        let (channel, from) = (self.places.name(entry.stream), entry.from.as_deref().unwrap_or("(host)"));
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
