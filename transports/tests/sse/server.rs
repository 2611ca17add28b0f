//! A server with an engine behind SSE and WebSocket, on a port and threads of its own.

use hyper::{Request, body::Incoming, service::service_fn};
use std::{convert::Infallible, net::SocketAddr, thread, time::Duration};
use tidings::{
    Data, Engine, Grants,
    config::Config,
    host::{Admission, ConnectAsk, Denial, Host, SubscribeAsk},
};
use tidings_transports::{Gateway, Limits, Options, Origins, Sse, serve};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

/// Takes the token for the user's name, after a moment. Guests have no rights of their own, and are let into what ends in `:open`.
struct Names;

impl Host for Names {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if ask.token.is_empty() || ask.token == "stranger" {
            return Err(Denial::unauthorized());
        }
        let admission = Admission::new(ask.token.clone());
        Ok(if ask.token.starts_with("guest") { admission } else { admission.grants(Grants::all()) })
    }

    async fn subscribe(&self, ask: SubscribeAsk) -> Result<(), Denial> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if ask.channel.ends_with(":open") { Ok(()) } else { Err(Denial::forbidden()) }
    }
}

/// Runs until it's dropped. `/sse` and `/ws`.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    runtime: Runtime,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

/// No limits on messages.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.limits.messages_per_minute = 0;
    config.limits.others_per_minute = 0;
    config
}

impl Server {
    pub(crate) fn start(config: Config) -> Self {
        Self::start_with(config, "https://page.example", Limits::default())
    }

    pub(crate) fn start_with(config: Config, origins: &str, limits: Limits) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let engine = runtime.block_on(async { Engine::start(config, Names) }).expect("a good configuration");
        let origins: Origins = origins.parse().expect("good origins");
        let sse = Sse::new(engine.clone(), origins.clone(), limits.clone());
        let gateway = Gateway::new(engine.clone(), origins, limits.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (sse, gateway) = (sse.clone(), gateway.clone());
            async move {
                Ok::<_, Infallible>(match request.uri().path() {
                    "/ws" => gateway.handle(&mut request),
                    _ => sse.handle(&mut request).await,
                })
            }
        });
        let (stop, stopped) = watch::channel(false);
        let handle = runtime.handle().clone();
        let thread = thread::spawn(move || {
            handle.block_on(serve(listener, Options::new(limits), service, stopped)).expect("good limits");
        });
        Self { address, engine, runtime, stop, thread: Some(thread) }
    }

    /// Publishes to a channel.
    pub(crate) fn publish(&self, channel: &str, data: u64) {
        self.engine.publish(channel, "E", &Data::new(&data).unwrap()).unwrap();
    }

    /// Sends to a user.
    pub(crate) fn send(&self, user: &str, data: u64) {
        self.engine.send(user, &tidings::message::Message::new("E", &Data::new(&data).unwrap())).unwrap();
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn eventually(&self, what: &str, is_so: impl Fn(&Engine) -> bool) {
        let began = std::time::Instant::now();
        while !is_so(&self.engine) {
            assert!(began.elapsed() < Duration::from_secs(10), "it did not come to be: {what}");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}
