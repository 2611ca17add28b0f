//! Sending to users as the host does.

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::message::Message;
use crate::place::Target;
use crate::publish::Stored;
use crate::share::Share;
use crate::streams::NoStream;
use crate::waiting::Answer;
use tidings_core::policy::Class;
use tidings_core::stream::Publication;
use tidings_proto::command::Wait;
use tidings_proto::frame::Level;
use tidings_proto::payload::Data;
use tidings_proto::user::is_user_id;

/// What became of an event that was sent to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentTo {
    /// How many sessions the user has connected now.
    pub sessions: usize,
    /// How far it has come.
    pub level: Level,
}

/// What became of an event that was sent to many users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentToMany {
    /// To how many it was sent.
    pub sent: usize,
    /// Where those users stand in the list whose inboxes are full, where that refuses the sender.
    pub full: Vec<usize>,
}

impl Engine {
    /// Sends an event to every device of a user: at once to those that are connected, and, where the engine keeps things on
    /// disk, later to those that are not. Returns how many sessions the user has now.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a user or event that the protocol does not allow, [`ErrorKind::TooLarge`] for data above
    /// the limit, and otherwise as [`Engine::publish`].
    pub fn broadcast_to_user(&self, user: &str, event: &str, data: &Data) -> Result<usize, Error> {
        self.send(user, &Message::new(event, data))
    }

    /// The same with all that can be asked of a message.
    ///
    /// # Errors
    /// As [`Engine::broadcast_to_user`].
    pub fn send(&self, user: &str, message: &Message<'_>) -> Result<usize, Error> {
        self.send_accepted(user, message).map(|sent| sent.sessions)
    }

    /// The same, and tells how far it has come.
    ///
    /// # Errors
    /// As [`Engine::broadcast_to_user`].
    pub fn send_accepted(&self, user: &str, message: &Message<'_>) -> Result<SentTo, Error> {
        let publication = self.to_user(user, message, Wait::Accepted)?;
        self.place_shared(Target::User(user), &publication, None).map(sent)
    }

    /// Sends an event to every device of a user. It is placed when this is called; what is returned is ready when it is
    /// behind the store's barrier.
    ///
    /// # Errors
    /// As [`Engine::broadcast_to_user`], and [`ErrorKind::Store`] as for [`Engine::publish_stored`].
    pub fn send_stored(
        &self,
        user: &str,
        message: &Message<'_>,
    ) -> impl Future<Output = Result<SentTo, Error>> + Send + use<> {
        let publication = self.to_user(user, message, Wait::Stored);
        let placed = publication.and_then(|publication| self.place_stored(Target::User(user), &publication, None));
        async move { placed?.wait().await.map(sent) }
    }

    /// Sends one event to many users. Its data are on disk once, however many inboxes it goes to. Returns how many users
    /// it was sent to: all but those whose inboxes are full, where that refuses the sender.
    ///
    /// # Errors
    /// As [`Engine::broadcast_to_user`], and [`ErrorKind::Input`] for an idempotency key, which would have to be one for
    /// each user. Those before the user at which it failed were sent to.
    pub fn send_to_users(&self, users: &[&str], message: &Message<'_>) -> Result<usize, Error> {
        self.send_to_each(users, message).map(|sent| sent.sent)
    }

    /// The same, and tells whose inboxes are full.
    ///
    /// # Errors
    /// As [`Engine::send_to_users`].
    pub fn send_to_each(&self, users: &[&str], message: &Message<'_>) -> Result<SentToMany, Error> {
        self.each(users, message, Wait::Accepted, |user, publication, share| {
            self.place_shared(Target::User(user), publication, share).map(drop)
        })
    }

    /// The same. All are placed when this is called; what is returned is ready when they are behind the store's barrier.
    ///
    /// # Errors
    /// As [`Engine::send_to_users`], and [`ErrorKind::Store`] as for [`Engine::publish_stored`].
    pub fn send_to_each_stored(
        &self,
        users: &[&str],
        message: &Message<'_>,
    ) -> impl Future<Output = Result<SentToMany, Error>> + Send + use<> {
        let mut waiting: Vec<Stored> = Vec::new();
        let placed = self.each(users, message, Wait::Stored, |user, publication, share| {
            waiting.push(self.place_stored(Target::User(user), publication, share)?);
            Ok(())
        });
        async move {
            let sent = placed?;
            for stored in waiting {
                stored.wait().await?;
            }
            Ok(sent)
        }
    }

    fn each<'m>(
        &self,
        users: &[&str],
        message: &Message<'m>,
        wait: Wait,
        mut place: impl FnMut(&str, &Publication<'m>, Option<&Share>) -> Result<(), Error>,
    ) -> Result<SentToMany, Error> {
        if message.idempotency().is_some() {
            return Err(Error::new(ErrorKind::Input, "an idempotency key is for one publication; send to one user"));
        }
        let mut told = SentToMany::default();
        let mut share = None;
        let mut failed = None;
        for (at, user) in users.iter().enumerate() {
            let placed = self.to_user(user, message, wait).and_then(|publication| {
                // What is kept nowhere is not shared there either.
                if at == 0 && publication.class == Class::Durable {
                    share = self.share(users, message)?;
                }
                place(user, &publication, share.as_ref())
            });
            match placed {
                Ok(()) => told.sent += 1,
                Err(error) if error.kind() == ErrorKind::Limit => told.full.push(at),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let (Some(share), Some(store)) = (&share, &self.shared.store)
            && told.sent < users.len()
        {
            let refs = u32::try_from(told.sent).unwrap_or(u32::MAX);
            // If the store has failed, what was queued of it is given up as well.
            let _ = store.commit.enter(0, |waiting| share.lower(refs, waiting));
        }
        failed.map_or(Ok(told), Err)
    }

    /// The data of a message, to be on disk once for all of the users.
    fn share(&self, users: &[&str], message: &Message<'_>) -> Result<Option<Share>, Error> {
        let Some(store) = self.shared.store.as_ref().filter(|_| users.len() > 1) else { return Ok(None) };
        let id = store.disk.with(|archive| Ok(archive.new_stream()));
        let id = id.map_err(|error| Error::new(ErrorKind::Store, error.to_string()))?;
        let refs = u32::try_from(users.len()).unwrap_or(u32::MAX);
        Ok(Some(Share::new(id, refs, message.data().clone())))
    }

    fn to_user<'m>(&self, user: &str, message: &Message<'m>, wait: Wait) -> Result<Publication<'m>, Error> {
        if !is_user_id(user) {
            return Err(Error::new(ErrorKind::Input, "a user id has 1 to 128 bytes without control characters"));
        }
        let settled = &self.shared.settled;
        let (policy, class) = match message.named_namespace() {
            None => (&settled.inbox_policy, settled.inbox_policy.class),
            Some(name) => {
                let policy = settled.rules.namespace(name).ok_or(NoStream::Undeclared)?;
                (policy, policy.send_class)
            }
        };
        let publication = message.publication(class, wait);
        // A value for a key is what channels have.
        if publication.key.is_some() {
            return Err(Error::new(ErrorKind::Input, "what is sent to a user has no key"));
        }
        self.check(&publication, policy)?;
        Ok(publication)
    }
}

fn sent(answer: Answer) -> SentTo {
    match answer {
        Answer::Sent(sent) => SentTo { sessions: sent.sessions, level: sent.level },
        // The same key was given to an event for a channel before.
        Answer::Published(published) => SentTo { sessions: 0, level: published.level },
    }
}
