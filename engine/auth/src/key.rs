//! Keys that tokens are checked with.

use crate::algorithm::{Algorithm, Kind};
use crate::error::AuthError;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use std::fmt;

/// Longest name of a key.
const KEY_ID_BYTES_MAX: usize = 128;

/// Sizes of RSA keys, in bytes of the modulus. Smaller ones can be broken, larger ones cost too much to check.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// A key, with the algorithms that it checks. Those are its own: what a token says picks among them and adds none.
#[derive(Clone)]
pub struct Key {
    id: Option<Box<str>>,
    issuer: Option<Box<str>>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

impl Key {
    /// A secret that is shared with who makes the tokens, for HS256, HS384 or HS512.
    ///
    /// # Errors
    /// [`AuthError::ShortSecret`]; [`AuthError::Key`] for another algorithm.
    pub fn secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, AuthError> {
        if algorithm.kind() != Kind::Secret {
            return Err(AuthError::Key("a secret is for HS256, HS384 and HS512; this algorithm wants a public key"));
        }
        let bytes_min = algorithm.secret_bytes_min();
        if secret.len() < bytes_min {
            return Err(AuthError::ShortSecret { bytes_min });
        }
        Ok(Self::new(vec![algorithm], DecodingKey::from_secret(secret)))
    }

    /// A public key in PEM (`-----BEGIN PUBLIC KEY-----`), as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`AuthError::Key`]: what it is instead.
    pub fn public_pem(algorithm: Algorithm, pem: &str) -> Result<Self, AuthError> {
        let der = der_of(pem)?;
        let wrong = |what| move |_| AuthError::Key(what);
        let parse = |by: &'static dyn VerificationAlgorithm| ParsedPublicKey::new(by, &der);
        let decoding = match algorithm.kind() {
            Kind::Secret => {
                return Err(AuthError::Key("HS256, HS384 and HS512 want a secret, and never a public key"));
            }
            // It is for encryption, and says how large a key is; parsing one to check signatures with does not look.
            Kind::Rsa => match PublicEncryptingKey::from_der(&der) {
                Ok(key) if MODULUS_BYTES.contains(&key.key_size_bytes()) => Ok(DecodingKey::from_rsa_der(&der)),
                _ => Err(AuthError::Key("not an RSA key of 2,048 to 8,192 bits, as the algorithm wants")),
            },
            Kind::P256 => parse(&ECDSA_P256_SHA256_FIXED)
                .map_err(wrong("not a key on the curve P-256, as ES256 wants"))
                .map(|_| DecodingKey::from_ec_der(&der)),
            Kind::P384 => parse(&ECDSA_P384_SHA384_FIXED)
                .map_err(wrong("not a key on the curve P-384, as ES384 wants"))
                .map(|_| DecodingKey::from_ec_der(&der)),
            Kind::Ed25519 => parse(&ED25519)
                .map_err(wrong("not an Ed25519 key, as EdDSA wants"))
                .map(|_| DecodingKey::from_ed_der(&der)),
        };
        Ok(Self::new(vec![algorithm], decoding?))
    }

    /// A public key in the form of RFC 7517. Without an `alg` it is for every algorithm of its kind.
    ///
    /// # Errors
    /// [`AuthError::Key`]: why it is not taken. A secret is not: what is published is none.
    pub fn jwk(jwk: &serde_json::Value) -> Result<Self, AuthError> {
        let jwk = Jwk::deserialize(jwk).map_err(|_| AuthError::Key("not a key in the form of RFC 7517"))?;
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(AuthError::Key("a key whose `use` is not `sig`"));
        }
        let (kind, decoding) = jwk.material()?;
        let is_its = |algorithm: &Algorithm| {
            algorithm.kind() == kind && jwk.alg.as_deref().is_none_or(|alg| alg == algorithm.name())
        };
        let algorithms: Vec<_> = Algorithm::ALL.iter().copied().filter(is_its).collect();
        if algorithms.is_empty() {
            return Err(AuthError::Key("a key whose `alg` is not for a key of its kind"));
        }
        let key = Self::new(algorithms, decoding);
        match jwk.kid {
            Some(id) => key.id(&id),
            None => Ok(key),
        }
    }

    fn new(algorithms: Vec<Algorithm>, decoding: DecodingKey) -> Self {
        Self { id: None, issuer: None, algorithms, decoding }
    }

