//! A socket in front of a connection that isn't one.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split},
    net::UnixStream,
    sync::oneshot,
    time::timeout,
};

use super::stream::Stream;

/// How long the far connection may still take after our end was dropped.
const LINGER: Duration = Duration::from_secs(2);

/// Gives a plain socket for a connection of any kind: a task copies between the connection and the other end of a pair of
/// Unix sockets.
///
/// It costs two file descriptors, a task, about 20 KiB of buffers, and two more copies of every byte for each connection. For TLS
/// there is [`crate::Tls`], which needs none of it.
///
/// # Errors
/// When there are no more file descriptors.
pub(crate) fn bridge(connection: impl AsyncRead + AsyncWrite + Send + 'static) -> io::Result<Stream> {
    let (near, far) = UnixStream::pair()?;
    let (alive, gone) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut peer_reads, mut peer_writes) = split(connection);
        let (mut far_reads, mut far_writes) = far.into_split();
        // An error in one direction is the end of that direction; the other one still tells how it ends.
        let inward = async {
            let _ = copy(&mut peer_reads, &mut far_writes).await;
            let _ = far_writes.shutdown().await;
        };
        let outward = async {
            let _ = copy(&mut far_reads, &mut peer_writes).await;
            let _ = peer_writes.shutdown().await;
        };
        let both = async { tokio::join!(inward, outward) };
        tokio::pin!(both);
        tokio::select! {
            _ = &mut both => {}
            _ = gone => {
                let _ = timeout(LINGER, both).await;
            }
        }
    });
    Ok(Stream::bridged(near, alive))
}
