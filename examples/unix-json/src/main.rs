//! Serves newline JSON over a Unix socket. See the library for how it is done.

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::{Engine, Grants};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::ctrl_c;

/// Takes the token for the user's name: who can open the socket is trusted.
struct Trusting;

impl Host for Trusting {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        if ask.token.is_empty() {
            return Err(Denial::unauthorized());
        }
        Ok(Admission::new(ask.token).grants(Grants::all()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("tidings.sock"), PathBuf::from);
    let listener = listen(&path).await?;
    let engine = Engine::start(Config::default(), Trusting)?;
    println!("listening on {}; try: nc -U {}", path.display(), path.display());
    tokio::select! {
        served = unix_json::serve(listener, engine.clone()) => served?,
        interrupted = ctrl_c() => interrupted?,
    }
    engine.shutdown(Duration::from_secs(5)).await;
    fs::remove_file(&path)?;
    Ok(())
}

/// Listens on the path, in place of a server that has left its socket there.
async fn listen(path: &Path) -> Result<UnixListener, Box<dyn Error>> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {}
        bound => return Ok(bound?),
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path)?;
            Ok(UnixListener::bind(path)?)
        }
        _ => Err(format!("{} is in use: stop the server there, or give another path", path.display()).into()),
    }
}
