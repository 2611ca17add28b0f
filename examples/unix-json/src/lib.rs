//! A transport in a hundred lines: the protocol in JSON, one frame a line, over a Unix socket.
//!
//! It is here to be read by those who write a transport of their own. Start it, and speak with it by hand:
//!
//! ```text
//! $ cargo run --package unix-json -- /tmp/tidings.sock &
//! $ nc -U /tmp/tidings.sock
//! {"id":1,"connect":{"token":"alice"}}
//! {"id":1,"connected":{"session":"…","user":"alice",…}}
//! {"id":2,"subscribe":{"channel":"messaging:lobby"}}
//! {"id":2,"subscribed":{"channel":"messaging:lobby","stream":2,…}}
//! {"id":3,"publish":{"channel":"messaging:lobby","event":"NEW_MESSAGE","data":{"text":"hi"}}}
//! {"id":3,"published":{"stream":2,…}}
//! {"entry":{"stream":2,"offset":1,"event":"NEW_MESSAGE","data":{"text":"hi"},"from":"alice",…}}
//! ```
//!
//! A transport has two halves. What leaves is [`tidings::link::Link`]: the engine hands it rendered frames from
//! whatever thread has them, and it writes what the socket takes. What comes in is a task that reads, finds the borders
//! of messages (here: ends of lines) and feeds them to a [`tidings::port::Port`], all of one read in one batch.
//!
//! What a peer can make grow is bounded: a line by [`Engine::message_bytes_max`](tidings::Engine::message_bytes_max),
//! answered by `close` with code 1009; what waits for a peer that does not read by the engine's outbox; silence,
//! unfinished lines included, by the engine's pings. Who may open the socket's file may connect, so its directory's
//! rights are the first door, and the [`Host`](tidings::host::Host) is the second.

mod connection;
mod lines;
mod link;
mod server;

pub use server::serve;
