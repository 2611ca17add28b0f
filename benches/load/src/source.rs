//! Sockets of the driver: from which address they connect, and with what options.

use anyhow::{Context as _, Result, bail};
use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Connections from one source address before the next one is taken. A machine has about 28,000 ports for each, some
/// of which still wait in TIME_WAIT after an earlier run.
const CONNECTIONS_PER_ADDRESS: u32 = 10_000;

/// The last loopback address that is tried, as the last byte of 127.0.0.x.
const LAST_ADDRESS: u8 = 250;

/// What a slow subscriber's kernel holds for it, in bytes; small, so that the server soon notices.
const SLOW_RECEIVE_BUFFER_BYTES: usize = 4_096;

/// The segment size that a slow subscriber asks for, in bytes: that of an Ethernet. Loopback's 64 KiB would let the
/// server's kernel hold megabytes for it.
const SLOW_SEGMENT_BYTES: u32 = 1_400;

/// Makes sockets that connect to one server.
#[derive(Debug)]
pub struct Source {
    server: SocketAddr,
    address: u8,
    used: u32,
}

impl Source {
    /// Sockets to `server`.
    #[must_use]
    pub fn new(server: SocketAddr) -> Self {
        Self { server, address: 1, used: 0 }
    }

    /// Begins to connect. On loopback it moves on to 127.0.0.2 and so on when the ports of an address run out.
    ///
    /// # Errors
    /// When descriptors or addresses run out.
    pub fn connect(&mut self, slow: bool) -> Result<TcpStream> {
        loop {
            if self.used >= CONNECTIONS_PER_ADDRESS && self.on_loopback() {
                self.next_address()?;
            }
            match self.try_connect(slow) {
                Ok(stream) => {
                    self.used += 1;
                    return Ok(stream);
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse)
                        && self.on_loopback() =>
                {
                    self.next_address()?;
                }
                Err(error) => return Err(error).with_context(|| explain(self.server)),
            }
        }
    }

    fn on_loopback(&self) -> bool {
        self.server.is_ipv4() && self.server.ip().is_loopback()
    }

    fn next_address(&mut self) -> Result<()> {
        if self.address >= LAST_ADDRESS {
            bail!("every port of 127.0.0.1 to 127.0.0.{LAST_ADDRESS} is taken");
        }
        self.address += 1;
        self.used = 0;
        Ok(())
    }

    fn try_connect(&self, slow: bool) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(self.server), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if slow {
            socket.set_recv_buffer_size(SLOW_RECEIVE_BUFFER_BYTES)?;
            socket.set_tcp_mss(SLOW_SEGMENT_BYTES)?;
        }
        if self.address > 1 {
            let ip = IpAddr::V4(Ipv4Addr::new(127, 0, 0, self.address));
            socket.bind(&SocketAddr::new(ip, 0).into())?;
        }
        match socket.connect(&self.server.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => Err(error),
            _ => Ok(TcpStream::from_std(socket.into())),
        }
    }
}

fn explain(server: SocketAddr) -> String {
    format!(
        "cannot open another connection to {server} (if files ran out: raise the hard limit with `ulimit -Hn`, \
         or ask for fewer connections)"
    )
}
