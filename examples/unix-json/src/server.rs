//! Accepting connections.

use crate::connection::Connection;
use std::io;
use std::time::Duration;
use tidings::Engine;
use tokio::net::UnixListener;
use tokio::time::sleep;

/// How long accepting rests after an error, such as no more file descriptors.
const REST: Duration = Duration::from_millis(100);

/// Serves an engine's sessions over a Unix socket until the engine shuts down.
///
/// # Errors
/// None ends it: a connection for which there is no room is closed, and accepting rests after an error.
pub async fn serve(listener: UnixListener, engine: Engine) -> io::Result<()> {
    while !engine.is_stopping() {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(REST).await;
            continue;
        };
        if let Ok(connection) = Connection::open(&engine, stream) {
            tokio::spawn(connection.run());
        }
    }
    Ok(())
}
