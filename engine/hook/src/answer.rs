//! What an application may answer.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tidings::host::{Admission, Denial};
use tidings::{Code, Codec, Data, Grants, Pattern};

/// Bytes of the longest message of the application's that clients are told.
const MESSAGE_BYTES_MAX: usize = 512;

/// An answer that is none of those that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What was answered to a question, read.
pub(crate) type Read<T> = Result<Result<T, Denial>, Malformed>;

#[derive(Deserialize)]
struct Permission {
    allow: bool,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Watched {
    allow: Option<bool>,
    users: Option<Vec<String>>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Connection {
    allow: Option<bool>,
    user: Option<String>,
    #[serde(default)]
    subscribe: Vec<String>,
    #[serde(default)]
    publish: Vec<String>,
    #[serde(default)]
    send: Vec<String>,
    #[serde(default)]
    watch: Vec<String>,
    expires_at_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow, default, deserialize_with = "there")]
    result: Option<&'a RawValue>,
    error: Option<Fault>,
    allow: Option<bool>,
    message: Option<String>,
}

/// A value that is there, `null` included.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Fault {
    code: u16,
    message: String,
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|_| Malformed)
}

/// The plain no, in the application's words if it has any.
fn forbidden(message: Option<String>) -> Denial {
    message.map_or_else(Denial::forbidden, |message| Denial::new(Code::Forbidden, cut(&message)))
}

