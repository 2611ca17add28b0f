//! The server: from its settings to its last connection.

use crate::access::{self, Tokens, has_keys};
use crate::revocations::Revoker;
use crate::routes::{Doors, Routes};
use crate::settings::Settings;
use crate::settings::secret::Secret;
use crate::signals::{Hangups, Signals};
use crate::tickets::Desk;
use crate::token::Mint;
use crate::trial::Trial;
use crate::welcome::Place;
use crate::{files, logs, out, welcome};
use anyhow::{Context as _, Result, bail};
use hyper::{Request, body::Incoming, service::service_fn};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidings::Engine;
use tidings_hook::Kind;
use tidings_transports::{Api, ApiKey, ApiKeys, Gateway, Limits, Options, Origins, Sse, Tls, Visitors, serve};
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often the figures' histograms are tidied.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often the operator is told how many connections are left.
const PROGRESS: Duration = Duration::from_secs(1);

/// The setting, in words that find it.
const ALLOWED_ORIGIN: &str = "allowed_origin (ALLOWED_ORIGIN)";

/// The exit code of a process that was told a second time to stop, as shells have it for SIGINT.
const EXIT_AT_ONCE: i32 = 130;

/// Serves until it is told to stop.
///
/// # Errors
/// It can't start; each says what to do.
pub(crate) async fn run(settings: &Settings, unknown: &[String]) -> Result<()> {
    logs::start(&settings.log)?;
    for name in unknown {
        tracing::warn!("the environment variable {name} begins like a setting and is none; see docs/settings.md");
    }
    settings.allowed_origin.parse::<Origins>().context(ALLOWED_ORIGIN)?;
    let addresses = resolve(&settings.listen).await?;
    let hook = settings.hook.hook(settings.times.question_timeout_ms)?;
    // Then tokens are the application's, and what a server without a secret makes for a trial is not wanted.
    let is_hooked = hook.as_ref().is_some_and(|hook| hook.answers(Kind::Connect));
    let mint = mint(settings, is_hooked, &addresses)?.map(Arc::new);
    let (keys, key_for_this_start) = api_keys(settings, is_hooked)?;
    let gate = access::gate(settings, mint.as_deref().map(Mint::secret))?;
    let mut signals = Signals::new()?;
    let limits = settings.transports();
    let visitors = settings.http.visitors();
    let options = options(settings, &limits, &visitors)?;
    let engine = access::start(settings, hook, Tokens(gate.clone())).context("can't start")?;
    // The directory is this server's alone from here on.
    access::revocations(settings).map(|file| gate.keep_in(&file)).transpose().context("can't start")?;
    let listener = listen(&settings.listen, &addresses).await?;
    if let Some(warning) = files::warning(files::raise_limit(), settings.limits.connections_max) {
        tracing::warn!("{warning}");
    }
    let figures = PrometheusBuilder::new().install_recorder().context("can't count")?;
    let has_api_keys = !keys.is_empty();
    let place = Place { address: listener.local_addr()?, is_secure: options.tls.is_some() };
    let origins = origins(settings, place)?;
    let on_trial = mint.as_ref().filter(|_| settings.jwt.secret.is_none());
    let (trial, page_key) = on_trial.map(|mint| trial(mint, &origins)).transpose()?.unzip();
    let doors = Doors {
        trial,
        desk: Desk::new(gate.clone(), origins.clone(), visitors.clone()),
        revoker: Revoker::new(engine.clone(), gate, keys.clone(), visitors.clone()),
        gateway: Gateway::new(engine.clone(), origins.clone(), limits.clone()).with_visitors(visitors.clone()),
        api: Api::new(engine.clone(), keys, origins.clone(), settings.api.limits()).with_visitors(visitors.clone()),
        sse: Sse::new(engine.clone(), origins, limits).with_visitors(visitors),
    };
    let routes = Routes::new(engine.clone(), doors, figures.clone(), settings.metrics, options.tls.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(routes.answer(request).await) }
    });
    if let Some(tls) = &options.tls {
        keep_fresh(tls, settings.tls.reload_interval())?;
    }
    let (stop, stopped) = watch::channel(false);
    let mut server = tokio::spawn(serve(listener, options, service, stopped));
    keep_tidy(figures);
    let data = settings.data();
    let welcome = match (on_trial, &page_key) {
        _ if is_hooked => welcome::with_hook(place, data, has_api_keys),
        (Some(mint), Some(key)) => welcome::without_secret(place, data, mint, key, key_for_this_start.as_ref())?,
        _ if settings.jwt.secret.is_some() => welcome::with_secret(place, data, has_api_keys),
        _ => welcome::with_keys(place, data, has_api_keys),
    };
    // A server whose standard output is closed serves all the same.
    let _ = out::print(welcome);
    tokio::select! {
        () = signals.next() => {}
        served = &mut server => bail!("the HTTP server has ended: {served:?}"),
    }
    drain(&engine, settings.http.drain_timeout_ms, &mut signals).await;
    stop.send_replace(true);
    tokio::select! {
        served = server => served.context("the HTTP server ended by a panic")??,
        () = signals.next() => std::process::exit(EXIT_AT_ONCE),
    }
    Ok(())
}

