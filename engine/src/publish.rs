//! Publishing as the host does.

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::fan::Fan;
use crate::flush::settle;
use crate::message::Message;
use crate::place::{Failed, Outcome, Placing, Target};
use crate::share::Share;
use crate::waiting::{Answer, FAILED, Hearer};
use std::mem;
use std::sync::Arc;
use tidings_core::policy::{Class, Policy};
use tidings_core::stream::Publication;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::command::Wait;
use tidings_proto::event::is_event;
use tidings_proto::frame::Level;
use tidings_proto::id::{Epoch, Position};
use tidings_proto::limit::{IDEMPOTENCY_KEY_BYTES_MAX, KEY_BYTES_MAX};
use tidings_proto::payload::Data;
use tokio::sync::oneshot;

/// The place that a publication was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedAt {
    /// Its place in the channel; offset 0 for one that is ephemeral in a channel that is not.
    pub position: Position,
    /// How far it has come.
    pub level: Level,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let kind = match failed.code {
            Code::Limit => ErrorKind::Limit,
            Code::Busy => ErrorKind::Busy,
            Code::Unavailable => ErrorKind::Store,
            _ => ErrorKind::Input,
        };
        Self::new(kind, failed.text).with_retry_after_ms(failed.retry_after_ms)
    }
}

impl Engine {
    /// Publishes to a channel as the host. All subscribers of the channel get the event. In a durable namespace it is on
    /// its way to the disk when this returns; [`Engine::publish_stored`] waits until it is there.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a name or event that the protocol does not allow or a namespace that is not declared,
    /// [`ErrorKind::Limit`] when there are `channels_max` channels, [`ErrorKind::Busy`] when too much waits for the disk,
    /// [`ErrorKind::Store`] when the store has failed, [`ErrorKind::Stopped`] when the engine shuts down.
    pub fn publish(&self, channel: &str, event: &str, data: &Data) -> Result<PublishedAt, Error> {
        self.publish_message(channel, &Message::new(event, data))
    }

    /// The same with all that can be asked of a message.
    ///
    /// # Errors
    /// As [`Engine::publish`].
    pub fn publish_message(&self, channel: &str, message: &Message<'_>) -> Result<PublishedAt, Error> {
        let (channel, publication) = self.to_channel(channel, message, Wait::Accepted)?;
        self.place(Target::Channel(channel), &publication).map(published_at)
    }

    /// Publishes to a channel of a durable namespace. It is placed when this is called; what is returned is ready when it
    /// is behind the store's barrier.
    ///
    /// # Errors
    /// As [`Engine::publish`], and [`ErrorKind::Input`] for a namespace that is not durable. After [`ErrorKind::Store`] it
    /// may be on disk or not: the same idempotency key keeps another try from being delivered twice.
    pub fn publish_stored(
        &self,
        channel: &str,
        message: &Message<'_>,
    ) -> impl Future<Output = Result<PublishedAt, Error>> + Send + use<> {
        let placed = self
            .to_channel(channel, message, Wait::Stored)
            .and_then(|(channel, publication)| self.place_stored(Target::Channel(channel), &publication, None));
        async move { placed?.wait().await.map(published_at) }
    }

