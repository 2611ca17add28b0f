//! Who may call the API: keys, and what each may do.

use hyper::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use tidings::Pattern;

/// Bytes that a key has at least: as many as a hash of it.
pub(crate) const KEY_BYTES_MIN: usize = 32;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Right {
    /// Publish to channels.
    Publish,
    /// Send to users.
    Send,
    /// Read what channels keep.
    History,
    /// See how channels stand.
    Channels,
    /// See users: their sessions, devices and inboxes.
    Users,
    /// End sessions.
    Disconnect,
    /// Subscribe and unsubscribe sessions.
    Subscribe,
    /// See who is there: users, and the members of channels.
    Presence,
    /// Read the statistics.
    Stats,
    /// Revoke tokens, where the host has a call for it.
    Revoke,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 10] = [
        Self::Publish,
        Self::Send,
        Self::History,
        Self::Channels,
        Self::Users,
        Self::Disconnect,
        Self::Subscribe,
        Self::Presence,
        Self::Stats,
        Self::Revoke,
    ];

    /// Its name, as it stands in settings and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Send => "send",
            Self::History => "history",
            Self::Channels => "channels",
            Self::Users => "users",
            Self::Disconnect => "disconnect",
            Self::Subscribe => "subscribe",
            Self::Presence => "presence",
            Self::Stats => "stats",
            Self::Revoke => "revoke",
        }
    }

    /// The right of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.name() == name)
    }
}

/// A key of the API. It holds the hash of its secret alone.
///
/// ```
/// use tidings_transports::{ApiKey, Right};
///
/// let key = ApiKey::new("backend", b"d41d8cd98f00b204e9800998ecf8427e").unwrap();
/// let key = key.rights(&[Right::Publish]).channels(&["messaging:*"]);
/// assert!(ApiKey::new("short", b"secret").is_err());
/// ```
#[derive(Clone)]
pub struct ApiKey {
    name: Arc<str>,
    hash: [u8; 32],
    rights: Arc<[Right]>,
    channels: Arc<[Pattern]>,
    users: Arc<[Pattern]>,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, hash: _, rights, channels, users } = self;
        let mut shown = f.debug_struct("ApiKey");
        shown.field("name", name).field("rights", rights).field("channels", channels).field("users", users);
        shown.finish_non_exhaustive()
    }
}

impl ApiKey {
    /// A key with this secret, with all rights. The name is for the log.
    ///
    /// # Errors
    /// The secret has fewer than 32 bytes.
    pub fn new(name: &str, secret: &[u8]) -> Result<Self, String> {
        if secret.len() < KEY_BYTES_MIN {
            return Err(format!("the key {name:?} has {} bytes; it must have at least {KEY_BYTES_MIN}", secret.len()));
        }
        Ok(Self::of_hash(name, Sha256::digest(secret).into()))
    }

    /// The same of which only the SHA-256 is known, so that the secret itself stands in no file of the server.
    #[must_use]
    pub fn of_hash(name: &str, hash: [u8; 32]) -> Self {
        let all = || Arc::from([Pattern::new("*")]);
        Self { name: name.into(), hash, rights: Right::ALL.into(), channels: all(), users: all() }
    }

