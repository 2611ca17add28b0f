//! Publishing and sending as the host does.

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
use tidings_proto::id::Position;
use tidings_proto::limit::{IDEMPOTENCY_KEY_BYTES_MAX, KEY_BYTES_MAX};
use tidings_proto::payload::Data;
use tidings_proto::user::is_user_id;
use tokio::sync::oneshot;

/// The place that a publication was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedAt {
    /// Its place in the channel; offset 0 for one that is ephemeral in a channel that is not.
    pub position: Position,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let kind = match failed.code {
            Code::Limit => ErrorKind::Limit,
            Code::Busy => ErrorKind::Busy,
            Code::Unavailable => ErrorKind::Store,
            _ => ErrorKind::Input,
        };
        Self::new(kind, failed.text)
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

    /// Publishes to a channel of a durable namespace, and returns when it is behind the store's barrier.
    ///
    /// # Errors
    /// As [`Engine::publish`], and [`ErrorKind::Input`] for a namespace that is not durable. After [`ErrorKind::Store`] it
    /// may be on disk or not: the same idempotency key keeps another try from being delivered twice.
    pub async fn publish_stored(&self, channel: &str, message: &Message<'_>) -> Result<PublishedAt, Error> {
        let placed = {
            let (channel, publication) = self.to_channel(channel, message, Wait::Stored)?;
            self.place_stored(Target::Channel(channel), &publication)?
        };
        placed.wait().await.map(published_at)
    }

    /// Sends an event to every device of a user: at once to those that are connected, and, where the engine keeps things on
    /// disk, later to those that are not. Returns how many sessions the user has now.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a user or event that the protocol does not allow or data above the inbox's limit, and
    /// otherwise as [`Engine::publish`].
    pub fn broadcast_to_user(&self, user: &str, event: &str, data: &Data) -> Result<usize, Error> {
        self.send(user, &Message::new(event, data))
    }

    /// The same with all that can be asked of a message.
    ///
    /// # Errors
    /// As [`Engine::broadcast_to_user`].
    pub fn send(&self, user: &str, message: &Message<'_>) -> Result<usize, Error> {
        let publication = self.to_user(user, message, Wait::Accepted)?;
        self.place(Target::User(user), &publication).map(sessions)
    }

    /// Sends an event to every device of a user, and returns when it is behind the store's barrier.
    ///
    /// # Errors
    /// As [`Engine::broadcast_to_user`], and [`ErrorKind::Store`] as for [`Engine::publish_stored`].
    pub async fn send_stored(&self, user: &str, message: &Message<'_>) -> Result<usize, Error> {
        let placed = {
            let publication = self.to_user(user, message, Wait::Stored)?;
            self.place_stored(Target::User(user), &publication)?
        };
        placed.wait().await.map(sessions)
    }

    /// Sends one event to many users. Its data are on disk once, however many inboxes it goes to. Returns how many users
    /// it was sent to: all but those whose inboxes are full, where that refuses the sender.
    ///
    /// # Errors
    /// As [`Engine::broadcast_to_user`], and [`ErrorKind::Input`] for an idempotency key, which would have to be one for
    /// each user. Those before the user at which it failed were sent to.
    pub fn send_to_users(&self, users: &[&str], message: &Message<'_>) -> Result<usize, Error> {
        if message.idempotency().is_some() {
            return Err(Error::new(ErrorKind::Input, "an idempotency key is for one publication; send to one user"));
        }
        let share = self.share(users, message)?;
        let mut sent = 0;
        let failed = users.iter().find_map(|user| {
            let publication = self.to_user(user, message, Wait::Accepted);
            match publication
                .and_then(|publication| self.place_shared(Target::User(user), &publication, share.as_ref()))
            {
                Ok(_) => sent += 1,
                Err(error) if error.kind() == ErrorKind::Limit => {}
                Err(error) => return Some(error),
            }
            None
        });
        if let (Some(share), Some(store)) = (&share, &self.shared.store)
            && sent < users.len()
        {
            let refs = u32::try_from(sent).unwrap_or(u32::MAX);
            // If the store has failed, what was queued of it is given up as well.
            let _ = store.commit.enter(0, |waiting| share.lower(refs, waiting));
        }
        failed.map_or(Ok(sent), Err)
    }

    /// The data of a message, to be on disk once for all of the users.
    fn share(&self, users: &[&str], message: &Message<'_>) -> Result<Option<Share>, Error> {
        let Some(store) = self.shared.store.as_ref().filter(|_| users.len() > 1) else { return Ok(None) };
        let id = store.disk.with(|archive| Ok(archive.new_stream()));
        let id = id.map_err(|error| Error::new(ErrorKind::Store, error.to_string()))?;
        let refs = u32::try_from(users.len()).unwrap_or(u32::MAX);
        Ok(Some(Share::new(id, refs, message.data().clone())))
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

    fn to_user<'m>(&self, user: &str, message: &Message<'m>, wait: Wait) -> Result<Publication<'m>, Error> {
        if !is_user_id(user) {
            return Err(Error::new(ErrorKind::Input, "a user id has 1 to 128 bytes without control characters"));
        }
        let policy = &self.shared.settled.inbox_policy;
        let publication = message.publication(policy.class, wait);
        self.check(&publication, policy)?;
        Ok(publication)
    }

    fn check(&self, publication: &Publication<'_>, policy: &Arc<Policy>) -> Result<(), Error> {
        self.shared.check_running()?;
        let Publication { event, data, key, class, idempotency_key, wait, .. } = *publication;
        let input = |text: String| Err(Error::new(ErrorKind::Input, text));
        if !is_event(event) {
            let text = "an event has 1 to 64 bytes of printable ASCII without space, quotation mark and backslash";
            return input(text.to_owned());
        }
        if data.bytes().len() > policy.data_bytes_max {
            return input(format!("data_bytes_max: at most {} bytes", policy.data_bytes_max));
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

    fn place_shared(
        &self,
        target: Target<'_>,
        publication: &Publication<'_>,
        share: Option<&Share>,
    ) -> Result<Answer, Error> {
        // Nobody listens: what is accepted is answered at once.
        let placed = self.put(target, publication, share, |_| Hearer::Host(oneshot::channel().0))?;
        placed.ok_or_else(|| Error::new(ErrorKind::Store, FAILED))
    }

    fn place_stored(&self, target: Target<'_>, publication: &Publication<'_>) -> Result<Stored, Error> {
        let (told, hears) = oneshot::channel();
        let mut answer = None;
        let placed = self.put(target, publication, None, |placed| {
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
            Outcome::Failed(failed) => Err(failed.into()),
        }
    }
}

/// A publication on its way to the disk.
struct Stored {
    answer: Answer,
    /// `None` when it is there.
    hears: Option<oneshot::Receiver<()>>,
}

impl Stored {
    async fn wait(self) -> Result<Answer, Error> {
        if let Some(hears) = self.hears {
            hears.await.map_err(|_| Error::new(ErrorKind::Store, FAILED))?;
        }
        Ok(self.answer)
    }
}

fn published_at(answer: Answer) -> PublishedAt {
    match answer {
        Answer::Published(published) => {
            PublishedAt { position: Position { epoch: published.epoch, offset: published.offset } }
        }
        // The same key was given to an event for a user before, which has no place that a host could name.
        Answer::Sent(_) => PublishedAt { position: Position { epoch: tidings_proto::id::Epoch(0), offset: 0 } },
    }
}

fn sessions(answer: Answer) -> usize {
    match answer {
        Answer::Sent(sent) => sent.sessions,
        Answer::Published(_) => 0,
    }
}
