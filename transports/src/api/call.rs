//! One call: who asks, and of what.

use super::{
    form,
    keys::{ApiKey, Right},
    limits::ApiLimits,
    problem::Problem,
};
use tidings::{
    Code, Engine,
    inspect::{SessionId, SessionView},
};

/// One call.
#[derive(Clone, Copy)]
pub(crate) struct Call<'c> {
    pub(super) engine: &'c Engine,
    pub(super) key: &'c ApiKey,
    pub(super) limits: &'c ApiLimits,
}

impl Call<'_> {
    /// The key has a right.
    pub(super) fn check_right(&self, right: Right) -> Result<(), Problem> {
        if self.key.has(right) {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, format!("this needs a key with the right `{}`", right.name())))
    }

    /// A channel that the key may use, in a namespace that there is.
    pub(super) fn check_channel(&self, channel: &str) -> Result<(), Problem> {
        let name = form::channel(channel)?;
        if !self.key.covers_channel(channel) {
            return Err(Problem::new(Code::Forbidden, "this needs a key whose `channels` cover the channel"));
        }
        self.check_namespace(name.namespace())
    }

    pub(super) fn check_namespace(&self, namespace: &str) -> Result<(), Problem> {
        if self.engine.has_namespace(namespace) {
            return Ok(());
        }
        Err(Problem::new(
            Code::NotFound,
            format!("the server has no namespace {namespace:?}; declare it in its settings"),
        ))
    }

    /// A user whom the key may use.
    pub(super) fn check_user(&self, user: &str) -> Result<(), Problem> {
        form::user(user)?;
        if self.key.covers_user(user) {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, "this needs a key whose `users` cover the user"))
    }

    /// A session of a user whom the key may use. Another's is not told from one that is not there.
    pub(super) fn find_session(&self, id: &str) -> Result<(SessionId, SessionView), Problem> {
        let session = form::session(id)?;
        let view = self.engine.session(session).filter(|view| self.key.covers_user(&view.user));
        let view = view.ok_or_else(|| Problem::new(Code::NotFound, "there is no session of this id"))?;
        Ok((session, view))
    }
}
