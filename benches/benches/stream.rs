//! One step of a stream: a publication placed and fanned out to members that take everything at once, and one brought
//! forward from the history. And the whole of a delivery inside the engine, with a link that costs nothing.

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::link::Link;
use tidings::{Codec, Data, Engine, Grants};
use tidings_core::policy::{Access, Class, Keep, Overflow, Policy, Shelf};
use tidings_core::rate::Rate;
use tidings_core::stream::{Delivery, Effects, Publication, Stream, Subscriber};
use tidings_core::time::Now;
use tidings_proto::command::Wait;
use tidings_proto::id::{Epoch, Position};
use tidings_proto::wire::WireForm;

const MEMBERS: u64 = 1_000;

struct Member(u64);

impl Subscriber for Member {
    fn form(&self) -> WireForm {
        WireForm::WebSocketJson
    }
}

/// Counts the bytes, so that nothing can be left out.
struct Sink(usize);

impl Effects<Member> for Sink {
    fn deliver(&mut self, to: &Member, frames: &Bytes, _: u64) -> Delivery {
        self.0 += frames.len() ^ usize::from(to.0 > MEMBERS);
        Delivery::Taken
    }

    fn skipped(&mut self, _: u64) {}
}

fn policy() -> Arc<Policy> {
    let keep = Keep { entries_max: 1_000, bytes_max: 1 << 20, age_ms_max: 60_000 };
    let (subscribe, publish, send) = (Access::Everyone, Access::Everyone, Access::Everyone);
    Arc::new(Policy {
        class: Class::Reliable,
        send_class: Class::Reliable,
        subscribe,
        publish,
        send,
        keep,
        shelf: Shelf { keep, overflow: Overflow::DropOldest, devices_max: 1, device_ttl_ms: 0 },
        data_bytes_max: 1 << 16,
        rate: Rate::per_minute(0),
        attendance: tidings_core::policy::Attendance::None,
    })
}

fn data() -> Data {
    Data::new(&"x".repeat(128)).expect("a string is data")
}

fn stream_step(c: &mut Criterion) {
    let data = data();
    let from: Arc<str> = "alice".into();
    let publication = Publication {
        event: "NEW_MESSAGE",
        data: data.as_ref(),
        from: Some(&from),
        key: None,
        class: Class::Reliable,
        idempotency_key: None,
        wait: Wait::Accepted,
    };
    let mut group = c.benchmark_group("stream");
    let mut sink = Sink(0);
    let mut stream = Stream::new(1, Epoch(7), policy(), Now::default());
    for member in 0..MEMBERS {
        stream.join(Member(member), None, Now::default(), &mut sink);
    }
    group.throughput(Throughput::Elements(MEMBERS));
    group.bench_function("publish and fan out to 1,000", |b| {
        b.iter(|| {
            stream.publish(black_box(&publication), Now::default());
            stream.fan_out(&mut sink);
        });
    });
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("bring one forward by 1,000 entries", |b| {
        b.iter(|| {
            let Position { epoch, offset } = stream.position();
            let since = Some(Position { epoch, offset: offset - 1_000 });
            let joined = stream.join(Member(0), since, Now::default(), &mut sink);
            stream.catch_up(joined.slot, Now::default(), &mut sink);
            stream.leave(joined.slot, Now::default(), &mut sink);
        });
    });
    black_box(sink.0);
    group.finish();
}

struct Everyone;

impl Host for Everyone {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Ok(Admission::new(ask.token).grants(Grants::all()))
    }
}

/// Takes everything and keeps nothing.
struct Hole;

impl Link for Hole {
    fn form(&self) -> WireForm {
        WireForm::WebSocketJson
    }

    fn try_write_vectored(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(frames.iter().map(|frame| frame.len()).sum())
    }

    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn finish(&self) {}

    fn abort(&self) {}
}

fn outboxes(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut group = c.benchmark_group("outbox");
    for members in [1, 1_000_u64] {
        let (engine, ports) = runtime.block_on(async {
            let mut config = Config::default();
            config.limits.messages_per_minute = 0;
            let engine = Engine::start(config, Everyone).expect("the default configuration is valid");
            let ports: Vec<_> = (0..members)
                .map(|at| {
                    let port = engine.open(Arc::new(Hole)).expect("there is room");
                    let connect = format!(r#"{{"id":1,"connect":{{"token":"user{at}"}}}}"#);
                    port.batch().message(Codec::Json, connect.as_bytes());
                    let subscribe = br#"{"id":2,"subscribe":{"channel":"realtime:lobby"}}"#;
                    port.batch().message(Codec::Json, subscribe);
                    port
                })
                .collect();
            (engine, ports)
        });
        let data = data();
        group.throughput(Throughput::Elements(members));
        group.bench_function(format!("publish, enqueue, flush: {members} connections"), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    let before = engine.stats().bytes_out;
                    engine.publish("realtime:lobby", "NEW_MESSAGE", &data).expect("the engine runs");
                    while engine.stats().bytes_out == before {
                        tokio::task::yield_now().await;
                    }
                });
            });
        });
        drop(ports);
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2));
    targets = stream_step, outboxes
}
criterion_main!(benches);
