//! The PROXY protocol, versions 1 and 2: what a proxy writes at the beginning of a connection, of whom it is for
//! (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>).
//!
//! It is read to its last byte and not one further, since TLS or HTTP begins right behind it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use tokio::{io::AsyncReadExt, net::TcpStream};

/// Bytes of the longest line of version 1, as the protocol has it.
const LINE_BYTES_MAX: usize = 107;

/// Bytes of the longest header of version 2 that is read. The protocol lets it have 64 KiB; what proxies add to the addresses
/// (a certificate's name, a connection's id) takes some hundreds.
const BINARY_BYTES_MAX: usize = 4 * 1024;

const LINE_START: &[u8; 6] = b"PROXY ";
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of version 2 before the addresses.
const BINARY_HEAD_BYTES: usize = 16;

/// How many bytes are read before it is known which version it is, if any. No header is shorter.
const FIRST_BYTES: usize = 8;

/// Whom a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The client at this address.
    Client(SocketAddr),
    /// The proxy itself, which looks whether the server lives, or a client that has no address.
    Proxy,
}

/// What stands at the beginning is no header of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl From<Malformed> for io::Error {
    fn from(_: Malformed) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, "the connection does not begin with the PROXY protocol")
    }
}

/// Reads the header that a connection begins with. Waits as long as it takes.
///
/// # Errors
/// `InvalidData`: there is none, or it is malformed or too long. Else the connection was lost.
pub(crate) async fn read(socket: &mut TcpStream) -> io::Result<Source> {
    let mut header = vec![0; FIRST_BYTES];
    socket.read_exact(&mut header).await?;
    if header.starts_with(LINE_START) {
        read_line(socket, &mut header).await?;
        return Ok(line(&header)?);
    }
    if SIGNATURE.starts_with(&header) {
        header.resize(BINARY_HEAD_BYTES, 0);
        socket.read_exact(&mut header[FIRST_BYTES..]).await?;
        let bytes = BINARY_HEAD_BYTES + usize::from(u16::from_be_bytes([header[14], header[15]]));
        if !header.starts_with(SIGNATURE) || bytes > BINARY_BYTES_MAX {
            return Err(Malformed.into());
        }
        header.resize(bytes, 0);
        socket.read_exact(&mut header[BINARY_HEAD_BYTES..]).await?;
        return Ok(binary(&header)?);
    }
    Err(Malformed.into())
}

/// Reads on to the end of the line. What is there is looked at first, so that nothing behind the line is taken.
async fn read_line(socket: &mut TcpStream, header: &mut Vec<u8>) -> io::Result<()> {
    while header.last() != Some(&b'\n') {
        let began = header.len();
        header.resize(LINE_BYTES_MAX, 0);
        let there = socket.peek(&mut header[began..]).await?;
        let there = &header[began..began + there];
        let taken = there.iter().position(|&byte| byte == b'\n').map_or(there.len(), |at| at + 1);
        if taken == 0 {
            // The line is too long, or the connection is over.
            return Err(Malformed.into());
        }
        header.truncate(began + taken);
        socket.read_exact(&mut header[began..]).await?;
    }
    Ok(())
}

/// Understands a line of version 1, its end included.
pub(crate) fn line(bytes: &[u8]) -> Result<Source, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
    let words = text.strip_prefix("PROXY ").and_then(|text| text.strip_suffix("\r\n")).ok_or(Malformed)?;
    let words: Vec<&str> = words.split(' ').collect();
    match words[..] {
        // What follows is to be ignored.
        ["UNKNOWN", ..] => Ok(Source::Proxy),
        ["TCP4", from, to, from_port, to_port] => pair::<Ipv4Addr>([from, to], [from_port, to_port]),
        ["TCP6", from, to, from_port, to_port] => pair::<Ipv6Addr>([from, to], [from_port, to_port]),
        _ => Err(Malformed),
    }
}

fn pair<A: FromStr + Into<IpAddr>>(
    [from, to]: [&str; 2],
    [from_port, to_port]: [&str; 2],
) -> Result<Source, Malformed> {
    let address = |text: &str| text.parse::<A>().map(Into::into).map_err(|_| Malformed);
    let (from, _) = (address(from)?, address(to)?);
    let (from_port, _) = (port(from_port)?, port(to_port)?);
    Ok(Source::Client(SocketAddr::new(from, from_port)))
}

/// A number as the protocol writes it: without a sign, and without zeros before it.
fn port(text: &str) -> Result<u16, Malformed> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(Malformed);
    }
    text.parse().map_err(|_| Malformed)
}

/// Understands a whole header of version 2.
pub(crate) fn binary(bytes: &[u8]) -> Result<Source, Malformed> {
    let (head, rest) = bytes.split_first_chunk::<BINARY_HEAD_BYTES>().ok_or(Malformed)?;
    let (signature, [version_and_command, family, length_high, length_low]) = head
        .split_first_chunk::<12>()
        .ok_or(Malformed)
        .and_then(|(signature, more)| Ok((signature, <[u8; 4]>::try_from(more).map_err(|_| Malformed)?)))?;
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    if signature != SIGNATURE || length != rest.len() {
        return Err(Malformed);
    }
    match (version_and_command, family) {
        // LOCAL: whatever it says of addresses does not count.
        (0x20, _) => Ok(Source::Proxy),
        // PROXY, over a family that is not told, or over Unix sockets.
        (0x21, 0x00 | 0x31) => Ok(Source::Proxy),
        (0x21, 0x11) => {
            let (ends, _) = rest.split_first_chunk::<12>().ok_or(Malformed)?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *ends;
            Ok(Source::Client(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low]))))
        }
        (0x21, 0x21) => {
            let (ends, _) = rest.split_first_chunk::<36>().ok_or(Malformed)?;
            let (from, ports) = ends.split_first_chunk::<16>().ok_or(Malformed)?;
            let port = u16::from_be_bytes([ports[16], ports[17]]);
            Ok(Source::Client(SocketAddr::new(Ipv6Addr::from(*from).into(), port)))
        }
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests;
