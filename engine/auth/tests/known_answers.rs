//! Tokens that another library made (PyJWT), of every algorithm: taken with their own keys, and with no other.

use serde_json::Value;
use tidings_auth::{Algorithm, AuthError, Key, Verifier};

fn known() -> Value {
    serde_json::from_str(include_str!("known_answers/tokens.json")).unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn algorithm(value: &Value) -> Algorithm {
    Algorithm::from_name(text(value, "algorithm")).unwrap()
}

/// A row's key, in each form in which it may be given.
fn keys(row: &Value) -> Vec<Key> {
    match row.get("secret") {
        Some(secret) => vec![Key::secret(algorithm(row), secret.as_str().unwrap().as_bytes()).unwrap()],
        None => vec![Key::public_pem(algorithm(row), text(row, "pem")).unwrap(), Key::jwk(&row["jwk"]).unwrap()],
    }
}

fn verifier(keys: Vec<Key>) -> Verifier {
    Verifier::new(keys).unwrap().audience("tidings").issuer("https://id.example")
}

#[test]
fn every_algorithm_is_checked_as_another_library_signs_it() {
    let known = known();
    let rows = known["tokens"].as_array().unwrap();
    for row in rows {
        for key in keys(row) {
            let shown = format!("{} {key:?}", row["algorithm"]);
            let admission =
                verifier(vec![key]).verify(text(row, "token")).unwrap_or_else(|no| panic!("{shown}: {no:?}"));
            let admission = format!("{admission:?}");
            for part in ["\"zo\u{eb}\"", "messaging:*", "messaging:lobby"] {
                assert!(admission.contains(part), "{part} in {admission}");
            }
        }
    }
    let seen = |algorithm: &Algorithm| rows.iter().any(|row| text(row, "algorithm") == algorithm.name());
    assert!(Algorithm::ALL.iter().all(seen), "a token of every algorithm");
}

#[test]
fn no_token_is_taken_with_the_key_of_another() {
    let known = known();
    let rows = known["tokens"].as_array().unwrap();
    for signed in rows {
        for other in rows {
            // Keys that fit: the same one, by this algorithm.
            let is_own = other["pem"] == signed["pem"] && other["secret"] == signed["secret"];
            for key in keys(other) {
                let may = is_own && key.algorithms().contains(&algorithm(signed));
                let taken = verifier(vec![key]).verify(text(signed, "token")).is_ok();
                assert_eq!(taken, may, "{} with a key of {}", signed["algorithm"], other["algorithm"]);
            }
        }
    }
}

#[test]
fn only_algorithms_that_are_allowed_are_taken() {
    let known = known();
    for row in known["tokens"].as_array().unwrap().iter().filter(|row| row.get("jwk").is_some()) {
        let key = || Key::jwk(&row["jwk"]).unwrap();
        for allowed in key().algorithms() {
            let taken = verifier(vec![key()]).algorithms(&[*allowed]).unwrap().verify(text(row, "token")).is_ok();
            assert_eq!(taken, *allowed == algorithm(row), "{} where {allowed} is allowed", row["algorithm"]);
        }
    }
}

#[test]
fn a_public_key_is_never_a_secret() {
    let confused = &known()["confused"];
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| !algorithm.name().starts_with("HS")) {
        let Ok(key) = Key::public_pem(*algorithm, text(confused, "pem")) else { continue };
        let verifiers = [verifier(vec![key]), verifier(vec![Key::jwk(&confused["jwk"]).unwrap()])];
        for token in confused["tokens"].as_array().unwrap() {
            for verifier in &verifiers {
                assert!(verifier.verify(token.as_str().unwrap()).is_err(), "{token}");
            }
        }
    }
    // Nor with a secret beside it, which allows the algorithm.
    let secret = Key::secret(Algorithm::Hs256, &[7; 64]).unwrap();
    let both = verifier(vec![secret, Key::public_pem(Algorithm::Rs256, text(confused, "pem")).unwrap()]);
    for token in confused["tokens"].as_array().unwrap() {
        assert!(both.verify(token.as_str().unwrap()).is_err(), "{token}");
    }
}

