//! Names: of channels, users, devices, events and methods, and ids in their text form.

use tidings_proto::channel::ChannelName;
use tidings_proto::event::{is_event, is_method};
use tidings_proto::id::{Epoch, Secret, SessionId};
use tidings_proto::user::{is_device, is_user_id};

/// One text.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = ChannelName::parse(text) {
        assert_eq!(name.as_str(), text);
        assert!(text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('*'));
        let (namespace, rest) = text.split_once(':').expect("a channel has a namespace");
        assert_eq!(name.namespace(), namespace);
        assert!((1..=32).contains(&namespace.len()) && !rest.is_empty());
    }
    for (is_name, bytes_max) in
        [(is_user_id(text), 128), (is_device(text), 64), (is_event(text), 64), (is_method(text), 64)]
    {
        assert!(!is_name || (1..=bytes_max).contains(&text.len()));
        assert!(!is_name || !text.chars().any(char::is_control));
    }
    if let Ok(epoch) = text.parse::<Epoch>() {
        assert!(epoch.to_string().eq_ignore_ascii_case(text));
    }
    if let Ok(session) = text.parse::<SessionId>() {
        assert!(session.to_string().eq_ignore_ascii_case(text));
    }
    if let Ok(secret) = text.parse::<Secret>() {
        assert!(secret.to_string().eq_ignore_ascii_case(text));
        assert!(!format!("{secret:?}").contains(text), "a secret is not shown");
    }
}
