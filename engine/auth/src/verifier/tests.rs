use super::Verifier;
use crate::claims::Claims;
use crate::error::AuthError;
use crate::signer::Signer;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tidings::host::Denial;
use tidings::{Grants, Pattern};

const SECRET: &[u8] = b"thirty-two bytes are the minimum";

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

/// A token of any header and any claims, signed rightly with the secret.
fn signed_with(secret: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64(header.as_bytes()), base64(claims.as_bytes()));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

fn with_header(header: &str) -> String {
    signed_with(SECRET, header, &good_claims().to_string())
}

fn with_claims(claims: &str) -> String {
    signed_with(SECRET, HEADER, claims)
}

fn good_claims() -> Value {
    json!({"sub": "alice", "exp": now_s() + 60, "subscribe": ["messaging:*"]})
}

fn good_claims_but(name: &str, value: Value) -> String {
    let mut claims = good_claims();
    claims[name] = value;
    with_claims(&claims.to_string())
}

fn verifier() -> Verifier {
    Verifier::hs256(SECRET).unwrap()
}

#[track_caller]
fn assert_taken(token: &str) {
    if let Err(denial) = verifier().verify(token) {
        panic!("{token}: {denial:?}");
    }
}

/// Refused, in the one wording that there is.
#[track_caller]
fn assert_refused(token: &str) {
    assert_eq!(verifier().verify(token).err(), Some(Denial::unauthorized()), "{token}");
}

#[test]
fn a_signed_token_is_taken() {
    let grants = Grants { subscribe: vec![Pattern::new("messaging:*")], ..Grants::default() };
    let claims = Claims::new("alice", now_s() + 60, grants);
    let token = Signer::hs256(SECRET).unwrap().sign(&claims).unwrap();
    let admission = format!("{:?}", verifier().verify(&token).unwrap());
    for part in ["\"alice\"", "messaging:*", &format!("{}", (claims.exp + 30) * 1_000)] {
        assert!(admission.contains(part), "{part} in {admission}");
    }
    assert_taken(&with_claims(&good_claims().to_string()));
}

#[test]
fn short_secrets_are_refused() {
    assert_eq!(Verifier::hs256(&SECRET[1..]).err(), Some(AuthError::ShortSecret { bytes_min: 32 }));
    assert_eq!(Signer::hs256(b"").err(), Some(AuthError::ShortSecret { bytes_min: 32 }));
    assert!(AuthError::ShortSecret { bytes_min: 32 }.to_string().contains("openssl rand"));
    assert!(!format!("{:?}", verifier()).contains("thirty"));
}

#[test]
fn time_is_held_to_with_half_a_minute_of_leeway() {
    assert_refused(&good_claims_but("exp", json!(now_s() - 40)));
    assert_taken(&good_claims_but("exp", json!(now_s() - 20)));
    assert_refused(&good_claims_but("nbf", json!(now_s() + 40)));
    assert_taken(&good_claims_but("nbf", json!(now_s() + 20)));
}

