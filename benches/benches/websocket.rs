//! Client frames to messages: our decoder against fastwebsockets' own reader, over the same bytes.

use bytes::{BufMut, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fastwebsockets::{OpCode, Role, WebSocket};
use std::hint::black_box;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use tidings_transports::{Decoder, Incoming, Limits};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const FRAMES: usize = 100;
const PAYLOAD_BYTES: usize = 220;

/// What one read of a busy publisher brings.
fn input() -> Vec<u8> {
    let mut bytes = BytesMut::new();
    for _ in 0..FRAMES {
        bytes.put_slice(&[0x81, 0x80 | 126]);
        bytes.put_u16(u16::try_from(PAYLOAD_BYTES).expect("fits"));
        let mask = [1, 2, 3, 4];
        bytes.put_slice(&mask);
        bytes.extend((0..PAYLOAD_BYTES).map(|at| b'x' ^ mask[at % 4]));
    }
    bytes.to_vec()
}

/// A stream that is already there.
struct Memory {
    bytes: Vec<u8>,
    at: usize,
}

impl AsyncRead for Memory {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let end = self.bytes.len().min(self.at + buffer.remaining());
        buffer.put_slice(&self.bytes[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn decode(c: &mut Criterion) {
    let input = input();
    let limits = Limits::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut group = c.benchmark_group("websocket");
    group.throughput(Throughput::Elements(FRAMES as u64));
    group.bench_function("our decoder, 100 frames", |b| {
        b.iter_batched(
            || input.clone(),
            |mut bytes| {
                let mut seen = 0;
                let decoded = Decoder::default().decode(&mut bytes, &limits, 0, &mut |incoming| {
                    if let Incoming::Text(text) = incoming {
                        seen += text.len();
                    }
                    ControlFlow::<()>::Continue(())
                });
                assert!(decoded.is_ok() && seen == FRAMES * PAYLOAD_BYTES);
                black_box(seen)
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("fastwebsockets' reader, 100 frames", |b| {
        b.iter_batched(
            || Memory { bytes: input.clone(), at: 0 },
            |memory| {
                runtime.block_on(async {
                    let mut socket = WebSocket::after_handshake(memory, Role::Server);
                    let mut seen = 0;
                    for _ in 0..FRAMES {
                        let frame = socket.read_frame().await.expect("the frames are right");
                        assert!(frame.opcode == OpCode::Text);
                        seen += frame.payload.len();
                    }
                    black_box(seen)
                })
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2));
    targets = decode
}
criterion_main!(benches);
