//! A host whose questions are answered in two places.

use tidings::Data;
use tidings::host::{
    Admission, CallAsk, ConnectAsk, Credential, Denial, Host, HostEvent, PublishAsk, SendAsk, SubscribeAsk, WatchAsk,
};

use crate::answer::{admission, permission, result, watchable};
use crate::client::Hook;
use crate::question::{Asked, Kind};

/// A host that has the hook answer what it answers, and another host the rest.
#[derive(Debug)]
pub struct Hooked<H> {
    hook: Hook,
    rest: H,
}

impl<H> Hooked<H> {
    /// The hook, and behind it the host that answers what the hook is not asked.
    pub const fn new(hook: Hook, rest: H) -> Self {
        Self { hook, rest }
    }
}

impl<H: Host> Host for Hooked<H> {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        if self.hook.answers(Kind::Connect) {
            return self.hook.ask(Asked::from(&ask), admission).await;
        }
        self.rest.connect(ask).await
    }

    async fn refresh(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        if self.hook.answers(Kind::Connect) {
            return self.connect(ask).await;
        }
        self.rest.refresh(ask).await
    }

    fn is_revoked(&self, user: &str, credential: Credential) -> bool {
        self.rest.is_revoked(user, credential)
    }

    async fn subscribe(&self, ask: SubscribeAsk) -> Result<(), Denial> {
        if self.hook.answers(Kind::Subscribe) {
            return self.hook.ask(Asked::from(&ask), permission).await;
        }
        self.rest.subscribe(ask).await
    }

    async fn publish(&self, ask: PublishAsk) -> Result<(), Denial> {
        if self.hook.answers(Kind::Publish) {
            return self.hook.ask(Asked::from(&ask), permission).await;
        }
        self.rest.publish(ask).await
    }

    async fn send(&self, ask: SendAsk) -> Result<(), Denial> {
        if self.hook.answers(Kind::Send) {
            return self.hook.ask(Asked::from(&ask), permission).await;
        }
        self.rest.send(ask).await
    }

    async fn watch(&self, ask: WatchAsk) -> Result<Vec<String>, Denial> {
        if self.hook.answers(Kind::Watch) {
            let may = self.hook.ask(Asked::from(&ask), watchable).await?;
            return Ok(may.unwrap_or(ask.users));
        }
        self.rest.watch(ask).await
    }

    async fn call(&self, ask: CallAsk) -> Result<Data, Denial> {
        if self.hook.answers(Kind::Call) {
            return self.hook.ask(Asked::from(&ask), result).await;
        }
        self.rest.call(ask).await
    }

    fn event(&self, event: HostEvent) {
        self.rest.event(event);
    }
}