#[test]
fn times_are_whole_numbers_that_can_be() {
    let later = now_s() + 60;
    let wrong = [
        json!(later.to_string()),
        json!(later as f64 + 0.5),
        json!(-1),
        json!(1_u64 << 63),
        json!(u64::MAX),
        json!(1e300),
        json!([later]),
        json!({}),
        json!(true),
    ];
    for value in &wrong {
        assert_refused(&good_claims_but("exp", value.clone()));
        assert_refused(&good_claims_but("nbf", value.clone()));
    }
    assert_refused(&good_claims_but("exp", Value::Null));
    let exponent = format!(r#"{{"sub":"alice","exp":{later}e0}}"#);
    assert_refused(&with_claims(&exponent));
}

#[test]
fn what_must_be_there_must_be_there() {
    assert_refused(&with_claims(&format!(r#"{{"exp":{}}}"#, now_s() + 60)));
    assert_refused(&with_claims(r#"{"sub":"alice"}"#));
    assert_refused(&with_claims("{}"));
    for claims in ["", "null", "[]", "\"alice\"", "{\"sub\":"] {
        assert_refused(&with_claims(claims));
    }
}

#[test]
fn a_user_is_a_word() {
    for sub in
        [json!(""), json!(7), json!(null), json!("a\nb"), json!("\u{0}"), json!("x".repeat(129)), json!(["alice"])]
    {
        assert_refused(&good_claims_but("sub", sub));
    }
    for sub in ["*", "../alice", "zo\u{eb}", "a b"] {
        assert_taken(&good_claims_but("sub", json!(sub)));
    }
}

#[test]
fn no_claim_is_there_twice() {
    let exp = now_s() + 60;
    for twice in [
        format!(r#"{{"sub":"alice","sub":"bob","exp":{exp}}}"#),
        format!(r#"{{"sub":"alice","exp":1,"exp":{exp}}}"#),
        format!(r#"{{"sub":"alice","exp":{exp},"subscribe":[],"subscribe":["*"]}}"#),
        format!(r#"{{"sub":"alice","exp":{exp},"aud":"other","aud":null}}"#),
        format!(r#"{{"sub":"alice","s\u0075b":"bob","exp":{exp}}}"#),
    ] {
        assert_refused(&with_claims(&twice));
    }
}

#[test]
fn the_algorithm_is_ours_to_choose() {
    let claims = base64(good_claims().to_string().as_bytes());
    for alg in ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", ""] {
        let header = format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#);
        // Signed as HS256 would be, and not at all.
        assert_refused(&with_header(&header));
        assert_refused(&format!("{}.{claims}.", base64(header.as_bytes())));
        assert_refused(&format!("{}.{claims}", base64(header.as_bytes())));
    }
    assert_refused(&with_header(r#"{"typ":"JWT"}"#));
    assert_refused(&with_header(r#"{"alg":"HS256","alg":"none"}"#));
    let hs384 = jsonwebtoken::Header::new(Algorithm::HS384);
    assert_refused(&jsonwebtoken::encode(&hs384, &good_claims(), &EncodingKey::from_secret(SECRET)).unwrap());
}

#[test]
fn the_signature_must_be_right() {
    assert_refused(&signed_with(b"another secret of as many bytes!", HEADER, &good_claims().to_string()));
    let token = with_claims(&good_claims().to_string());
    let (message, signature) = token.rsplit_once('.').unwrap();
    assert_refused(&format!("{message}."));
    assert_refused(&format!("{message}.{}", &signature[1..]));
    assert_refused(&format!("{message}.{signature}="));
    assert_refused(&format!("{message}.{signature}.{signature}"));
    let (header, _) = message.split_once('.').unwrap();
    let mallory = json!({"sub": "mallory", "exp": now_s() + 60}).to_string();
    assert_refused(&format!("{header}.{}.{signature}", base64(mallory.as_bytes())));
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(verifier().verify(&String::from_utf8(bytes).unwrap()).is_err(), "byte {at} changed");
    }
}

#[test]
fn extensions_that_must_be_understood_are_not() {
    for more in [r#""crit":["exp"]"#, r#""crit":[]"#, r#""crit":["b64"],"b64":false"#, r#""b64":false"#, r#""crit":7"#]
    {
        assert_refused(&with_header(&format!(r#"{{"alg":"HS256",{more}}}"#)));
    }
    assert_taken(&with_header(r#"{"alg":"HS256","cty":"JWT","custom":1}"#));
}

#[test]
fn a_header_brings_no_key() {
    for more in [
        r#""jku":"http://127.0.0.1:1/keys""#,
        r#""x5u":"https://keys.example/""#,
        r#""x5c":["MIIB"]"#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""kid":"../../../../dev/null""#,
        r#""kid":"http://127.0.0.1:1/""#,
        r#""kid":"file:key""#,
        r#""kid":"a b""#,
        r#""kid":"""#,
        r#""kid":"' or 1=1 --""#,
        r#""kid":7"#,
    ] {
        assert_refused(&with_header(&format!(r#"{{"alg":"HS256",{more}}}"#)));
    }
    // Issuers that number their keys may do so; there is one key all the same.
    assert_taken(&with_header(r#"{"alg":"HS256","kid":"2026-01"}"#));
}

#[test]
fn tokens_for_others_are_not_for_us() {
    for aud in [json!("other"), json!(["other", "tidings"]), json!([]), json!(7), json!({"a": 1})] {
        assert_refused(&good_claims_but("aud", aud));
    }
    assert_taken(&good_claims_but("iss", json!("https://id.example")));
    assert_refused(&good_claims_but("iss", json!(["https://id.example"])));

    let named = verifier().audience("tidings").issuer("https://id.example");
    let token = |aud: Value, iss: Value| {
        let mut claims = good_claims();
        claims["aud"] = aud;
        claims["iss"] = iss;
        with_claims(&claims.to_string())
    };
    let ours = json!("https://id.example");
    assert!(named.verify(&token(json!("tidings"), ours.clone())).is_ok());
    assert!(named.verify(&token(json!(["other", "tidings"]), ours.clone())).is_ok());
    for (aud, iss) in [
        (json!("Tidings"), ours.clone()),
        (json!(["other"]), ours.clone()),
        (json!(null), ours.clone()),
        (json!("tidings"), json!("https://id.example/")),
        (json!("tidings"), json!(null)),
    ] {
        assert!(named.verify(&token(aud.clone(), iss.clone())).is_err(), "{aud} {iss}");
    }
}

#[test]
fn long_tokens_are_not_looked_at() {
    assert_refused(&good_claims_but("padding", json!("x".repeat(100 * 1024))));
    assert_refused(&"x".repeat(100 * 1024));
    assert_refused(&".".repeat(100 * 1024));
    assert_taken(&good_claims_but("padding", json!("x".repeat(4 * 1024))));
}

#[test]
fn nonsense_is_refused() {
    for token in ["", ".", "..", "...", "a.b.c", "alice", "\u{0}", "\u{1F600}.\u{1F600}.\u{1F600}", " "] {
        assert_refused(token);
    }
}
