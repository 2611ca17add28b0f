//! Sessions with Chromium's WebSocket, in pages of two origins.

use anyhow::Context;
use serde_json::{Value, json};
use std::path::Path;
use tidings_e2e::client::Client;
use tidings_e2e::codec::Codec;
use tidings_e2e::cutter::Cutter;
use tidings_e2e::daemon::Daemon;
use tidings_e2e::script::Script;
use tidings_e2e::{environment, token};

/// A browser, and two origins that pages may come from.
struct Browser {
    script: Script,
    home: String,
    stranger: String,
}

impl Browser {
    fn start() -> anyhow::Result<Self> {
        let chromium = environment::chromium()?;
        let chromium = chromium.to_str().context("a path in UTF-8")?;
        let mut script = Script::start(Path::new("node"), "browser.mjs", &[chromium])?;
        let told = script.hear()?;
        let origin = |name| told[name].as_str().map(str::to_owned).context("an origin");
        Ok(Self { home: origin("home")?, stranger: origin("stranger")?, script })
    }

    /// A daemon that lets in pages of `home`.
    fn daemon(&self) -> anyhow::Result<Daemon> {
        Daemon::with(&[("ALLOWED_ORIGIN", &self.home)])
    }

    /// Runs `code` in a page of `home`, where `input` is what it gets. Returns what it returns.
    fn run(&mut self, code: &str, input: &Value) -> anyhow::Result<Value> {
        let mut answer = self.run_at(&self.home.clone(), code, input)?;
        let result = answer.get_mut("result").map(Value::take);
        result.with_context(|| format!("the page failed: {answer}"))
    }

    fn run_at(&mut self, origin: &str, code: &str, input: &Value) -> anyhow::Result<Value> {
        self.script.tell(&json!({"origin": origin, "code": code, "input": input}))?;
        self.script.hear()
    }
}

fn input(daemon: &Daemon) -> anyhow::Result<Value> {
    Ok(json!({"url": daemon.url(), "alice": token::of("alice")?, "bob": token::of("bob")?}))
}

#[test]
fn a_page_has_a_session_in_either_codec() -> anyhow::Result<()> {
    let mut browser = Browser::start()?;
    let daemon = browser.daemon()?;
    let code = "
        const alice = new Client(input.url, input.offered);
        const bob = new Client(input.url, input.offered);
        const connected = await alice.connect(input.alice);
        await bob.connect(input.bob);
        const channel = `messaging:${input.channel}`;
        const { subscribed } = await bob.answer('subscribe', { channel });
        const data = [null, {}, [1, -1, 0.5, 2 ** 40], 'grüße, 🦀', 'x'.repeat(20_000)];
        const published = [];
        for (const one of data) {
            published.push((await alice.answer('publish', { channel, event: 'E', data: one })).published.offset);
        }
        const entries = await bob.entries(data.length);
        const greeting = { user: 'bob', namespace: 'realtime', event: 'hello', data: 1, class: 'ephemeral' };
        const { sent } = await alice.answer('send', greeting);
        const [hello] = await bob.entries(1);
        const { error } = await alice.answer('subscribe', { channel: 'nowhere' });
        alice.socket.close(4321, 'bye');
        return {
            protocol: alice.socket.protocol, user: connected.user, subscribed, published, sessions: sent.sessions,
            same: JSON.stringify(entries.map((entry) => entry.data)) === JSON.stringify(data),
            offsets: entries.map((entry) => entry.offset), from: entries.map((entry) => entry.from),
            hello: hello.event, error: error.code, closed: await inTime('the end', alice.closed),
        };";
    let offers = [
        (json!(["tidings.v1.json"]), "tidings.v1.json"),
        (json!(["tidings.v1.json", "tidings.v1.msgpack"]), "tidings.v1.msgpack"),
        (json!([]), ""),
    ];
    for (at, (offered, protocol)) in offers.into_iter().enumerate() {
        let mut input = input(&daemon)?;
        input["offered"] = offered;
        input["channel"] = json!(at.to_string());
        let said = browser.run(code, &input)?;
        assert_eq!(said["protocol"], protocol);
        assert_eq!((&said["user"], &said["subscribed"]["recovered"]), (&json!("alice"), &json!("none")));
        assert_eq!((&said["same"], &said["offsets"]), (&json!(true), &json!([1, 2, 3, 4, 5])), "{said}");
        assert_eq!(said["published"], said["offsets"]);
        assert_eq!(said["from"], json!(["alice", "alice", "alice", "alice", "alice"]));
        assert_eq!((&said["sessions"], &said["hello"]), (&json!(1), &json!("hello")));
        assert_eq!(said["error"], 2000);
        assert_eq!(said["closed"]["code"], 4321);
    }
    browser.script.finish()
}