    fn to_channel<'m>(
        &self,
        channel: &'m str,
        message: &Message<'m>,
        wait: Wait,
    ) -> Result<(ChannelName<'m>, Publication<'m>), Error> {
        let channel = ChannelName::parse(channel).map_err(|error| Error::new(ErrorKind::Input, error.text()))?;
        let policy = self.shared.settled.rules.namespace(channel.namespace()).ok_or_else(|| {
            let text = format!("namespace `{}` is not declared in the configuration", channel.namespace());
            Error::new(ErrorKind::Input, text)
        })?;
        let publication = message.publication(policy.class, wait);
        self.check(&publication, policy)?;
        Ok((channel, publication))
    }

    pub(crate) fn check(&self, publication: &Publication<'_>, policy: &Arc<Policy>) -> Result<(), Error> {
        self.shared.check_running()?;
        let Publication { event, data, key, class, idempotency_key, wait, .. } = *publication;
        let input = |text: String| Err(Error::new(ErrorKind::Input, text));
        if !is_event(event) {
            let text = "an event has 1 to 64 bytes of printable ASCII without space, quotation mark and backslash";
            return input(text.to_owned());
        }
        if data.bytes().len() > policy.data_bytes_max {
            let text = format!("data_bytes_max: at most {} bytes", policy.data_bytes_max);
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        if idempotency_key.is_some_and(|key| key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
            return input(format!("an idempotency key has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes"));
        }
        if key.is_some_and(|key| policy.class != Class::Latest || key.is_empty() || key.len() > KEY_BYTES_MAX) {
            return input(format!("a key has 1 to {KEY_BYTES_MAX} bytes, and a meaning in class latest alone"));
        }
        if wait == Wait::Stored && class != Class::Durable {
            return input("this is not kept on disk: its class is not durable".to_owned());
        }
        Ok(())
    }

    fn place(&self, target: Target<'_>, publication: &Publication<'_>) -> Result<Answer, Error> {
        self.place_shared(target, publication, None)
    }

    pub(crate) fn place_shared(
        &self,
        target: Target<'_>,
        publication: &Publication<'_>,
        share: Option<&Share>,
    ) -> Result<Answer, Error> {
        // Nobody listens: what is accepted is answered at once.
        let placed = self.put(target, publication, share, |_| Hearer::Host(oneshot::channel().0))?;
        placed.ok_or_else(|| Error::new(ErrorKind::Store, FAILED))
    }

    pub(crate) fn place_stored(
        &self,
        target: Target<'_>,
        publication: &Publication<'_>,
        share: Option<&Share>,
    ) -> Result<Stored, Error> {
        let (told, hears) = oneshot::channel();
        let mut answer = None;
        let placed = self.put(target, publication, share, |placed| {
            answer = Some(placed);
            Hearer::Host(told)
        })?;
        match (placed, answer) {
            (Some(answer), _) => Ok(Stored { answer, hears: None }),
            (None, Some(answer)) => Ok(Stored { answer, hears: Some(hears) }),
            (None, None) => Err(Error::new(ErrorKind::Store, FAILED)),
        }
    }

    /// Places a publication and lets what follows leave. `None` when it is answered later.
    fn put(
        &self,
        target: Target<'_>,
        publication: &Publication<'_>,
        share: Option<&Share>,
        hearer: impl FnOnce(Answer) -> Hearer,
    ) -> Result<Option<Answer>, Error> {
        let shared = &self.shared;
        let mut fan = Fan::new(shared.settled.outbox);
        let mut placed = Vec::new();
        let now = shared.clock.now();
        let mut placing = Placing { shared, now, fan: &mut fan, placed: &mut placed, share };
        let outcome = placing.place(target, publication, hearer);
        for cell in mem::take(&mut placed) {
            cell.stream().fan_out(&mut fan);
        }
        settle(shared, fan);
        match outcome {
            Outcome::Now(answer) => Ok(Some(answer)),
            Outcome::Later => Ok(None),
            Outcome::Failed(failed) => {
                if let Some(limit) = failed.limit {
                    shared.counters.reached(limit, 1);
                }
                Err(failed.into())
            }
        }
    }
}

/// A publication on its way to the disk.
pub(crate) struct Stored {
    answer: Answer,
    /// `None` when it is there.
    hears: Option<oneshot::Receiver<()>>,
}

impl Stored {
    pub(crate) async fn wait(self) -> Result<Answer, Error> {
        if let Some(hears) = self.hears {
            hears.await.map_err(|_| Error::new(ErrorKind::Store, FAILED))?;
        }
        Ok(self.answer)
    }
}

fn published_at(answer: Answer) -> PublishedAt {
    match answer {
        Answer::Published(published) => PublishedAt {
            position: Position { epoch: published.epoch, offset: published.offset },
            level: published.level,
        },
        // The same key was given to an event for a user before, which has no place that a host could name.
        Answer::Sent(sent) => PublishedAt { position: Position { epoch: Epoch(0), offset: 0 }, level: sent.level },
    }
}
