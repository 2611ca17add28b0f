//! Rows 27 and 28 and the ping flood: what peers can make the process hold, read from the operating system.
//!
//! The tests take turns, for each looks at the memory of the whole process.

#[path = "../sse/listener.rs"]
#[allow(dead_code, reason = "this test binary uses a part of it")]
mod listener;
#[path = "../sse/server.rs"]
#[allow(dead_code, reason = "this test binary uses a part of it")]
mod sse;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    io::{ErrorKind, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use support::{Client, Neighbour, Server, client_frame};
use tidings_transports::Limits;

static TURN: Mutex<()> = Mutex::new(());

fn my_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resident and virtual memory of this process.
#[derive(Clone, Copy, Debug)]
struct Memory {
    resident_kib: i64,
    virtual_kib: i64,
}

impl Memory {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").expect("Linux");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a known field");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        Self { resident_kib: field("VmRSS:"), virtual_kib: field("VmSize:") }
    }

    fn grown_since(self, before: Self) -> Self {
        Self {
            resident_kib: self.resident_kib - before.resident_kib,
            virtual_kib: self.virtual_kib - before.virtual_kib,
        }
    }
}

/// How many connections at a time the limit of open files allows, both ends being here: 1,000 if it does.
fn connections() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("Linux");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a known limit");
    let soft = line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX);
    1_000.min((soft - 100) / 2)
}

/// The memory of so many open connections, and nothing else.
fn upgraded(server: &Server, count: usize) -> Vec<Client> {
    (0..count).map(|_| Client::upgrade(server.address, "/")).collect()
}

#[test]
fn announced_lengths_take_no_memory() {
    let _turn = my_turn();
    let server = Server::start(Limits::default());
    let neighbour = Neighbour::of(server.address);
    let limit_bytes = Limits::default().message_bytes_max as u64;
    // Threads and heaps are set up before anything is measured.
    drop(upgraded(&server, 50));
    for (length, code) in
        [(1 << 63, Some(1002)), ((1 << 63) - 1, Some(1009)), (limit_bytes + 1, Some(1009)), (limit_bytes, None)]
    {
        let mut clients = upgraded(&server, connections());
        let before = Memory::now();
        for client in &mut clients {
            let mut head = vec![0x82, 0xff];
            head.extend(u64::to_be_bytes(length));
            head.extend([1, 2, 3, 4]);
            client.send(&head);
        }
        if let Some(code) = code {
            for client in &mut clients {
                client.expect_close(code);
            }
        } else {
            // What is allowed may come; all that is held is the header.
            thread::sleep(Duration::from_millis(300));
        }
        let grown = Memory::now().grown_since(before);
        assert!(grown.resident_kib < 4 * 1024, "length {length}: {grown:?}");
        assert!(grown.virtual_kib < 16 * 1024, "length {length}: {grown:?}");
    }
    neighbour.was_well();
}

#[test]
fn unfinished_messages_take_at_most_twice_their_payload() {
    let _turn = my_turn();
    const PAYLOAD_BYTES: usize = 100_000;
    const PEERS: usize = 200;
    let mut limits = Limits::default();
    limits.fragments_max = u32::MAX;
    let server = Server::start(limits);
    let neighbour = Neighbour::of(server.address);
    drop(upgraded(&server, 50));
    let fragments = [
        client_frame(0x02, b""),
        client_frame(0x00, &[7]).repeat(1_000),
        client_frame(0x00, &[7; 100]).repeat(PAYLOAD_BYTES / 100 - 11),
    ]
    .concat();
    let single = &client_frame(0x82, &vec![7; 2 * PAYLOAD_BYTES])[..PAYLOAD_BYTES];
    let at_first = Memory::now();
    for bytes in [&fragments[..], single] {
        let mut clients = upgraded(&server, PEERS);
        let before = Memory::now();
        for client in &mut clients {
            client.send(bytes);
            // The answer to a ping tells that everything before it was decoded.
            if bytes != single {
                client.send_frame(0x89, b"?");
                client.expect(0x8a, b"?");
            }
        }
        let payload_kib = (PEERS * PAYLOAD_BYTES / 1024) as i64;
        let began = Instant::now();
        // The second time the allocator may have kept what the first one used, so it counts from the beginning.
        let held = || Memory::now().grown_since(at_first).resident_kib;
        while held() < payload_kib / 2 && began.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(50));
        }
        assert!(held() >= payload_kib / 2, "it is not held at all? {} KiB", held());
        let grown = Memory::now().grown_since(before);
        assert!(grown.resident_kib < 2 * payload_kib + 4 * 1024, "payload {payload_kib} KiB, {grown:?}");
        drop(clients);
    }
    neighbour.was_well();
}

#[test]
fn pings_from_a_peer_that_does_not_read_do_not_pile_up() {
    let _turn = my_turn();
    let mut limits = Limits::default();
    limits.write_timeout_ms = 60_000;
    let server = Server::start(limits);
    let neighbour = Neighbour::of(server.address);
    drop(upgraded(&server, 50));
    let ping = client_frame(0x89, &[b'p'; 125]).repeat(1_000);
    for path in ["/", "/recv"] {
        let mut deaf = Client::upgrade(server.address, path);
        deaf.socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let before = Memory::now();
        let mut taken = 0;
        // 40 MB of pings, or until the server stops reading.
        while taken < 40_000_000 {
            match deaf.socket.write(&ping[taken % ping.len()..]) {
                Ok(written) => taken += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the connection ended: {error}"),
            }
        }
        let grown = Memory::now().grown_since(before);
        assert!(grown.resident_kib < 2 * 1024, "{path}: {taken} bytes of pings, {grown:?}");
        // Whoever only receives reads on, however far behind the pongs are.
        assert!(path == "/" || taken >= 40_000_000, "{taken}");
    }
    neighbour.was_well();
}

#[test]
fn an_idle_stream_of_events_is_small() {
    // What the daemon takes for each is measured by `cargo xtask bench -- --only idle-sse`.
    const EACH_KIB_MAX: i64 = 4;
    let _turn = my_turn();
    let server = sse::Server::start(sse::config());
    // Each has had something, so that nothing is left out that comes with the first delivery. Of the client no more than
    // its socket is kept.
    let open = |count: usize| -> Vec<std::net::TcpStream> {
        let listen = |user: usize| {
            let query = format!("channel=messaging:a&token={user}");
            let mut stream = listener::Listener::get(server.address, &query, "");
            stream.expect("subscribed");
            stream.socket
        };
        let mut sockets: Vec<_> = (0..count).map(listen).collect();
        server.publish("messaging:a", 1);
        for socket in &mut sockets {
            std::io::Read::read(socket, &mut [0; 512]).expect("the entry, or what came before it");
        }
        sockets
    };
    // Threads and heaps are set up before anything is measured.
    drop(open(100));
    server.eventually("nobody is left", |engine| engine.stats().connections == 0);
    let before = Memory::now();
    let count = connections();
    let streams = open(count);
    let grown = Memory::now().grown_since(before);
    let count = i64::try_from(streams.len()).unwrap();
    assert!(grown.resident_kib <= count * EACH_KIB_MAX, "{grown:?} for {count}");
}
