//! Look-ups and changes of presence: the host's question whether a user is online, and what a change costs beside its
//! deliveries, with nobody and with a hundred watchers whose links cost nothing.
//!
//! Memory is printed first: of a user with one device, and of a watch, as the process grows by them.

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::{Engine, Grants};
use tidings_core::policy::{Access, PresenceRules};
use tidings_core::presence::Board;
use tidings_core::stream::{Delivery, Effects, Subscriber};
use tidings_core::time::{Instant, Now};
use tidings_proto::wire::WireForm;

const USERS: usize = 10_000;
const WATCHED: usize = 100;

#[derive(Clone)]
struct Watcher(Arc<u32>);

impl Subscriber for Watcher {
    fn form(&self) -> WireForm {
        WireForm::WebSocketJson
    }
}

struct Sink(usize);

impl Effects<Watcher> for Sink {
    fn deliver(&mut self, to: &Watcher, frames: &Bytes, _: u64) -> Delivery {
        self.0 += frames.len() ^ (*to.0 as usize & 1);
        Delivery::Taken
    }

    fn skipped(&mut self, _: u64) {}
}

const RULES: PresenceRules = PresenceRules {
    watch: Access::Everyone,
    grace_ms: 15_000,
    text_bytes_max: 256,
    info_bytes_max: 1_024,
    watched_max: 1_000,
    watchers_max: 100_000,
    strangers_max: 100_000,
    members_max: 200,
};

fn name(at: usize) -> Arc<str> {
    format!("user-{}", at % USERS).into()
}

/// A board with all users, the first `watching` of which watch a hundred each.
fn board(names: &[Arc<str>], watching: usize) -> (Board<Watcher>, Vec<u32>) {
    let mut board = Board::new(RULES, 1);
    let devices: Vec<u32> = names.iter().map(|name| board.open(name, None, now(0))).collect();
    for (at, device) in devices.iter().enumerate().take(watching) {
        let watched = (0..WATCHED).map(|step| &*names[(at + 1 + step * 97) % USERS]);
        board.watch(*device, Watcher(Arc::new(*device)), watched).expect("within the limits");
    }
    while board.tell(now(0), u64::MAX, &mut Sink(0), &mut Vec::new()).more {}
    (board, devices)
}

const fn now(ms: u64) -> Now {
    Now { instant: Instant(ms), wall_ms: 1_790_000_000_000 + ms }
}

fn changes(c: &mut Criterion) {
    let names: Vec<Arc<str>> = (0..USERS).map(name).collect();
    let mut group = c.benchmark_group("presence");
    for (label, watching) in [("change that nobody watches", 0), ("change that a hundred watch", USERS)] {
        let (mut board, devices) = board(&names, watching);
        let (mut at, mut ms, mut sink, mut told) = (0, 0, Sink(0), Vec::new());
        group.bench_function(label, |bench| {
            bench.iter(|| {
                // Each user often enough apart not to flap.
                at = (at + 7) % USERS;
                ms += 1;
                let idle = (ms / USERS as u64).is_multiple_of(2);
                board.active(devices[at], !idle, now(ms));
                board.tell(now(ms), u64::MAX, &mut sink, &mut told);
                told.clear();
            });
        });
        black_box(sink.0);
    }
    group.finish();
}

struct Everyone;

impl Host for Everyone {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        Ok(Admission::new(ask.token).grants(Grants::all()))
    }
}

fn look_up(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let engine = Engine::start(Config::default(), Everyone).expect("an engine");
    let names: Vec<Arc<str>> = (0..USERS).map(name).collect();
    let locals: Vec<_> = names
        .iter()
        .map(|name| {
            let local = engine.connect_local().expect("room");
            local.send(&format!(r#"{{"connect":{{"token":"{name}"}}}}"#));
            local
        })
        .collect();
    assert!(names.iter().all(|name| engine.is_user_online(name)), "everybody is there");
    let mut at = 0;
    c.bench_function("presence/is_user_online, one of 10,000", |bench| {
        bench.iter(|| {
            at = (at + 4_001) % USERS;
            black_box(engine.is_user_online(&names[at]))
        });
    });
    drop(locals);
}

/// Resident memory of this process in bytes.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok()).unwrap_or_default() * 1_024
}

/// Prints what a user and a watch take.
fn memory(_: &mut Criterion) {
    const MANY: usize = 200_000;
    let names: Vec<Arc<str>> = (0..MANY).map(|at| format!("user-{at}").into()).collect();
    let before = resident_bytes();
    let mut board = Board::<Watcher>::new(RULES, 1);
    for name in &names {
        black_box(board.open(name, None, now(0)));
    }
    while board.tell(now(0), u64::MAX, &mut Sink(0), &mut Vec::new()).more {}
    let users = resident_bytes().saturating_sub(before);
    println!("memory: {} bytes for a user with one device, of {MANY}", users / MANY);
    drop(board);

    let names: Vec<Arc<str>> = (0..USERS).map(name).collect();
    let (mut watched, devices) = self::board(&names, 0);
    let before = resident_bytes();
    for (at, device) in devices.iter().enumerate() {
        let users = (0..WATCHED).map(|step| &*names[(at + 1 + step * 97) % USERS]);
        watched.watch(*device, Watcher(Arc::new(*device)), users).expect("within the limits");
    }
    let watches = resident_bytes().saturating_sub(before);
    println!("memory: {:.1} bytes for a watch, of {}", watches as f64 / (USERS * WATCHED) as f64, USERS * WATCHED);
    black_box(watched.users());
}

criterion_group!(benches, memory, look_up, changes);
criterion_main!(benches);
