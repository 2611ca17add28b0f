//! What a fuzzer throws at the parts that no host can reach by themselves, and what must hold of them.

use crate::{
    forwarded::has_trace,
    peer::Peer,
    preface::{self, Malformed, Source, binary, line},
    proxies::{Proxies, ProxyHeader},
    sse::{ask::Ask, positions},
};
use hyper::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, FORWARDED, HeaderName, HeaderValue, VIA},
    http::uri::PathAndQuery,
};
use socket2::SockRef;
use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use tidings_proto::limit::{SSE_CHANNELS_MAX, SSE_POSITIONS_MAX};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

/// The query of a request for a stream; behind the first NUL its `Last-Event-ID`, and behind the second its `Authorization`.
///
/// # Panics
/// When a promise is broken.
pub fn sse(bytes: &[u8]) {
    let mut parts = bytes.split(|byte| *byte == 0);
    let query = parts.next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in [HeaderName::from_static("last-event-id"), AUTHORIZATION].into_iter().zip(parts) {
        headers.extend(HeaderValue::from_bytes(value).ok().map(|value| (name, value)));
    }
    let id = headers.get("last-event-id").map_or(&[][..], HeaderValue::as_bytes);
    positions_are_read(id);
    // A server gets no other address than one that this takes.
    let Ok(address) = PathAndQuery::try_from([b"/sse?", query].concat()) else { return };
    let query = address.query().unwrap_or_default();
    let fields = || form_urlencoded::parse(query.as_bytes());
    let channels: BTreeSet<_> = fields().filter(|(name, _)| name == "channel").map(|(_, value)| value).collect();
    let times = |wanted: &str| fields().filter(|(name, _)| name == wanted).count();
    match Ask::read(Some(query), &headers) {
        Ok(ask) => {
            assert!(ask.channels.len() <= SSE_CHANNELS_MAX);
            assert_eq!(ask.channels.len(), channels.len(), "each once");
            assert!(ask.channels.iter().all(|channel| channels.contains(channel.as_str())));
            assert!(["token", "device", "last_event_id"].into_iter().all(|name| times(name) <= 1));
            let brings = !id.is_empty() || fields().any(|(name, value)| name == "last_event_id" && !value.is_empty());
            assert_eq!(ask.brought.is_some(), brings);
            if headers.contains_key(AUTHORIZATION) {
                let sent = headers[AUTHORIZATION].to_str().expect("what was taken is text");
                assert!(sent.trim().ends_with(&ask.token), "the header comes first");
            }
        }
        Err(refusal) => assert_eq!(refusal.status, StatusCode::BAD_REQUEST),
    }
}

/// What is read of an id is told in one line that is read the same, and nonsense between two positions changes nothing.
fn positions_are_read(id: &[u8]) {
    let brought = positions::read(id);
    assert!(brought.len() <= SSE_POSITIONS_MAX);
    let mut told = Vec::new();
    positions::push_line(brought.iter().copied(), &mut told);
    let (end, line) = told.split_last().expect("a line has an end");
    assert!(*end == b'\n' && !line.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)), "one line");
    if !brought.is_empty() {
        let told = line.strip_prefix(b"id: ").expect("a line has a name");
        assert_eq!(positions::read(told), brought);
    }
    let (front, back) = id.split_at(id.len() / 2);
    let apart = positions::read(&[front, b",-,", back].concat());
    let each: Vec<_> = [front, back].into_iter().flat_map(positions::read).take(SSE_POSITIONS_MAX).collect();
    assert_eq!(apart, each);
}

/// What a connection from a proxy begins with: the first byte says where it is torn.
///
/// # Panics
/// When a promise is broken.
pub fn preface(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_io().build().expect("a runtime");
    }
    let Some((at, bytes)) = bytes.split_first() else { return };
    let pieces = bytes.split_at(usize::from(*at).min(bytes.len()));
    let (read, left) = RUNTIME.with(|runtime| runtime.block_on(read(pieces))).expect("this machine has sockets");
    match expected(bytes) {
        Some((source, used)) => {
            assert_eq!(read.expect("it is a header"), source);
            assert_eq!(left, &bytes[used..], "nothing behind it is taken");
        }
        None => drop(read.expect_err("it is no header")),
    }
    both_versions_say_the_same(bytes);
}

/// Reads over a socket, and returns what is left behind the header.
async fn read((front, back): (&[u8], &[u8])) -> io::Result<(io::Result<Source>, Vec<u8>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut sender = TcpStream::connect(listener.local_addr()?).await?;
    let mut socket = listener.accept().await?.0;
    // Thousands a second would use up the ports of this machine, if they waited.
    SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
    let sending = async {
        sender.write_all(front).await?;
        tokio::task::yield_now().await;
        sender.write_all(back).await?;
        sender.shutdown().await
    };
    let (read, sent) = tokio::join!(preface::read(&mut socket), sending);
    sent?;
    let mut left = Vec::new();
    socket.read_to_end(&mut left).await?;
    Ok((read, left))
}