#[test]
fn a_page_of_another_origin_is_refused_before_the_upgrade() -> anyhow::Result<()> {
    let mut browser = Browser::start()?;
    let daemon = browser.daemon()?;
    let input = input(&daemon)?;
    let code = "
        const client = new Client(input.url, ['tidings.v1.json']);
        const state = await inTime('an end', Promise.race([client.opened, client.closed]));
        return { state, protocol: client.socket.protocol };";
    assert_eq!(browser.run(code, &input)?["state"], "open");

    let stranger = browser.stranger.clone();
    let answer = browser.run_at(&stranger, code, &input)?;
    assert_eq!(answer["result"]["state"], json!({"code": 1006, "reason": "", "wasClean": false}), "{answer}");
    let console = answer["console"].to_string();
    assert!(console.contains("Unexpected response code: 403"), "{console}");

    // The same machine by another name is another origin.
    let renamed = browser.home.replace("127.0.0.1", "localhost");
    let answer = browser.run_at(&renamed, code, &input)?;
    assert_eq!(answer["result"]["state"]["code"], 1006, "{answer}");
    browser.script.finish()
}

#[test]
fn a_page_learns_why_it_was_closed() -> anyhow::Result<()> {
    let mut browser = Browser::start()?;
    let daemon = browser.daemon()?;
    let mut input = input(&daemon)?;
    input["alice"] = json!("not a token");
    let code = "
        const client = new Client(input.url, ['tidings.v1.json']);
        await inTime('a handshake', client.opened);
        const { error } = await client.answer('connect', { token: input.alice });
        return { error: error.code, closed: await inTime('the end', client.closed) };";
    let said = browser.run(code, &input)?;
    let closed = json!({"code": 3500, "reason": "unauthorized", "wasClean": true});
    assert_eq!(said, json!({"error": 2001, "closed": closed}));
    browser.script.finish()
}

#[test]
fn a_page_that_comes_back_after_a_crash_is_told_of_the_gap() -> anyhow::Result<()> {
    let mut browser = Browser::start()?;
    let first = browser.daemon()?;
    let before = "
        const client = new Client(input.url, ['tidings.v1.json']);
        await client.connect(input.alice);
        const { subscribed } = await client.answer('subscribe', { channel: 'messaging:lobby' });
        for (let n = 1; n <= 3; n++) {
            await client.answer('publish', { channel: 'messaging:lobby', event: 'E', data: n });
        }
        await client.entries(3);
        return subscribed.epoch;";
    let epoch = browser.run(before, &input(&first)?)?;

    // The same server: what followed the position comes.
    let after = "
        const client = new Client(input.url, ['tidings.v1.json']);
        await client.connect(input.alice);
        const since = { epoch: input.epoch, offset: 2 };
        const { subscribed } = await client.answer('subscribe', { channel: 'messaging:lobby', since });
        const gap = subscribed.recovered === 'gap' ? await client.take('a gap', (one) => 'gap' in one) : null;
        await client.answer('publish', { channel: 'messaging:lobby', event: 'E', data: 'live' });
        const entries = await client.entries(input.count);
        return { subscribed, gap: gap && gap.gap, data: entries.map((entry) => entry.data) };";
    let mut again = input(&first)?;
    (again["epoch"], again["count"]) = (epoch.clone(), json!(2));
    let said = browser.run(after, &again)?;
    assert_eq!((&said["subscribed"]["recovered"], &said["data"]), (&json!("complete"), &json!([3, "live"])));

    // Another life of it: nothing is passed off as what was missed.
    drop(first);
    let second = browser.daemon()?;
    let mut again = input(&second)?;
    (again["epoch"], again["count"]) = (epoch.clone(), json!(1));
    let said = browser.run(after, &again)?;
    assert_eq!(said["subscribed"]["recovered"], "gap");
    assert_ne!(said["subscribed"]["epoch"], epoch);
    assert_eq!((&said["gap"]["reason"], &said["data"]), (&json!("epoch"), &json!(["live"])));
    browser.script.finish()
}

#[test]
fn a_page_that_stays_open_sees_its_server_die() -> anyhow::Result<()> {
    let mut browser = Browser::start()?;
    let daemon = browser.daemon()?;
    let code = "
        const client = new Client(input.url, ['tidings.v1.json']);
        await client.connect(input.alice);
        return client.closed;";
    let (origin, given) = (browser.home.clone(), input(&daemon)?);
    browser.script.tell(&json!({"origin": origin, "code": code, "input": given}))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut bob = Client::of(&daemon, "bob", Codec::Json).await?;
        bob.wait_for_sessions("alice", 1).await
    })?;
    daemon.interrupt()?;
    let closed = browser.script.hear()?;
    assert_eq!(closed["result"], json!({"code": 3001, "reason": "shutdown", "wasClean": true}), "{closed}");
    browser.script.finish()
}