    /// The SHA-256 of a secret, in hexadecimal digits.
    #[must_use]
    pub fn sha256(secret: &[u8]) -> String {
        Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The same key with these rights alone.
    #[must_use]
    pub fn rights(mut self, rights: &[Right]) -> Self {
        self.rights = rights.into();
        self
    }

    /// The same key for the channels that one of these patterns covers.
    #[must_use]
    pub fn channels(mut self, patterns: &[impl AsRef<str>]) -> Self {
        self.channels = patterns.iter().map(|pattern| Pattern::new(pattern.as_ref())).collect();
        self
    }

    /// The same key for the users that one of these patterns covers.
    #[must_use]
    pub fn users(mut self, patterns: &[impl AsRef<str>]) -> Self {
        self.users = patterns.iter().map(|pattern| Pattern::new(pattern.as_ref())).collect();
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has a right.
    #[must_use]
    pub fn has(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }

    pub(super) fn covers_channel(&self, channel: &str) -> bool {
        self.channels.iter().any(|pattern| pattern.covers(channel))
    }

    /// Whether it may use every user.
    #[must_use]
    pub fn covers_every_user(&self) -> bool {
        self.users.iter().any(|pattern| pattern.as_str() == "*")
    }

    /// Whether it may use this user.
    #[must_use]
    pub fn covers_user(&self, user: &str) -> bool {
        self.users.iter().any(|pattern| pattern.covers(user))
    }
}

/// The keys of an API. A host asks them for calls of its own as well.
#[derive(Clone, Debug, Default)]
pub struct ApiKeys(Arc<[ApiKey]>);

impl FromIterator<ApiKey> for ApiKeys {
    fn from_iter<T: IntoIterator<Item = ApiKey>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl ApiKeys {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a request brings as `Authorization: Bearer`. In a time that tells nothing of the keys but how many
    /// there are: hashes are compared, and all of them.
    #[must_use]
    pub fn find(&self, headers: &HeaderMap) -> Option<&ApiKey> {
        self.find_place(headers).map(|(_, key)| key)
    }

    /// The same, and its place among all.
    pub(super) fn find_place(&self, headers: &HeaderMap) -> Option<(usize, &ApiKey)> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, secret) = value.as_bytes().split_at_checked(b"Bearer ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Bearer ") {
            return None;
        }
        let hash: [u8; 32] = Sha256::digest(secret.trim_ascii()).into();
        let mut found = u32::MAX;
        for (at, key) in (0..).zip(self.0.iter()) {
            found.conditional_assign(&at, key.hash.ct_eq(&hash));
        }
        let at = usize::try_from(found).ok()?;
        self.0.get(at).map(|key| (at, key))
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, ApiKeys, Right};
    use hyper::{HeaderMap, header::AUTHORIZATION};

    const ONE: &str = "one-key-of-thirty-two-bytes-yes!";
    const OTHER: &str = "another-key-of-thirty-two-bytes!";

    fn find<'k>(keys: &'k ApiKeys, values: &[&str]) -> Option<&'k str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        keys.find(&headers).map(ApiKey::name)
    }

    #[test]
    fn only_the_whole_key_in_one_header_is_taken() {
        let keys: ApiKeys = [("one", ONE), ("other", OTHER)]
            .into_iter()
            .map(|(name, secret)| ApiKey::new(name, secret.as_bytes()).unwrap())
            .collect();
        let bearer = |secret: &str| format!("Bearer {secret}");
        assert_eq!(find(&keys, &[&bearer(ONE)]), Some("one"));
        assert_eq!(find(&keys, &[&format!("bEARER  {OTHER} ")]), Some("other"));
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            ONE,
            "Basic b25l",
            &bearer("x"),
            &bearer(&ONE[1..]),
            &bearer(&OTHER.to_uppercase()),
        ] {
            assert_eq!(find(&keys, &[bad]), None, "{bad}");
        }
        assert_eq!(find(&keys, &[&bearer(ONE), &bearer(ONE)]), None);
        assert_eq!(find(&keys, &[]), None);
        assert_eq!(find(&ApiKeys::default(), &[&bearer(ONE)]), None);
    }

    #[test]
    fn a_hash_is_as_good_as_the_key_and_nothing_is_shown() {
        let hash = ApiKey::sha256(ONE.as_bytes());
        assert_eq!(hash.len(), 64);
        let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hash[2 * at..][..2], 16).unwrap()).collect();
        let keys: ApiKeys = [ApiKey::of_hash("hashed", bytes.try_into().unwrap())].into_iter().collect();
        assert_eq!(find(&keys, &[&format!("Bearer {ONE}")]), Some("hashed"));
        assert!(!format!("{keys:?}").contains("hash:") && !format!("{keys:?}").contains(&hash[..8]));
    }

    #[test]
    fn rights_are_what_is_said() {
        let key = ApiKey::new("one", ONE.as_bytes()).unwrap();
        assert!(Right::ALL.into_iter().all(|right| key.has(right)));
        let key = key.rights(&[Right::Send]).channels(&["a:*"]).users(&["x", "y*"]);
        assert!(key.has(Right::Send) && !key.has(Right::Publish));
        assert!(key.covers_channel("a:b") && !key.covers_channel("b:a"));
        assert!(key.covers_user("x") && key.covers_user("yy") && !key.covers_user("xx"));
        assert_eq!(Right::ALL.map(|right| Right::named(right.name())), Right::ALL.map(Some));
        assert!(ApiKey::new("short", &[b'x'; 31]).unwrap_err().contains("32"));
    }
}
