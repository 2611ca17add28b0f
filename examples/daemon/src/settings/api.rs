//! Who may call the HTTP API, and what a call is held to.

use super::secret::Secret;
use anyhow::{Context as _, Result, anyhow, bail};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tidings_transports::{ApiKey, ApiKeys, ApiLimits, Right};

/// The settings of the section `api`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    /// One key with all rights.
    pub(crate) key: Option<Secret>,
    /// Keys, each with its rights.
    #[serde(deserialize_with = "keys")]
    pub(crate) keys: Vec<Key>,
    /// Bytes of a request's body.
    pub(crate) body_bytes_max: usize,
    /// Time for a request's body to arrive.
    pub(crate) body_timeout_ms: u64,
    /// Requests that are worked on at the same time.
    pub(crate) requests_max: usize,
    /// Requests with one key in a minute.
    pub(crate) requests_per_minute_per_key: u32,
    /// Publications of one batch.
    pub(crate) batch_max: usize,
    /// Users that one event is sent to.
    pub(crate) users_max: usize,
}

/// One key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    /// What it is called.
    name: String,
    /// The key, of at least 32 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Secret>,
    /// Or the SHA-256 of it, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_sha256: Option<Secret>,
    /// What it may do.
    rights: Rights,
    /// Patterns of the channels that it may use.
    #[serde(default = "everything")]
    channels: Vec<String>,
    /// Patterns of the users that it may use.
    #[serde(default = "everything")]
    users: Vec<String>,
}

/// `all`, or a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "rights are \"all\" or a list of rights")]
enum Rights {
    Word(String),
    List(Vec<String>),
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// A list, or the text of one in JSON, which is how the environment says it.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Key>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "keys are a list, each with `name`, `key` or `key_sha256`, and `rights`")]
    enum Written {
        List(Vec<Key>),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::List(keys) => Ok(keys),
        // What is wrong is told without what stands there.
        Written::Text(text) => serde_json::from_str(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            D::Error::custom(format_args!("not a list of keys in JSON, at line {line}, column {column}"))
        }),
    }
}

impl Default for Api {
    fn default() -> Self {
        let limits = ApiLimits::default();
        Self {
            key: None,
            keys: Vec::new(),
            body_bytes_max: limits.body_bytes_max,
            body_timeout_ms: limits.body_timeout_ms,
            requests_max: limits.requests_max,
            requests_per_minute_per_key: limits.requests_per_minute_per_key,
            batch_max: limits.batch_max,
            users_max: limits.users_max,
        }
    }
}

impl Api {
    /// What a call is held to.
    pub(crate) fn limits(&self) -> ApiLimits {
        let mut limits = ApiLimits::default();
        limits.body_bytes_max = self.body_bytes_max;
        limits.body_timeout_ms = self.body_timeout_ms;
        limits.requests_max = self.requests_max;
        limits.requests_per_minute_per_key = self.requests_per_minute_per_key;
        limits.batch_max = self.batch_max;
        limits.users_max = self.users_max;
        limits
    }

    /// Who may call.
    ///
    /// # Errors
    /// A key that cannot be, by its name.
    pub(crate) fn keys(&self) -> Result<ApiKeys> {
        let one = self.key.iter().map(|key| {
            let key = ApiKey::new("TIDINGS_API_KEY", key.as_bytes()).map_err(anyhow::Error::msg);
            key.context("api.key (TIDINGS_API_KEY); `tidingsd key` makes a good one")
        });
        one.chain(self.keys.iter().map(Key::checked)).collect()
    }
}

impl Key {
    fn checked(&self) -> Result<ApiKey> {
        let name = &self.name;
        self.build().with_context(|| format!("api.keys, the key {name:?}"))
    }

    fn build(&self) -> Result<ApiKey> {
        let key = match (&self.key, &self.key_sha256) {
            (Some(key), None) => ApiKey::new(&self.name, key.as_bytes()).map_err(anyhow::Error::msg)?,
            (None, Some(hash)) => ApiKey::of_hash(&self.name, hash_bytes(hash.as_bytes())?),
            _ => bail!("give `key` or `key_sha256`; `tidingsd key` prints both"),
        };
        Ok(key.rights(&self.rights.named()?).channels(&self.channels).users(&self.users))
    }
}

