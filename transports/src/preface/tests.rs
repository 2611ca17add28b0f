use super::{BINARY_BYTES_MAX, LINE_BYTES_MAX, SIGNATURE, Source, binary, line, read};
use proptest::prelude::*;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn client(address: &str) -> Source {
    Source::Client(address.parse().unwrap())
}

fn v2(version_and_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([version_and_command, family]);
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// 192.0.2.7:4711 to 198.51.100.1:443.
const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x67, 0x01, 0xbb];

fn v6() -> Vec<u8> {
    let mut body = vec![0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    body.extend([0; 16]);
    body.extend([0x12, 0x67, 0x01, 0xbb]);
    body
}

#[test]
fn lines_are_understood() {
    for (text, source) in [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", client("192.0.2.7:4711")),
        ("PROXY TCP6 2001:db8::9 ::1 4711 443\r\n", client("[2001:db8::9]:4711")),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", client("255.255.255.255:65535")),
        ("PROXY UNKNOWN\r\n", Source::Proxy),
        ("PROXY UNKNOWN ffff:f:f 1 2 3 whatever\r\n", Source::Proxy),
    ] {
        assert_eq!(line(text.as_bytes()), Ok(source), "{text}");
    }
}

#[test]
fn lines_that_are_not_exactly_so_are_refused() {
    for text in [
        "",
        "PROXY\r\n",
        "PROXY \r\n",
        "proxy TCP4 192.0.2.7 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443",
        "PROXY  TCP4 192.0.2.7 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 04711 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +4711 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 65536\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.7 localhost 4711 443\r\n",
        "PROXY TCP4 2001:db8::9 ::1 4711 443\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 4711 443\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n\r\n",
    ] {
        assert!(line(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn binary_headers_are_understood() {
    assert_eq!(binary(&v2(0x21, 0x11, &V4)), Ok(client("192.0.2.7:4711")));
    assert_eq!(binary(&v2(0x21, 0x21, &v6())), Ok(client("[2001:db8::9]:4711")));
    let more: Vec<u8> = V4.iter().copied().chain([0x04, 0, 2, 9, 9]).collect();
    assert_eq!(binary(&v2(0x21, 0x11, &more)), Ok(client("192.0.2.7:4711")), "what is added is skipped");
    assert_eq!(binary(&v2(0x20, 0x00, &[])), Ok(Source::Proxy));
    assert_eq!(binary(&v2(0x20, 0x11, &V4)), Ok(Source::Proxy), "the addresses of LOCAL do not count");
    assert_eq!(binary(&v2(0x21, 0x00, &[])), Ok(Source::Proxy));
    assert_eq!(binary(&v2(0x21, 0x31, &[0; 216])), Ok(Source::Proxy));
}

#[test]
fn binary_headers_that_are_not_exactly_so_are_refused() {
    for (what, bytes) in [
        ("version 1", v2(0x11, 0x11, &V4)),
        ("version 3", v2(0x31, 0x11, &V4)),
        ("another command", v2(0x22, 0x11, &V4)),
        ("datagrams", v2(0x21, 0x12, &V4)),
        ("another family", v2(0x21, 0x41, &V4)),
        ("addresses cut short", v2(0x21, 0x11, &V4[..11])),
        ("IPv4 for IPv6", v2(0x21, 0x21, &V4)),
        ("cut short", v2(0x21, 0x11, &V4)[..20].to_vec()),
        ("longer than it says", [v2(0x21, 0x11, &V4), vec![0]].concat()),
        ("another signature", [b"\r\n\r\n\0\r\nQUIX\n".to_vec(), v2(0x21, 0x11, &V4)[12..].to_vec()].concat()),
        ("nothing", Vec::new()),
    ] {
        assert!(binary(&bytes).is_err(), "{what}");
    }
}

/// What `read` makes of these pieces, each sent by itself, and what it leaves.
async fn read_pieces(pieces: &[&[u8]]) -> (io::Result<Source>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sender = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    sender.set_nodelay(true).unwrap();
    let mut socket = listener.accept().await.unwrap().0;
    let sending = async {
        for piece in pieces {
            // It fails when the reader has seen enough.
            let _ = sender.write_all(piece).await;
            tokio::task::yield_now().await;
        }
        let _ = sender.shutdown().await;
    };
    let (result, ()) = tokio::join!(read(&mut socket), sending);
    let mut left = Vec::new();
    let _ = socket.read_to_end(&mut left).await;
    (result, left)
}

#[tokio::test]
async fn nothing_behind_the_header_is_taken_however_it_is_torn() {
    let whole = [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n".to_vec(), client("192.0.2.7:4711")),
        (b"PROXY UNKNOWN\r\n".to_vec(), Source::Proxy),
        (v2(0x21, 0x11, &V4), client("192.0.2.7:4711")),
        (v2(0x20, 0, &[]), Source::Proxy),
        (v2(0x21, 0x21, &v6()), client("[2001:db8::9]:4711")),
    ];
    for (header, source) in whole {
        let bytes = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
        for at in 1..bytes.len() {
            let (result, left) = read_pieces(&[&bytes[..at], &bytes[at..]]).await;
            assert_eq!(result.unwrap(), source, "torn at {at}");
            assert_eq!(left, b"GET / HTTP/1.1\r\n", "torn at {at}");
        }
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read_pieces(&bytewise).await.0.unwrap(), source);
    }
}

#[tokio::test]
async fn what_is_too_long_or_something_else_is_refused_at_once() {
    let endless = [b"PROXY ".to_vec(), vec![b'x'; 10_000]].concat();
    let just_too_long = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; LINE_BYTES_MAX - 15], b"\r\n".to_vec()].concat();
    let long = v2(0x21, 0x11, &[0; BINARY_BYTES_MAX]);
    for bytes in [&endless[..], &just_too_long, &long, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01"] {
        let (result, _) = read_pieces(&[bytes]).await;
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
    let longest = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; LINE_BYTES_MAX - 16], b"\r\n".to_vec()].concat();
    assert_eq!(longest.len(), LINE_BYTES_MAX);
    assert_eq!(read_pieces(&[&longest]).await.0.unwrap(), Source::Proxy);
}

#[tokio::test]
async fn an_end_in_the_middle_is_an_error() {
    for bytes in [&b"PROXY TCP4 192"[..], b"PRO", b"", &v2(0x21, 0x11, &V4)[..14], &v2(0x21, 0x11, &V4)[..20]] {
        assert!(read_pieces(&[bytes]).await.0.is_err(), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = line(&bytes);
        let _ = binary(&bytes);
        let _ = binary(&v2(0x21, bytes.first().copied().unwrap_or(0x11), &bytes));
        let _ = line(&[b"PROXY ", &bytes[..], b"\r\n"].concat());
    }
}
