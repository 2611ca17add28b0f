//! A way to a server that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes bytes on, both ways, until it is told to cut. It stays for as long as the process does.
#[derive(Debug)]
pub struct Cutter {
    address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cutter {
    /// A way to this server.
    ///
    /// # Errors
    /// When there is no port.
    pub fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let open = Arc::<Mutex<Vec<TcpStream>>>::default();
        let all = Arc::clone(&open);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(server) else { continue };
                let mut open = all.lock().unwrap_or_else(PoisonError::into_inner);
                for (from, to) in [(&client, &far), (&far, &client)] {
                    if let (Ok(from), Ok(to), Ok(held)) = (from.try_clone(), to.try_clone(), from.try_clone()) {
                        open.push(held);
                        thread::spawn(move || pass(from, to));
                    }
                }
            }
        });
        Ok(Self { address, open })
    }

    /// Where clients connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection that is there. Returns how many those were.
    pub fn cut(&self) -> usize {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended by itself is not there any more.
        open.drain(..).filter(|held| held.shutdown(Shutdown::Both).is_ok()).count() / 2
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