/// The pages that may connect: those of the settings, and the server's own where nobody but this machine can reach it.
/// What is at its address there is the server itself; elsewhere it may stand behind another name, which only the operator knows.
fn origins(settings: &Settings, place: Place) -> Result<Origins> {
    let own = place.loopback_origins().join(",");
    format!("{},{own}", settings.allowed_origin).parse().context(ALLOWED_ORIGIN)
}

/// What gives tokens to the page of a server without any key, and the key for it.
fn trial(mint: &Arc<Mint>, origins: &Origins) -> Result<(Trial, Secret)> {
    let key = Secret::random()?;
    Ok((Trial::new(mint.clone(), &key, origins.clone())?, key))
}

/// What every connection is held to, believed and encrypted with.
fn options(settings: &Settings, limits: &Limits, visitors: &Visitors) -> Result<Options> {
    let checked = limits.check().and_then(|()| settings.api.limits().check());
    checked.map_err(|problem| anyhow::anyhow!("the settings can't be: {problem}"))?;
    let proxies = settings.http.proxies()?;
    let mut options = Options::new(limits.clone()).with_proxies(proxies).with_visitors(visitors.clone());
    options.tls = settings.tls.tls()?;
    Ok(options)
}

/// Tidies the figures' histograms for as long as the server runs.
fn keep_tidy(figures: PrometheusHandle) {
    tokio::spawn(async move {
        loop {
            sleep(UPKEEP).await;
            figures.run_upkeep();
        }
    });
}

/// The keys of the HTTP API, and the one that was made for this start: where none is set, for a server that nobody else can
/// reach. With a secret of the operator's the server is no trial, and a key would be printed to whatever keeps its output.
fn api_keys(settings: &Settings, is_hooked: bool) -> Result<(ApiKeys, Option<Secret>)> {
    let keys = settings.api.keys()?;
    if !keys.is_empty() || settings.jwt.secret.is_some() || is_hooked || has_keys(settings) {
        return Ok((keys, None));
    }
    let secret = Secret::random()?;
    let key = ApiKey::new("this start's", secret.as_bytes()).map_err(anyhow::Error::msg)?;
    Ok(([key].into_iter().collect(), Some(secret)))
}

/// Has the certificate read anew when its files change, and on SIGHUP.
fn keep_fresh(tls: &Tls, every: Duration) -> Result<()> {
    tokio::spawn(tls.clone().keep_fresh(every));
    let (tls, mut hangups) = (tls.clone(), Hangups::new()?);
    tokio::spawn(async move {
        loop {
            hangups.next().await;
            tls.reload_and_tell();
        }
    });
    Ok(())
}

async fn resolve(listen: &str) -> Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = lookup_host(listen)
        .await
        .with_context(|| format!("can't listen on {listen:?}: give a host and a port, such as 127.0.0.1:8080"))?
        .collect();
    if addresses.is_empty() {
        bail!("can't listen on {listen:?}: that host has no address");
    }
    Ok(addresses)
}

async fn listen(listen: &str, addresses: &[SocketAddr]) -> Result<TcpListener> {
    TcpListener::bind(addresses).await.map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another process listens there; stop it, or choose another port with --listen (port 0 takes a free one)"
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 want a privilege; choose a higher one with --listen",
            io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose one that it has with --listen",
            _ => "choose another address with --listen",
        };
        anyhow::anyhow!("can't listen on {listen}: {error}; {remedy}")
    })
}

/// Makes tokens, where there is a secret for them: the operator's, or one for this start where nothing else tells whom a
/// token belongs to.
fn mint(settings: &Settings, is_hooked: bool, addresses: &[SocketAddr]) -> Result<Option<Mint>> {
    match &settings.jwt.secret {
        Some(secret) => Mint::with_secret(secret.clone(), settings).map(Some),
        None if is_hooked || has_keys(settings) => Ok(None),
        None => mint_for_this_start(settings, addresses).map(Some),
    }
}

/// A secret that nobody knows, for a server that nobody else can reach.
fn mint_for_this_start(settings: &Settings, addresses: &[SocketAddr]) -> Result<Mint> {
    if let Some(address) = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback()) {
        bail!(
            "{} can be reached from other machines, so tokens need a key of yours: set JWT_SECRET (make one with \
             `openssl rand -hex 32`) or the keys of your issuer (jwt.jwks_url, jwt.keys), or listen on 127.0.0.1",
            address.ip()
        );
    }
    Mint::with_secret(Secret::random()?, settings)
}

/// Tells all clients when to come back and waits until they are gone, or until patience ends. While it does, `/readyz`
/// says 503 and new connections are refused.
async fn drain(engine: &Engine, drain_timeout_ms: u64, signals: &mut Signals) {
    let connections = engine.stats().connections;
    out::note(format_args!("stopping: {connections} connections to close (stop again to exit at once)"));
    let left = tokio::select! {
        left = engine.shutdown(Duration::from_millis(drain_timeout_ms)) => left,
        () = tell_progress(engine) => 0,
        () = signals.next() => std::process::exit(EXIT_AT_ONCE),
    };
    match left {
        0 => out::note("stopped: all connections are closed"),
        left => out::note(format_args!("stopped: {left} connections did not close in time")),
    }
}

/// Never ends by itself.
async fn tell_progress(engine: &Engine) {
    let mut ticks = interval(PROGRESS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        out::note(format_args!("stopping: {} connections left", engine.stats().connections));
    }
}
