//! A session before its stream: its first commands, and the answers to them that decide how the request is answered.

use super::{
    answers::{Failed, Refusal},
    ask::Ask,
    link::SseLink,
    places::Places,
    told::{self, Connected, Told},
};
use serde_json::json;
use std::{collections::VecDeque, future::poll_fn, sync::Arc};
use tidings::{Code, Codec, Engine, link::Link, port::Port};
use tidings_proto::id::Position;

/// The id of the `connect` that an address stands for; those of its `subscribe`s follow.
const CONNECT_ID: u64 = 1;

/// A session on its way. Dropped, it is over.
pub(crate) struct Opening {
    session: Provisional,
    pub(crate) link: Arc<SseLink>,
    /// How much of what was said was read.
    read: usize,
    told: VecDeque<Told>,
}

impl Opening {
    pub(crate) fn begin(engine: &Engine) -> Result<Self, Refusal> {
        let link = Arc::<SseLink>::default();
        let port = engine.open(Arc::clone(&link) as Arc<dyn Link>).map_err(|_| Refusal::full())?;
        Ok(Self { session: Provisional(Some(port)), link, read: 0, told: VecDeque::new() })
    }

    /// Carries out what an address asks for, and returns where its client stands then.
    pub(crate) async fn listen(&mut self, ask: &Ask) -> Result<Places, Refusal> {
        self.port().brings(ask.brought.as_deref());
        let connect = json!({ "id": CONNECT_ID, "connect": { "token": ask.token, "device": ask.device } });
        self.send(connect.to_string().as_bytes());
        let Connected { inbox } = self.connected().await?;
        let mut places = Places::default();
        places.add(inbox.stream, Position { epoch: inbox.epoch, offset: inbox.delivered });
        let mut commands = String::new();
        for (id, channel) in (CONNECT_ID + 1..).zip(&ask.channels) {
            commands += &format!("{}\n", json!({ "id": id, "subscribe": { "channel": channel } }));
        }
        if !ask.channels.is_empty() {
            self.send(commands.as_bytes());
        }
        let brought = ask.brought.as_deref().unwrap_or_default();
        for _ in &ask.channels {
            let joined = loop {
                let told = self.next(Failed::Subscribe).await?;
                if let Some(joined) = told.subscribed {
                    break joined;
                }
            };
            places.add(joined.stream, joined.begins_at(brought));
        }
        places.settle();
        // From now on whoever joins a channel by POST begins there.
        self.port().brings(None);
        let has = brought.iter().find(|position| position.epoch == inbox.epoch);
        if let (Some(_), Some(has)) = (&ask.device, has) {
            // What the client has of its inbox it has for good: it could not say so before.
            let ack = json!({ "ack": { "stream": inbox.stream, "offset": has.offset } });
            self.send(ack.to_string().as_bytes());
        }
        Ok(places)
    }

    /// Takes the frames of a client that speaks the protocol by itself. The first of them is its `connect`; the others are
    /// taken when that was answered.
    pub(crate) async fn converse(&mut self, frames: &[u8]) -> Result<(), Refusal> {
        let frames = frames.trim_ascii();
        if frames.is_empty() {
            return Err(not_connect());
        }
        let end = frames.iter().position(|byte| *byte == b'\n').unwrap_or(frames.len());
        let (connect, rest) = frames.split_at(end);
        self.send(connect);
        self.connected().await?;
        if !rest.is_empty() {
            self.send(rest);
        }
        Ok(())
    }

    /// The stream begins: the session is the client's own from now on.
    pub(crate) fn keep(mut self) -> Option<Port> {
        self.session.0.take()
    }

    fn port(&self) -> &Port {
        self.session.0.as_ref().expect("only `keep` takes it out, and that is the end of this")
    }

    fn send(&self, frames: &[u8]) {
        self.port().batch().message(Codec::Json, frames);
    }

    async fn connected(&mut self) -> Result<Connected, Refusal> {
        let told = self.next(Failed::Connect).await?;
        told.connected.ok_or_else(not_connect)
    }

    /// The next word of the server.
    ///
    /// # Errors
    /// It is that a command failed, or that the session is over.
    async fn next(&mut self, failed: Failed) -> Result<Told, Refusal> {
        loop {
            if let Some(told) = self.told.pop_front() {
                if let Some(failure) = told.error {
                    return Err(Refusal::of(failure, failed));
                }
                if told.close.is_some() {
                    return Err(Refusal::full());
                }
                return Ok(told);
            }
            let link = &self.link;
            let said = poll_fn(|context| link.poll_said(self.read, context)).await.ok_or_else(Refusal::full)?;
            let (told, read) = told::read(&said);
            self.told.extend(told);
            self.read += read;
        }
    }
}

/// A session whose client has heard nothing of it. It is not waited for when it ends: nobody could come back to it.
struct Provisional(Option<Port>);

impl Drop for Provisional {
    fn drop(&mut self) {
        if let Some(port) = &self.0 {
            port.close(Code::Disconnected);
        }
    }
}

fn not_connect() -> Refusal {
    Refusal::bad("the first frame of a stream is `connect`")
}
