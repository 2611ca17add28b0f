//! A socket that does not wait for ever for a peer that reads nothing.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Bytes in both directions, in which a write fails when nothing could leave for too long.
///
/// hyper has no such limit of its own: a peer that sends requests and never reads the answers would keep its connection,
/// and its seat, for as long as it likes. A timer exists only while a write waits.
#[derive(Debug)]
pub(crate) struct Impatient<S> {
    inner: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    /// Fails a write from which nothing left for this long.
    pub(crate) const fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, waiting: None }
    }

    /// What is inside.
    pub(crate) fn into_inner(self) -> S {
        self.inner
    }

    /// Starts the clock when something waits, and stops it when something went on.
    fn judge<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        if waiting.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        metrics::counter!("tidings_http_write_timeouts_total").increment(1);
        // Whoever tries once more waits as long again.
        waiting.as_mut().reset(Instant::now() + self.patience);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing of what is sent to it")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.judge(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.judge(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.judge(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.judge(cx, polled)
    }
}

#[cfg(test)]
mod tests {
    use super::Impatient;
    use std::{io::ErrorKind, time::Duration};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::{Instant, sleep},
    };

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up_and_who_reads_a_little_now_and_then_is_not() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = Impatient::new(ours, PATIENCE);
        let began = Instant::now();
        let reader = tokio::spawn(async move {
            let mut piece = [0; 16];
            for _ in 0..4 {
                sleep(PATIENCE - Duration::from_secs(1)).await;
                theirs.read_exact(&mut piece).await.unwrap();
            }
            // Alive, and not reading any more.
            sleep(PATIENCE * 10).await;
        });
        let error = ours.write_all(&[0; 1_000]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), 4 * (PATIENCE - Duration::from_secs(1)) + PATIENCE);
        reader.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_on_which_nothing_waits_is_let_be() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = Impatient::new(ours, PATIENCE);
        ours.write_all(b"hi").await.unwrap();
        sleep(PATIENCE * 3).await;
        ours.write_all(b"ho").await.unwrap();
        let mut read = [0; 4];
        theirs.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"hiho");
    }
}
