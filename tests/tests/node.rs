//! Sessions with Node's `ws`, scenario by scenario, in both codecs.

tidings_e2e::scenarios!(std::path::Path::new("node"), "session.mjs":
    session, codecs, resume, send, frames, pings, refused);