/// Publishes ten times to each of two channels while the page is there, cuts it off, publishes as much while it is away,
/// waits until it is back, and all that again.
#[tokio::main(flavor = "current_thread")]
async fn publish_and_cut(daemon: Daemon, way: &Cutter, cuts: u64) -> anyhow::Result<Daemon> {
    let mut bob = Client::of(&daemon, "bob", Codec::Json).await?;
    // The page says that it listens by being there.
    while daemon.figure("tidings_connections")? < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut n = 0;
    for round in 0..2 * cuts {
        for _ in 0..10 {
            n += 1;
            bob.publish("messaging:page", "E", json!(n)).await?;
            bob.publish("messaging:other", "E", json!(-n)).await?;
        }
        if round + 1 == 2 * cuts {
            // The page leaves as soon as it has everything, so nobody can count on seeing it.
            break;
        }
        // What is published while the page is away comes when it is back.
        let is_there = round % 2 == 0;
        if is_there {
            // The server may know of the page a moment before the way does, and of one that has gone a moment longer.
            while way.cut() == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        while (daemon.figure("tidings_connections")? > 1) == is_there {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    Ok(daemon)
}

/// A bare `EventSource`, whose connection is cut again and again, and whose page is a page of another server.
#[test]
fn an_event_source_comes_back_by_itself_and_misses_nothing() -> anyhow::Result<()> {
    const CUTS: u64 = 2;
    let mut browser = Browser::start()?;
    let daemon = browser.daemon()?;
    let way = Cutter::to(daemon.address())?;
    let query = format!("channel=messaging:page&channel=messaging:other&token={}", token::of("alice")?);
    let input = json!({"url": format!("http://{}/sse?{query}", way.address()), "count": 2 * 2 * CUTS * 10});
    let publishing = std::thread::spawn(move || {
        publish_and_cut(daemon, &way, CUTS).inspect_err(|error| eprintln!("publishing has ended: {error:#}"))
    });
    let code = "
        const source = new EventSource(input.url);
        const got = new Map(), gaps = [];
        let opened = 0, ids = 0;
        source.onopen = () => opened++;
        const all = new Promise((resolve) => {
            source.onmessage = ({ data, lastEventId }) => {
                const { entry, gap } = JSON.parse(data);
                if (gap && gap.to >= gap.from) gaps.push(gap);
                if (!entry) return;
                if (lastEventId) ids++;
                got.set(entry.data, true);
                if (got.size === input.count) resolve();
            };
        });
        await Promise.race([all, new Promise((_, late) => setTimeout(() => late(new Error(`${got.size}`)), 35_000))]);
        source.close();
        return { data: [...got.keys()], gaps, opened, ids };";
    let said = browser.run(code, &input)?;
    let daemon = publishing.join().map_err(|_| anyhow::anyhow!("the publisher panicked"))??;
    let data: Vec<i64> = serde_json::from_value(said["data"].clone())?;
    let sorted = |sign: i64| data.iter().map(|n| n * sign).filter(|n| *n > 0).collect::<Vec<_>>();
    let expected: Vec<i64> = (1..=2 * CUTS as i64 * 10).collect();
    assert_eq!((sorted(1), sorted(-1)), (expected.clone(), expected), "each channel in its order");
    assert_eq!(said["gaps"], json!([]), "{said}");
    assert!(said["opened"].as_u64() > Some(1) && said["ids"].as_u64() > Some(0), "{said}");

    // A refused token is the end, and so is a page that may not.
    let code = "
        const source = new EventSource(input.url);
        await inTime('the end', new Promise((resolve) => {
            source.onerror = () => source.readyState === EventSource.CLOSED && resolve();
        }));
        return source.readyState;";
    let wrong = json!({"url": format!("http://{}/sse?token=wrong", daemon.address())});
    assert_eq!(browser.run(code, &wrong)?, 2);
    let right = json!({"url": format!("http://{}/sse?token={}", daemon.address(), token::of("alice")?)});
    let stranger = browser.stranger.clone();
    assert_eq!(browser.run_at(&stranger, code, &right)?["result"], 2);
    browser.script.finish()
}

/// A page that speaks the protocol over `fetch`.
#[test]
fn a_page_converses_over_fetch_alone() -> anyhow::Result<()> {
    let mut browser = Browser::start()?;
    let daemon = browser.daemon()?;
    let input = json!({"url": format!("http://{}/sse", daemon.address()), "token": token::of("alice")?});
    let code = "
        const post = (headers, frame) => fetch(input.url, {
            method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(frame),
        });
        const answer = await post({ Accept: 'text/event-stream' }, { id: 1, connect: { token: input.token } });
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        const frame = async (name) => {
            for (;;) {
                const end = text.indexOf('\\n\\n');
                if (end < 0) { text += (await inTime(name, reader.read())).value; continue; }
                const line = text.slice(0, end).split('\\n').find((line) => line.startsWith('data: '));
                text = text.slice(end + 2);
                const told = line && JSON.parse(line.slice(6));
                if (told && name in told) return told[name];
            }
        };
        const { session, secret } = await frame('connected');
        const up = (frame) => post({ 'Tidings-Session': session, 'Tidings-Secret': secret }, frame);
        const status = (await up({ id: 2, subscribe: { channel: 'messaging:page' } })).status;
        await frame('subscribed');
        await up({ id: 3, publish: { channel: 'messaging:page', event: 'E', data: 'hi' } });
        const { data } = await frame('entry');
        await reader.cancel();
        return { status, data };";
    assert_eq!(browser.run(code, &input)?, json!({"status": 202, "data": "hi"}));
    browser.script.finish()
}
