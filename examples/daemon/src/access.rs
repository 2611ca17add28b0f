//! Who is let in: the keys and rules of the settings, made into a gate.

use crate::settings::Settings;
use crate::settings::jwt::{KeySetting, Published};
use crate::settings::secret::Secret;
use anyhow::{Context as _, Result, anyhow, bail};
use std::path::PathBuf;
use std::sync::Arc;
use tidings::Engine;
use tidings::host::{Admission, ConnectAsk, Credential, Denial, Host};
use tidings_auth::{Algorithm, Gate, GateOptions, Jwks, JwksOptions, Key, Verifier};
use tidings_hook::{Hook, Hooked};

/// Where revocations are kept, in the data directory.
const REVOCATIONS: &str = "revocations.jsonl";

/// The host of this server: tokens are all it knows.
pub(crate) struct Tokens(pub(crate) Gate);

impl Host for Tokens {
    async fn connect(&self, ask: ConnectAsk) -> Result<Admission, Denial> {
        self.0.admit(&ask.token).await
    }

    fn is_revoked(&self, user: &str, credential: Credential) -> bool {
        self.0.is_revoked(user, credential)
    }
}

/// An engine of these settings, whose questions go to the application as far as it is asked, and to the tokens.
///
/// # Errors
/// It can't start.
pub(crate) fn start(settings: &Settings, hook: Option<Hook>, tokens: Tokens) -> Result<Engine, tidings::error::Error> {
    match hook {
        Some(hook) => Engine::start(settings.engine(), Hooked::new(hook, tokens)),
        None => Engine::start(settings.engine(), tokens),
    }
}

/// Whether the settings name anything but the one secret that tokens are checked with.
pub(crate) fn has_keys(settings: &Settings) -> bool {
    let jwt = &settings.jwt;
    !(jwt.keys.0.is_empty() && jwt.issuers.0.is_empty() && jwt.jwks_url.is_empty())
}

/// The gate that the settings and this secret make. Begins to fetch published keys.
///
/// # Errors
/// A key or a rule that can't be: each says which and what to do.
pub(crate) fn gate(settings: &Settings, secret: Option<&Secret>) -> Result<Gate> {
    let jwt = &settings.jwt;
    let mut keys = Vec::new();
    if let Some(secret) = secret {
        keys.push(Key::secret(Algorithm::Hs256, secret.as_bytes())?);
    }
    for (at, setting) in jwt.keys.0.iter().enumerate() {
        let named = setting
            .kid
            .as_ref()
            .map_or_else(|| format!("key {} of jwt.keys", at + 1), |kid| format!("the key {kid:?} of jwt.keys"));
        keys.push(key(setting).with_context(|| named)?);
    }
    let mut verifier = Verifier::new(keys).context("jwt.keys")?;
    if !jwt.jwks_url.is_empty() {
        let jwks = published(&jwt.jwks_url, jwt.issuer.clone(), &jwt.jwks, settings);
        verifier = verifier.jwks(jwks.context("jwt.jwks_url")?);
    }
    for issuer in &jwt.issuers.0 {
        let jwks = published(&issuer.jwks_url, Some(issuer.issuer.clone()), &jwt.jwks, settings);
        verifier = verifier.jwks(jwks.with_context(|| format!("the issuer {:?} of jwt.issuers", issuer.issuer))?);
    }
    if let Some(audience) = &jwt.audience {
        verifier = verifier.audience(audience);
    }
    if let Some(issuer) = &jwt.issuer {
        verifier = verifier.issuer(issuer);
        for other in &jwt.issuers.0 {
            verifier = verifier.issuer(&other.issuer);
        }
    }
    verifier = verifier.leeway_s(jwt.leeway_s).context("jwt.leeway_s")?;
    let allowed = algorithms(&jwt.algorithms)?;
    if !allowed.is_empty() {
        verifier = verifier.algorithms(&allowed).context("jwt.algorithms")?;
    }
    let mut options = GateOptions::default();
    options.revocations_max = jwt.revocations_max;
    options.ticket_ms = jwt.tickets.lifetime_ms;
    options.tickets_max = jwt.tickets.tickets_max;
    options.tickets_per_user_max = jwt.tickets.per_user_max;
    Ok(Gate::new(verifier, &options))
}

/// The file of revocations, if anything is kept.
pub(crate) fn revocations(settings: &Settings) -> Option<PathBuf> {
    settings.data().map(|data| data.join(REVOCATIONS))
}

fn published(url: &str, issuer: Option<String>, how: &Published, settings: &Settings) -> Result<Arc<Jwks>> {
    let mut options = JwksOptions::default();
    options.issuer = issuer;
    options.cache_ms_min = how.cache_ms_min;
    options.cache_ms_max = how.cache_ms_max;
    options.stale_ms_max = how.stale_ms_max;
    options.unknown_pause_ms = how.unknown_pause_ms;
    options.fetch_timeout_ms = how.fetch_timeout_ms;
    // The engine gives up a question that is not answered in time.
    options.wait_ms = options.wait_ms.min(settings.times.question_timeout_ms * 3 / 4);
    Ok(Arc::new(Jwks::start(url, options)?))
}

fn algorithms(list: &str) -> Result<Vec<Algorithm>> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| algorithm(name).context("jwt.algorithms")).collect()
}

fn algorithm(name: &str) -> Result<Algorithm> {
    Algorithm::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
        anyhow!("no algorithm {name:?}; there are {}", known.join(", "))
    })
}

fn key(setting: &KeySetting) -> Result<Key> {
    let KeySetting { kid, issuer, algorithm: name, secret, public_key, public_key_file } = setting;
    let algorithm = algorithm(name)?;
    let mut key = match (secret, public_key, public_key_file) {
        (Some(secret), None, None) => Key::secret(algorithm, secret.as_bytes())?,
        (None, Some(pem), None) => Key::public_pem(algorithm, pem)?,
        (None, None, Some(path)) => {
            let shown = path.display();
            let pem = std::fs::read_to_string(path).with_context(|| format!("can't read {shown}"))?;
            Key::public_pem(algorithm, &pem).with_context(|| format!("the file {shown}"))?
        }
        _ => bail!("give it one of secret, public_key and public_key_file"),
    };
    if let Some(kid) = kid {
        key = key.id(kid)?;
    }
    Ok(match issuer {
        Some(issuer) => key.issuer(issuer),
        None => key,
    })
}