fn cut(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// To `subscribe`, `publish` and `send`.
pub(crate) fn permission(body: &[u8]) -> Read<()> {
    let Permission { allow, message } = parse(body)?;
    Ok(if allow { Ok(()) } else { Err(forbidden(message)) })
}

/// To `watch`: those of these users who may be watched. `None`: all who were asked for.
pub(crate) fn watchable(body: &[u8]) -> Read<Option<Vec<String>>> {
    let Watched { allow, users, message } = parse(body)?;
    match (allow, users) {
        (None | Some(true), Some(users)) => Ok(Ok(Some(users))),
        (Some(true), None) => Ok(Ok(None)),
        (Some(false), None) => Ok(Err(forbidden(message))),
        _ => Err(Malformed),
    }
}

/// To `connect`. A no has one wording, whatever the application says.
pub(crate) fn admission(body: &[u8]) -> Read<Admission> {
    let answer: Connection = parse(body)?;
    match (answer.allow, answer.user) {
        (Some(false), None) => Ok(Err(Denial::unauthorized())),
        (None | Some(true), Some(user)) => {
            let patterns = |texts: Vec<String>| texts.iter().map(|text| Pattern::new(text)).collect();
            let grants = Grants {
                subscribe: patterns(answer.subscribe),
                publish: patterns(answer.publish),
                send: patterns(answer.send),
                watch: patterns(answer.watch),
            };
            Ok(Ok(Admission::new(user).grants(grants).expires_at_ms(answer.expires_at_ms)))
        }
        _ => Err(Malformed),
    }
}

/// To `call`.
pub(crate) fn result(body: &[u8]) -> Read<Data> {
    let Called { result, error, allow, message } = parse(body)?;
    match (result, error, allow) {
        (Some(result), None, None | Some(true)) => {
            let bytes = result.get().as_bytes().to_vec();
            Data::parse(Codec::Json, bytes.into()).map(Ok).map_err(|_| Malformed)
        }
        (None, Some(Fault { code, message }), None | Some(false)) => {
            // Those above end connections, and are not the application's to give.
            let code = Code::from_number(code).filter(|code| code.number() < 3000).ok_or(Malformed)?;
            Ok(Err(Denial::new(code, cut(&message))))
        }
        (None, None, Some(false)) => Ok(Err(forbidden(message))),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::{admission, permission, result, watchable};
    use tidings::Code;

    #[test]
    fn a_permission_is_told_by_a_truth_value_alone() {
        assert!(permission(br#"{"allow":true,"more":1}"#).unwrap().is_ok());
        let no = permission(br#"{"allow":false,"message":"not today"}"#).unwrap().unwrap_err();
        assert_eq!((no.code, &*no.message), (Code::Forbidden, "not today"));
        assert!(permission(br#"{"allow":false}"#).unwrap().is_err());
        for text in [
            "",
            "null",
            "true",
            "{}",
            "[]",
            "{\"allow\":1}",
            "{\"allow\":\"true\"}",
            "{\"allow\":null}",
            "{\"allow\":true",
            "{\"allow\":false,\"allow\":true}",
            "{\"allow\":true} x",
            "{\"Allow\":true}",
            "\u{feff}{\"allow\":true}",
        ] {
            assert!(permission(text.as_bytes()).is_err(), "{text}");
        }
        assert!(permission(b"{\"allow\":true,\"message\":\"\xff\"}").is_err());
    }

    #[test]
    fn users_to_watch_are_all_some_or_none() {
        assert_eq!(watchable(br#"{"allow":true}"#).unwrap().unwrap(), None);
        assert_eq!(watchable(br#"{"users":["bob"]}"#).unwrap().unwrap(), Some(vec!["bob".to_owned()]));
        assert!(watchable(br#"{"allow":false}"#).unwrap().is_err());
        for text in ["{}", "{\"users\":null}", "{\"users\":[1]}", "{\"allow\":false,\"users\":[\"bob\"]}"] {
            assert!(watchable(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_admission_needs_a_user() {
        let all =
            br#"{"user":"alice","subscribe":["messaging:*"],"publish":["realtime:a"],"send":["*"],"expires_at_ms":9}"#;
        assert!(admission(all).unwrap().is_ok());
        assert!(admission(br#"{"allow":true,"user":"alice"}"#).unwrap().is_ok());
        let no = admission(br#"{"allow":false,"message":"we know you"}"#).unwrap().unwrap_err();
        assert_eq!((no.code, &*no.message), (Code::Unauthorized, "the token is not valid"));
        for text in [
            "{}",
            "{\"allow\":true}",
            "{\"user\":null}",
            "{\"user\":1}",
            "{\"user\":\"a\",\"allow\":false}",
            "{\"user\":\"a\",\"subscribe\":\"*\"}",
            "{\"user\":\"a\",\"subscribe\":null}",
            "{\"user\":\"a\",\"expires_at_ms\":-1}",
            "{\"user\":\"a\",\"expires_at_ms\":1.5}",
            "{\"user\":\"a\",\"expires_at_ms\":\"1\"}",
            "{\"user\":\"a\",\"user\":\"b\"}",
        ] {
            assert!(admission(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_call_has_a_result_or_an_error() {
        assert_eq!(result(br#"{"result":{"a":[1]}}"#).unwrap().unwrap().to_json(), r#"{"a":[1]}"#);
        assert_eq!(result(br#"{"result":null}"#).unwrap().unwrap().to_json(), "null");
        let no = result(br#"{"error":{"code":2004,"message":"no such method"}}"#).unwrap().unwrap_err();
        assert_eq!((no.code, &*no.message), (Code::NotFound, "no such method"));
        assert_eq!(result(br#"{"allow":false}"#).unwrap().unwrap_err().code, Code::Forbidden);
        for text in [
            "{}",
            "{\"result\":1,\"error\":{\"code\":2003,\"message\":\"\"}}",
            "{\"error\":{\"code\":3500,\"message\":\"\"}}",
            "{\"error\":{\"code\":1,\"message\":\"\"}}",
            "{\"error\":{\"code\":2003}}",
            "{\"allow\":true}",
            "{\"result\":{\"a\":1,\"a\":2}}",
        ] {
            assert!(result(text.as_bytes()).is_err(), "{text}");
        }
        let long = format!("{{\"allow\":false,\"message\":\"{}\"}}", "é".repeat(10_000));
        assert!(result(long.as_bytes()).unwrap().unwrap_err().message.len() <= 512);
    }
}
