//! Sessions with Python's `websockets`, scenario by scenario, in both codecs.

tidings_e2e::scenarios!(tidings_e2e::environment::python()?, "session.py":
    session, codecs, resume, send, frames, pings, refused);