#[test]
fn a_key_fits_its_algorithm_or_is_refused() {
    let known = known();
    for row in known["tokens"].as_array().unwrap().iter().filter(|row| row.get("pem").is_some()) {
        let kind = |name: &str| match name {
            "EdDSA" | "ES256" | "ES384" => name.to_owned(),
            name => if name.starts_with("HS") { "secret" } else { "RSA" }.to_owned(),
        };
        for other in Algorithm::ALL {
            let fits = kind(text(row, "algorithm")) == kind(other.name());
            let taken = Key::public_pem(*other, text(row, "pem"));
            assert_eq!(taken.is_ok(), fits, "a key of {} for {other}", row["algorithm"]);
            let mut jwk = row["jwk"].clone();
            jwk["alg"] = other.name().into();
            assert_eq!(Key::jwk(&jwk).is_ok(), fits, "a published key of {} for {other}", row["algorithm"]);
        }
    }
    for row in known["weak"].as_array().unwrap() {
        assert!(Key::public_pem(algorithm(row), text(row, "pem")).is_err(), "{row}");
        assert!(Key::jwk(&row["jwk"]).is_err(), "{row}");
    }
}

#[test]
fn what_is_no_public_key_is_told_apart() {
    let told = |pem: &str| Key::public_pem(Algorithm::Rs256, pem).unwrap_err().to_string();
    assert!(told("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n").contains("-pubout"));
    assert!(told("-----BEGIN CERTIFICATE-----\nAAAA\n").contains("openssl x509"));
    for nonsense in ["", "AAAA", "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----"] {
        assert!(told(nonsense).contains("PEM"), "{nonsense}");
    }
    for (algorithm, bytes_min) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        assert!(Key::secret(algorithm, &vec![1; bytes_min]).is_ok());
        let short = Key::secret(algorithm, &vec![1; bytes_min - 1]).unwrap_err();
        assert_eq!(short, AuthError::ShortSecret { bytes_min });
    }
    assert!(Key::secret(Algorithm::EdDsa, &[1; 64]).is_err());
    for jwk in [
        r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","alg":"HS256"}"#,
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
        r#"{"kty":"RSA","e":"AQAB"}"#,
        r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#,
        r#"{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"AAAA"}"#,
        r#"{"kty":7}"#,
        "[]",
        "null",
    ] {
        assert!(Key::jwk(&serde_json::from_str(jwk).unwrap()).is_err(), "{jwk}");
    }
    let known = known();
    let good = &known["tokens"][3]["jwk"];
    for (name, value) in [("use", "enc"), ("kid", "../keys"), ("kid", ""), ("alg", "none"), ("alg", "RSA-OAEP")] {
        let mut jwk = good.clone();
        jwk[name] = value.into();
        assert!(Key::jwk(&jwk).is_err(), "{name} {value}");
    }
}

#[test]
fn keys_are_found_by_their_issuer_and_their_name() {
    let known = known();
    let row = &known["tokens"][3];
    let key = || Key::public_pem(algorithm(row), text(row, "pem")).unwrap();
    let taken = |key: Key| Verifier::new(vec![key]).unwrap().audience("tidings").verify(text(row, "token")).is_ok();
    assert!(taken(key()));
    assert!(taken(key().id("rsa-2048").unwrap()));
    assert!(!taken(key().id("rsa-2049").unwrap()));
    assert!(taken(key().issuer("https://id.example")));
    assert!(!taken(key().issuer("https://id.example/")));
    // Two issuers with the same name for a key: each speaks for itself alone.
    let other = &known["tokens"].as_array().unwrap().iter().find(|row| row["jwk"]["kid"] == "rsa-4096").unwrap();
    let others = Key::public_pem(Algorithm::Rs256, text(other, "pem")).unwrap().id("rsa-2048").unwrap();
    let both = |ours: &str, theirs: &str| {
        let keys = vec![others.clone().issuer(theirs), key().id("rsa-2048").unwrap().issuer(ours)];
        Verifier::new(keys).unwrap().audience("tidings").verify(text(row, "token")).is_ok()
    };
    assert!(both("https://id.example", "https://other.example"));
    assert!(!both("https://other.example", "https://id.example"));
}

#[test]
fn what_is_allowed_has_a_key_and_a_key_is_allowed() {
    let secret = || vec![Key::secret(Algorithm::Hs256, &[7; 32]).unwrap()];
    assert!(Verifier::new(secret()).unwrap().algorithms(&[Algorithm::Hs256]).is_ok());
    for allowed in [&[][..], &[Algorithm::Rs256], &[Algorithm::Hs256, Algorithm::Rs256], &[Algorithm::Hs512]] {
        assert!(Verifier::new(secret()).unwrap().algorithms(allowed).is_err(), "{allowed:?}");
    }
    assert!(Verifier::new(secret()).unwrap().leeway_s(301).is_err());
    let keys = (0..65).flat_map(|_| secret()).collect();
    assert!(Verifier::new(keys).is_err());
}
