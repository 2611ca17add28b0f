use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

use super::Stream;

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn a_shared_stream_can_end_its_writing_and_read_on() {
    let (tcp, mut tcp_peer) = tcp_pair().await;
    let (unix, mut unix_peer) = UnixStream::pair().unwrap();
    let mut rest = Vec::new();

    let stream = Stream::from(tcp);
    assert_eq!(stream.try_write(b"last").unwrap(), 4);
    stream.shutdown_write().unwrap();
    tcp_peer.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"last");
    assert!(stream.try_write(b"more").is_err());
    tcp_peer.write_all(b"answer").await.unwrap();
    let mut stream = stream;
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"answer");

    let stream = Stream::from(unix);
    stream.shutdown_write().unwrap();
    assert_eq!(unix_peer.read(&mut answer).await.unwrap(), 0);
    unix_peer.write_all(b"answer").await.unwrap();
    std::future::poll_fn(|cx| stream.poll_read_ready(cx)).await.unwrap();
    assert_eq!(stream.try_read(&mut answer).unwrap(), 6);
    let nothing = stream.try_read(&mut answer).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_aborted_stream_is_reset() {
    let (tcp, mut peer) = tcp_pair().await;
    let stream = Stream::from(tcp);
    stream.abort_on_drop();
    drop(stream);
    let reset = peer.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_is_told_how_long_a_peer_may_be_silent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = Stream::from(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
    let patience = std::time::Duration::from_millis(35_000);
    stream.give_up_after(patience);
    assert_eq!(socket2::SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(patience));
}
