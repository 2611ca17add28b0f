use super::{Lent, TakeOver};
use crate::ws::stream::Stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn lent() -> (Lent<Stream>, TakeOver, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (lent, take_over) = Lent::new(Stream::from(listener.accept().await.unwrap().0));
    (lent, take_over, peer)
}

#[tokio::test]
async fn what_is_written_after_it_was_taken_is_swallowed() {
    let (mut lent, take_over, mut peer) = lent().await;
    lent.write_all(b"before").await.unwrap();
    let taken = take_over.take().unwrap();
    lent.write_all(b"swallowed").await.unwrap();
    lent.flush().await.unwrap();
    lent.shutdown().await.unwrap();
    drop(lent);
    let mut stream = taken.await.unwrap();
    stream.write_all(b" after").await.unwrap();
    drop(stream);
    let mut all = String::new();
    peer.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "before after");
}

#[tokio::test]
async fn it_is_taken_once() {
    let (lent, take_over, _peer) = lent().await;
    let taken = take_over.clone().take();
    assert!(taken.is_some());
    assert!(take_over.take().is_none());
    drop(lent);
    assert!(taken.unwrap().await.is_ok());
    assert!(take_over.take().is_none());
}

#[tokio::test]
async fn nobody_cuts_into_an_answer_that_has_not_left() {
    let (mut lent, take_over, mut peer) = lent().await;
    let more = vec![b'x'; 1 << 20];
    let mut written = 0;
    // As much as the socket takes, and then some.
    while let Ok(bytes) = tokio::time::timeout(std::time::Duration::from_millis(50), lent.write(&more)).await {
        written += bytes.unwrap();
    }
    assert!(take_over.take().is_none());
    let mut all = vec![0; written];
    peer.read_exact(&mut all).await.unwrap();
    lent.write_all(b"x").await.unwrap();
    assert!(take_over.take().is_some());
}

#[tokio::test]
async fn what_is_not_wanted_any_more_ends() {
    let (lent, take_over, mut peer) = lent().await;
    drop(take_over.take());
    drop(lent);
    assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
}
