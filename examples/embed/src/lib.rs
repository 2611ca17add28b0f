//! An application with the engine inside: an axum server with routes of its own, `/ws` beside them, and a host that
//! answers the engine's questions from the application's own knowledge.
//!
//! ```text
//! $ cargo run --package embed
//! $ curl http://127.0.0.1:8090/
//! $ curl --json '{"title":"Dinner"}' http://127.0.0.1:8090/notify/alice
//! {"sessions":1}
//! ```
//!
//! and any WebSocket client at `ws://127.0.0.1:8090/ws`:
//!
//! ```text
//! → {"id":1,"connect":{"token":"alice's word"}}
//! ← {"id":1,"connected":{…,"user":"alice",…}}
//! → {"id":2,"subscribe":{"channel":"messaging:chess"}}
//! ← {"id":2,"subscribed":{"channel":"messaging:chess",…}}
//! → {"id":3,"call":{"method":"members","data":{"club":"chess"}}}
//! ← {"id":3,"result":["alice","bob"]}
//! ← {"entry":{…,"event":"notification:new","data":{"title":"Dinner"},…}}
//! ```
//!
//! Three things make an application of this: [`Clubs`] implements [`Host`](tidings::host::Host), each question an
//! async function that may ask a database; [`router`] mounts a [`Gateway`](tidings_transports::Gateway), which turns
//! upgrade requests of any hyper 1 server into sessions; and the application's handlers hold a clone of the
//! [`Engine`](tidings::Engine) to publish, send and disconnect. A question that is not answered in
//! `question_timeout_ms` is a no, and a handler that panics is reported and ends nothing but what was asked.

mod clubs;
mod routes;

pub use clubs::Clubs;
pub use routes::router;
