//! What a fuzzer lets an application answer, and what must hold of it.

use crate::answer::{admission, permission, result, watchable};
use serde_json::Value;
use tidings::Codec;
use tidings::host::Denial;

/// Bytes of the longest message of the application's that clients are told.
const MESSAGE_BYTES_MAX: usize = 512;

/// The first byte chooses the question, the others are the answer: a yes is one that another reader sees too.
///
/// # Panics
/// When a promise is broken.
pub fn answer(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let seen = seen(body);
    let is = |field: &str, value: bool| seen.as_ref().is_none_or(|seen| seen[field] == value);
    let there = |field: &str| seen.as_ref().is_none_or(|seen| !seen[field].is_null());
    let denied = match first % 4 {
        0 => permission(body).map(|said| said.map(|()| assert!(is("allow", true)))),
        1 => watchable(body).map(|said| {
            said.map(|users| match users {
                Some(users) => assert!(there("users") && users.iter().all(|user| user.len() < body.len())),
                None => assert!(is("allow", true)),
            })
        }),
        2 => admission(body).map(|said| said.map(|_| assert!(there("user") && !is_no(seen.as_ref())))),
        _ => result(body).map(|said| {
            said.map(|data| {
                assert!(!is_no(seen.as_ref()));
                assert!(data.to_json().len() <= body.len(), "it is not longer than it came");
                tidings::Data::parse(Codec::Json, data.to_json().into()).expect("what is passed on is taken");
            })
        }),
    };
    if let Ok(Err(Denial { code, message, .. })) = denied {
        assert!(!code.closes() && message.len() <= MESSAGE_BYTES_MAX);
    }
}

fn is_no(seen: Option<&Value>) -> bool {
    seen.is_some_and(|seen| seen["allow"] == false)
}

/// What another reader sees, unless the text may hold words that mean something to that one alone.
fn seen(body: &[u8]) -> Option<Value> {
    let has_words = body.windows(7).any(|part| part == b"private") || body.contains(&b'\\');
    if has_words { None } else { serde_json::from_slice(body).ok() }
}