/// The header at the beginning, and how many bytes it has.
fn expected(bytes: &[u8]) -> Option<(Source, usize)> {
    const LINE_BYTES_MAX: usize = 107;
    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    if bytes.starts_with(b"PROXY ") {
        let used = bytes.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n')? + 1;
        return Some((line(&bytes[..used]).ok()?, used));
    }
    let length = bytes.strip_prefix(SIGNATURE)?.get(2..4)?;
    let used = 16 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    let whole = bytes.get(..used).filter(|whole| whole.len() <= 4_096)?;
    Some((binary(whole).ok()?, used))
}

/// The same client, told by a line and by bytes.
fn both_versions_say_the_same(bytes: &[u8]) {
    let Some(&[a, b, c, d, high, low]) = bytes.first_chunk() else { return };
    let (address, port) = (Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low]));
    let text = format!("PROXY TCP4 {address} 192.0.2.1 {port} 443\r\n");
    let head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    let body = [a, b, c, d, 192, 0, 2, 1, high, low, 1, 187];
    let told: [Result<Source, Malformed>; 2] = [line(text.as_bytes()), binary(&[&head[..], &body].concat())];
    assert_eq!(told, [Ok(Source::Client(SocketAddr::new(address.into(), port))); 2]);
}

/// Lines of a request's header, each behind a digit that says which one it is: none of them makes a client another one.
///
/// # Panics
/// When a promise is broken.
pub fn forwarded(bytes: &[u8]) {
    const TOLD_BY: [ProxyHeader; 3] = [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded, ProxyHeader::None];
    let x_forwarded_for = HeaderName::from_static("x-forwarded-for");
    let names = [x_forwarded_for.clone(), HeaderName::from_static("x-forwarded-proto"), FORWARDED, VIA];
    let mut headers = HeaderMap::new();
    for part in bytes.split(|byte| *byte == b'\n') {
        let Some((which, value)) = part.split_first() else { continue };
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        headers.append(names[usize::from(*which) % names.len()].clone(), value);
    }
    let [proxy, other, here] =
        ["10.0.0.1:4711", "198.51.100.7:4711", "127.0.0.1:4711"].map(|text| text.parse().expect("an address"));
    for told_by in TOLD_BY {
        let proxies = "10.0.0.0/8".parse::<Proxies>().expect("a network").told_by(told_by);
        let judge = |socket, headers: &HeaderMap| proxies.judge(Peer::direct(socket), headers);
        let seen = judge(other, &headers);
        assert_eq!((seen.client(), seen.is_secure(), seen.is_local()), (Some(other.ip()), false, false));
        assert_eq!(judge(here, &headers).is_local(), !has_trace(&headers), "who is here leaves no trace of a proxy");
        let seen = judge(proxy, &headers);
        assert_eq!(seen.socket(), proxy);
        assert!(has_trace(&headers) || seen.client() == Some(proxy.ip()));
    }
    for (told_by, name, told) in [
        (ProxyHeader::XForwardedFor, x_forwarded_for, "203.0.113.9"),
        (ProxyHeader::Forwarded, FORWARDED, "for=203.0.113.9;proto=https"),
    ] {
        let proxies = "10.0.0.0/8".parse::<Proxies>().expect("a network").told_by(told_by);
        for mut headers in with(&headers, &name, told) {
            headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
            let seen = proxies.judge(Peer::direct(proxy), &headers);
            let client: IpAddr = "203.0.113.9".parse().expect("an address");
            assert_eq!((seen.client(), seen.is_secure()), (Some(client), true), "what a proxy says stands");
        }
    }
}

/// What a proxy makes of a header: it adds a line, or adds to the last one.
fn with(headers: &HeaderMap, name: &HeaderName, told: &str) -> [HeaderMap; 2] {
    let mut longer = headers.clone();
    longer.append(name.clone(), HeaderValue::from_str(told).expect("it is plain"));
    let mut values: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    let last = values.pop().map(|last| [last.as_bytes(), b", ", told.as_bytes()].concat());
    let last = HeaderValue::from_bytes(&last.unwrap_or_else(|| told.as_bytes().to_vec())).expect("both are values");
    let mut joined = headers.clone();
    joined.remove(name);
    for value in values.into_iter().chain([last]) {
        joined.append(name.clone(), value);
    }
    [longer, joined]
}