impl Rights {
    fn named(&self) -> Result<Vec<Right>> {
        let known = || Right::ALL.map(Right::name).join(", ");
        match self {
            Self::Word(word) if word == "all" => Ok(Right::ALL.to_vec()),
            Self::Word(word) => Err(anyhow!("rights are \"all\" or a list of: {}; not {word:?}", known())),
            Self::List(names) => {
                let right = |name: &String| {
                    Right::named(name).ok_or_else(|| anyhow!("there is no right {name:?}; there are: {}", known()))
                };
                names.iter().map(right).collect()
            }
        }
    }
}

fn hash_bytes(text: &[u8]) -> Result<[u8; 32]> {
    let digit = |at: usize| text.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        let (Some(high), Some(low)) = (digit(2 * at), digit(2 * at + 1)) else { break };
        *byte = u8::try_from(high * 16 + low).expect("two digits are a byte");
        if at == 31 && text.len() == 64 {
            return Ok(hash);
        }
    }
    bail!("key_sha256 is 64 hexadecimal digits, as `tidingsd key` prints them")
}

#[cfg(test)]
mod tests {
    use super::Api;
    use tidings_transports::ApiKey;

    const SECRET: &str = "a-key-of-at-least-thirty-two-bytes";

    fn read(text: &str) -> anyhow::Result<usize> {
        let api: Api = toml::from_str(text)?;
        let shown = format!("{api:?}{}", toml::to_string(&api)?);
        assert!(!shown.contains(SECRET), "{shown}");
        let count = api.keys.len() + usize::from(api.key.is_some());
        api.keys().map(|keys| if keys.is_empty() { 0 } else { count })
    }

    #[test]
    fn keys_are_read_from_tables_and_from_json() {
        let hash = ApiKey::sha256(SECRET.as_bytes());
        let text = format!(
            "key = \"{SECRET}\"\n[[keys]]\nname = \"a\"\nkey = \"{SECRET}\"\nrights = [\"publish\", \"stats\"]\n\
             [[keys]]\nname = \"b\"\nkey_sha256 = \"{hash}\"\nrights = \"all\"\nchannels = [\"messaging:*\"]\n"
        );
        assert_eq!(read(&text).unwrap(), 3);
        assert_eq!(read(&format!("keys = '[{{\"name\":\"a\",\"key\":\"{SECRET}\",\"rights\":\"all\"}}]'")).unwrap(), 1);
        assert_eq!(read("").unwrap(), 0);
    }

    #[test]
    fn what_is_wrong_is_told_and_the_key_is_not() {
        let cases = [
            ("key = \"a-short-key-of-few-bytes\"", "at least 32"),
            ("[[keys]]\nname = \"a\"\nrights = \"all\"", "key_sha256"),
            ("[[keys]]\nname = \"a\"\nkey = \"SECRET\"\nkey_sha256 = \"00\"\nrights = \"all\"", "tidingsd key"),
            ("[[keys]]\nname = \"a\"\nkey_sha256 = \"00\"\nrights = \"all\"", "64 hexadecimal"),
            ("[[keys]]\nname = \"a\"\nkey = \"SECRET\"\nrights = \"everything\"", "everything"),
            ("[[keys]]\nname = \"a\"\nkey = \"SECRET\"\nrights = [\"fly\"]", "publish, send"),
            ("[[keys]]\nname = \"a\"\nkey = \"SECRET\"", "keys are a list"),
            ("keys = '[{\"name\":\"a\",\"key\":\"SECRET\"}]'", "JSON"),
        ];
        for (text, told) in cases {
            let error = read(&text.replace("SECRET", SECRET)).unwrap_err();
            // What toml quotes is the file's own text, which `settings::load` leaves out.
            let error = format!("{error:#}");
            let message = error.lines().last().unwrap_or_default();
            assert!(message.contains(told), "{text}: {error}");
            assert!(!message.contains(SECRET), "{message}");
        }
    }
}