    /// The same key under a name: tokens with another `kid` are not checked with it.
    ///
    /// # Errors
    /// [`AuthError::Key`] for what no `kid` may be.
    pub fn id(mut self, id: &str) -> Result<Self, AuthError> {
        if !is_key_id(id) {
            return Err(AuthError::Key("a `kid` has 1 to 128 bytes of letters, digits and - _ . = + ~"));
        }
        self.id = Some(id.into());
        Ok(self)
    }

    /// The same key as one of this issuer: tokens whose `iss` is another are refused, whatever the signature.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The algorithms that it checks.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Whether it is the one that a token with this `kid` is checked with. A key without a name takes every `kid`, and a
    /// token without a `kid` every key.
    pub(crate) fn is_for(&self, algorithm: Algorithm, kid: Option<&str>) -> bool {
        let is_named = match (&self.id, kid) {
            (Some(id), Some(kid)) => **id == *kid,
            _ => true,
        };
        is_named && self.algorithms.contains(&algorithm)
    }

    /// Whether it may speak for whom the token says that it is of.
    pub(crate) fn speaks_for(&self, issuer: Option<&str>) -> bool {
        self.issuer.is_none() || self.issuer.as_deref() == issuer
    }

    pub(crate) const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// A word that can be no path and no address.
pub(crate) fn is_key_id(kid: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=+~".contains(&byte);
    (1..=KEY_ID_BYTES_MAX).contains(&kid.len()) && kid.bytes().all(is_plain)
}

/// What stands between the lines of a public key in PEM.
fn der_of(pem: &str) -> Result<Vec<u8>, AuthError> {
    const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
    const END: &str = "-----END PUBLIC KEY-----";
    if pem.contains("PRIVATE KEY-----") {
        return Err(AuthError::Key(
            "a private key, which belongs to whoever makes the tokens alone; give the public one: openssl pkey -in \
             private.pem -pubout",
        ));
    }
    if pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(AuthError::Key(
            "a certificate; give its public key: openssl x509 -in certificate.pem -pubkey -noout",
        ));
    }
    let body = pem.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(body, _)| body);
    let body: String = body.unwrap_or_default().split_ascii_whitespace().collect();
    match STANDARD.decode(body) {
        Ok(der) if !der.is_empty() => Ok(der),
        _ => Err(AuthError::Key("not a public key in PEM: it begins with -----BEGIN PUBLIC KEY-----")),
    }
}

/// The members of a key (RFC 7517, 7518, 8037) that matter here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    fn material(&self) -> Result<(Kind, DecodingKey), AuthError> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => self.rsa().map(|key| (Kind::Rsa, key)),
            ("EC", Some("P-256")) => self.point(32, &ECDSA_P256_SHA256_FIXED).map(|key| (Kind::P256, key)),
            ("EC", Some("P-384")) => self.point(48, &ECDSA_P384_SHA384_FIXED).map(|key| (Kind::P384, key)),
            ("OKP", Some("Ed25519")) => {
                let x = bytes(self.x.as_deref())?;
                let is_key = ParsedPublicKey::new(&ED25519, &x).is_ok() && x.len() == 32;
                is_key
                    .then(|| (Kind::Ed25519, DecodingKey::from_ed_der(&x)))
                    .ok_or(AuthError::Key("not an Ed25519 key"))
            }
            ("oct", _) => Err(AuthError::Key("a secret, which must never be published")),
            _ => Err(AuthError::Key("a key of a kind or on a curve that no algorithm here uses")),
        }
    }

    fn rsa(&self) -> Result<DecodingKey, AuthError> {
        let (n, e) = (bytes(self.n.as_deref())?, bytes(self.e.as_deref())?);
        let modulus = n.iter().skip_while(|byte| **byte == 0).count();
        if !MODULUS_BYTES.contains(&modulus) || e.is_empty() || e == [1] {
            return Err(AuthError::Key("not an RSA key of 2,048 to 8,192 bits"));
        }
        Ok(DecodingKey::from_rsa_raw_components(&n, &e))
    }

    fn point(&self, bytes_each: usize, by: &'static dyn VerificationAlgorithm) -> Result<DecodingKey, AuthError> {
        let (x, y) = (bytes(self.x.as_deref())?, bytes(self.y.as_deref())?);
        let point = [&[4], &*x, &*y].concat();
        if x.len() != bytes_each || y.len() != bytes_each || ParsedPublicKey::new(by, &point).is_err() {
            return Err(AuthError::Key("not a point of its curve"));
        }
        Ok(DecodingKey::from_ec_der(&point))
    }
}

fn bytes(text: Option<&str>) -> Result<Vec<u8>, AuthError> {
    text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .ok_or(AuthError::Key("a key of which a part is missing or not base64url"))
}
