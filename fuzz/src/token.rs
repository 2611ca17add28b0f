//! Tokens: none is taken that was not signed with the secret, and what is taken has a user, an end and one meaning.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::LazyLock;
use tidings_auth::{Claims, Signer, Verifier};

const SECRET: &[u8] = b"thirty-two bytes are the minimum";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier::hs256(SECRET).expect("a long secret"));
static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::hs256(SECRET).expect("a long secret"));

/// As a token; and, up to the first NUL a header, then claims, each as they are, with a signature that is not theirs.
pub fn run(bytes: &[u8]) {
    if let Ok(token) = std::str::from_utf8(bytes) {
        assert!(VERIFIER.verify(token).is_err(), "nobody signed it");
    }
    let (header, claims) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    let claims = claims.get(1..).unwrap_or_default();
    let [header, body] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    for signature in ["", "AAAA", &URL_SAFE_NO_PAD.encode([0; 32])] {
        assert!(VERIFIER.verify(&format!("{header}.{body}.{signature}")).is_err(), "nobody signed it");
    }
    // Claims of the right types, signed rightly: taken whole or refused whole.
    if let Ok(claims) = serde_json::from_slice::<Claims>(claims) {
        let token = SIGNER.sign(&claims).expect("claims can be written");
        if VERIFIER.verify(&token).is_ok() {
            assert!(!claims.sub.is_empty() && claims.aud.is_none() && claims.exp > 0);
        }
    }
}
