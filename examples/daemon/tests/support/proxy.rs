//! A line between client and server that a test can cut.

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Forwards connections while it is whole.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    cut: bool,
    sockets: Vec<TcpStream>,
}

impl Proxy {
    /// A proxy that ends with the test's process.
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(Mutex::new(Line::default()));
        let shared = Arc::clone(&line);
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let mut line = shared.lock().unwrap();
                if line.cut {
                    continue;
                }
                let Ok(far) = TcpStream::connect(server) else { continue };
                for (mut from, mut to) in
                    [(&near, &far), (&far, &near)].map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
                {
                    thread::spawn(move || {
                        // Both ends go when one does.
                        let _ = copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                line.sockets.extend([near, far]);
            }
        });
        Self { address, line }
    }

    /// Cuts the line, or makes it whole again.
    pub(crate) fn cut(&self, cut: bool) {
        let mut line = self.line.lock().unwrap();
        line.cut = cut;
        if cut {
            for socket in line.sockets.drain(..) {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }
}
