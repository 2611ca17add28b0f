//! What is printed when the server has started.

use crate::out::plain;
use crate::settings::secret::Secret;
use crate::token::{Mint, grants};
use anyhow::Result;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// Where the tools look for a server by themselves.
pub(crate) const DEFAULT_SERVER: &str = "ws://127.0.0.1:8080/ws";

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the server is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    /// It speaks TLS.
    pub(crate) is_secure: bool,
}

impl Place {
    /// The schemes of its addresses, with HTTP and with WebSocket.
    pub(crate) const fn schemes(self) -> (&'static str, &'static str) {
        if self.is_secure { ("https", "wss") } else { ("http", "ws") }
    }

    /// The origins of its own page, where nobody but this machine can reach it; else none.
    pub(crate) fn loopback_origins(self) -> Vec<String> {
        let ip = self.address.ip().to_canonical();
        if !ip.is_loopback() {
            return Vec::new();
        }
        let (scheme, port) = (self.schemes().0, self.address.port());
        // Browsers leave the scheme's own port out.
        let port = if port == if self.is_secure { 443 } else { 80 } { String::new() } else { format!(":{port}") };
        let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        [host, "localhost".into()].map(|host| format!("{scheme}://{host}{port}")).into()
    }
}

/// The addresses, and how to make a token.
pub(crate) fn with_secret(place: Place, data: Option<&Path>, has_keys: bool) -> String {
    let (addresses, program, keyless) = (addresses(place, data), program(), keyless(has_keys));
    format!("{addresses}\nTokens are made with the same JWT_SECRET:\n\n  {program} token --user alice\n{keyless}")
}

/// The addresses alone: tokens are made elsewhere.
pub(crate) fn with_keys(place: Place, data: Option<&Path>, has_keys: bool) -> String {
    let (addresses, keyless) = (addresses(place, data), keyless(has_keys));
    format!("{addresses}\nTokens come from whoever has the keys that are set in [jwt].\n{keyless}")
}

/// The addresses, where the application says whom a token belongs to.
pub(crate) fn with_hook(place: Place, data: Option<&Path>, has_keys: bool) -> String {
    let (addresses, keyless) = (addresses(place, data), keyless(has_keys));
    format!("{addresses}\nTokens are those of the application, which is asked at hook.url.\n{keyless}")
}

/// What is to be said where nobody may call the HTTP API.
fn keyless(has_keys: bool) -> String {
    if has_keys {
        return String::new();
    }
    let program = program();
    format!("\nThe HTTP API has no key, so nobody may call it: set TIDINGS_API_KEY (make one with `{program} key`).\n")
}

/// The addresses, and what to open and to paste: this start's secret is known to nobody else.
pub(crate) fn without_secret(
    place: Place,
    data: Option<&Path>,
    mint: &Mint,
    page_key: &Secret,
    key: Option<&Secret>,
) -> Result<String> {
    let all = || grants(&[], &[], &[], &[]);
    let (alice, bob) = (mint.token("alice", all(), A_DAY)?, mint.token("bob", all(), A_DAY)?);
    let (program, server) = (program(), server(place.address));
    let addresses = addresses(place, data);
    let so = format!(
        "JWT_SECRET is not set. This start has a secret of its own, and only this machine can connect.\n\nOpen the page, a \
         chat, in two windows of a browser: the first is alice, the second bob.\n\n  {}://{}/#key={}\n",
        place.schemes().0,
        reachable(place.address),
        page_key.reveal(),
    );
    if place.is_secure {
        // Which authority the certificate is of is not known here, and the tools have to be told.
        return Ok(format!(
            "{addresses}\n{so}\nTokens that are good for 24 hours, or until the server stops:\n\n  alice  {alice}\n  bob    {bob}\n"
        ));
    }
    Ok(format!(
        "{addresses}\n{so}\nOr try it in \
         two terminals (the tokens are good for 24 hours, or until the server stops):\n\n  {program} sub \
         {server}--token {alice} messaging:lobby\n\n  {program} pub {server}--token {bob} messaging:lobby \
         '{{\"text\":\"hi\"}}'\n\nOr listen with nothing but curl:\n\n  curl -N -H 'Authorization: Bearer {alice}' \
         'http://{}/sse?channel=messaging:lobby'\n{}",
        reachable(place.address),
        key.map_or_else(String::new, |key| curl(place, key)),
    ))
}

/// A call of the HTTP API, to paste.
fn curl(place: Place, key: &Secret) -> String {
    format!(
        "\nThe same from a server of yours, over the HTTP API (this start's key, with all rights):\n\n  curl \
         {}://{}/api/v1/publish -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d \
         '{{\"channel\":\"messaging:lobby\",\"event\":\"NEW_MESSAGE\",\"data\":{{\"text\":\"hi\"}}}}'\n",
        place.schemes().0,
        reachable(place.address),
        key.reveal(),
    )
}

fn addresses(place: Place, data: Option<&Path>) -> String {
    let (address, here, (http, ws)) = (place.address, reachable(place.address), place.schemes());
    let data = data.map_or_else(|| "nothing is kept on disk".into(), |path| plain(&path.display().to_string()));
    format!(
        "tidingsd {} is listening on {http}://{address}\n\n  WebSocket  {ws}://{here}/ws\n  SSE        {http}://{here}/sse\n  \
         HTTP API   {http}://{here}/api/v1/openapi.json\n  page       {http}://{here}/\n  \
         health     {http}://{here}/healthz\n  ready      {http}://{here}/readyz\n  figures    {http}://{here}/metrics\n  data       {data}\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The option that leads the tools here, where they would not look by themselves.
fn server(address: SocketAddr) -> String {
    let url = format!("ws://{}/ws", reachable(address));
    if url == DEFAULT_SERVER { String::new() } else { format!("--server {url} ") }
}

/// An address of this machine, where the server listens on all of them.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// How this program was called, so that what is printed can be pasted.
fn program() -> String {
    let plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    std::env::args().next().filter(plain).unwrap_or_else(|| "tidingsd".into())
}
