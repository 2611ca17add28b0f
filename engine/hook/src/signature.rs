//! Signatures as Standard Webhooks has them (<https://www.standardwebhooks.com>), so that receivers check them with a
//! library that is there.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::HookError;

/// What a secret in the standard's own form begins with; base64 follows.
const PREFIX: &str = "whsec_";

/// Bytes of a key. The standard wants 24 at least, and a hash of 256 bits 32; as base64 these are longer.
const KEY_BYTES_MIN: usize = 24;
const TEXT_BYTES_MIN: usize = 32;

/// A secret that requests are signed with. It is never shown.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret from its text: `whsec_` and at least 24 bytes in base64, which are the key, or any other text of at least
    /// 32 bytes, which is the key as it is written.
    ///
    /// # Errors
    /// It is too short, or not of the form that it begins with.
    pub fn new(text: &str) -> Result<Self, HookError> {
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => {
                STANDARD.decode(encoded).ok().filter(|key| key.len() >= KEY_BYTES_MIN).ok_or_else(|| {
                    HookError("hook.secret begins with whsec_ and goes on with less than 24 bytes in base64".into())
                })?
            }
            None if text.len() < TEXT_BYTES_MIN => {
                return Err(HookError(
                    "hook.secret has fewer than 32 bytes and could be guessed; make one with `openssl rand -hex 32`"
                        .into(),
                ));
            }
            None => text.as_bytes().to_vec(),
        };
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }
}

/// The value of `webhook-signature`: a signature by each secret.
pub(crate) fn sign(secrets: &[Secret], id: &str, timestamp_s: u64, body: &[u8]) -> String {
    let before = format!("{id}.{timestamp_s}.");
    let signatures: Vec<String> = secrets
        .iter()
        .map(|Secret(key)| {
            let mut context = hmac::Context::with_key(key);
            context.update(before.as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        })
        .collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Secret, sign};

    #[test]
    fn the_standards_own_example_comes_out() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn short_secrets_are_refused_and_none_is_shown() {
        for text in ["", "short", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all, is it", &"x".repeat(31)] {
            let told = Secret::new(text).unwrap_err().to_string();
            assert!(text.is_empty() || !told.contains(text) || text == "whsec_", "{told}");
        }
        assert_eq!(format!("{:?}", Secret::new(&"x".repeat(32)).unwrap()), "Secret");
    }
}
