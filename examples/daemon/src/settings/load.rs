//! Where settings come from.

use super::Settings;
use anyhow::{Context as _, Result, anyhow};
use config::{Config, File, FileFormat, Map, Value, ValueKind};
use std::path::Path;

/// Begins with the prefix and is no setting: the token of `tidingsd sub` and `tidingsd pub`.
const NO_SETTING: &str = "TIDINGS_TOKEN";

/// One of the namespaces that there are by default.
const A_NAMESPACE: &str = "messaging";

/// The environment as pairs, so that a test can bring its own.
pub(crate) type Environment = Map<String, String>;

/// Names that are known beyond this program, and the settings that they are.
const NAMED: [(&str, &str); 10] = [
    ("TIDINGS_API_KEY", "api.key"),
    ("TIDINGS_JWT_SECRET", "jwt.secret"),
    ("TIDINGS_JWT_AUDIENCE", "jwt.audience"),
    ("TIDINGS_JWT_ISSUER", "jwt.issuer"),
    ("JWT_SECRET", "jwt.secret"),
    ("ALLOWED_ORIGIN", "allowed_origin"),
    ("RATE_LIMIT_MESSAGES_PER_MINUTE", "limits.messages_per_minute"),
    ("RUST_LOG", "log"),
    ("TIDINGS_DATA", "store.path"),
    ("TIDINGS_DRAIN_TIMEOUT_MS", "http.drain_timeout_ms"),
];

/// Settings that are lists, empty by default: of an empty list nothing stands among the defaults.
const LISTS: [&str; 3] = ["api.keys", "jwt.keys", "jwt.issuers"];

/// All others: `TIDINGS_LIMITS__CONNECTIONS_MAX` is `limits.connections_max`.
const PREFIX: &str = "TIDINGS_";
const SEPARATOR: &str = "__";

/// What was loaded.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// Variables that begin like settings and are none; they may be meant for another program.
    pub(crate) unknown: Vec<String>,
}

/// Puts the settings together: defaults, then the file, then the environment. What is not set stays as it is by
/// default, namespaces included.
///
/// # Errors
/// One line that names the file or the variable, the key, and what is wrong with it.
pub(crate) fn load(file: Option<&Path>, environment: &Environment) -> Result<Loaded> {
    let defaults = Config::try_from(&Settings::default())?;
    let mut builder = Config::builder().add_source(defaults.clone());
    if let Some(path) = file {
        builder = builder.add_source(read(path)?);
    }
    let (known, unknown): (Vec<_>, Vec<_>) =
        variables(environment).into_iter().partition(|(_, key, _)| is_setting(&defaults, key));
    for (name, key, value) in known {
        let layer = Config::builder().set_override(&key, value.as_str())?.build()?;
        settings(layer).with_context(|| format!("the environment variable {name}"))?;
        builder = builder.set_override(&key, value.as_str())?;
    }
    let unknown = unknown.into_iter().map(|(name, ..)| name.to_owned()).collect();
    Ok(Loaded { settings: settings(builder.build()?)?, unknown })
}

/// Reads a file, and sees to it by itself that all of it is settings, so that an error names the line.
fn read(path: &Path) -> Result<Config> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("can't read the settings in {shown}"))?;
    let text = with_new_names(&text).map_err(|why| anyhow!("the settings in {shown}: {why}"))?;
    toml::from_str::<Settings>(&text).map_err(|error| {
        let before = error.span().map_or("", |span| &text[..span.start.min(text.len())]);
        let line = 1 + before.matches('\n').count();
        anyhow!("the settings in {shown}, line {line}: {}", one_line(&error.message()))
    })?;
    Ok(Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build()?)
}

/// Names that settings had before they stood in `[jwt]`, and those that they have.
const OLD_NAMES: [(&str, &str); 3] =
    [("jwt_secret", "jwt.secret"), ("jwt_audience", "jwt.audience"), ("jwt_issuer", "jwt.issuer")];

/// The text with new names in the place of old ones, on the same lines.
fn with_new_names(text: &str) -> Result<String> {
    let is_table = |line: &str| line.trim_start().starts_with('[');
    let mut renamed = false;
    let mut is_top = true;
    let mut lines = Vec::new();
    for line in text.lines() {
        is_top &= !is_table(line);
        let old = OLD_NAMES.iter().find(|(old, _)| {
            let rest = line.trim_start().strip_prefix(old);
            is_top && rest.is_some_and(|rest| rest.trim_start().starts_with('='))
        });
        renamed |= old.is_some();
        lines.push(old.map_or_else(|| line.to_owned(), |(old, new)| line.replacen(old, new, 1)));
    }
    let has_section =
        text.lines().any(|line| line.trim_start().starts_with("[jwt") || line.trim_start().starts_with("[[jwt"));
    if renamed && has_section {
        return Err(anyhow!(
            "jwt_secret, jwt_audience and jwt_issuer do not stand beside a section [jwt]; write them into it, as secret, \
             audience and issuer"
        ));
    }
    Ok(lines.join("\n"))
}

/// Whether there is such a setting. All namespaces have the same.
fn is_setting(defaults: &Config, key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    let key = match parts[..] {
        ["namespaces", _, ref field @ ..] => format!("namespaces.{A_NAMESPACE}.{}", field.join(".")),
        _ => key.to_owned(),
    };
    LISTS.contains(&key.as_str())
        || defaults.get::<Value>(&key).is_ok_and(|value| !matches!(value.kind, ValueKind::Table(_)))
}

fn settings(config: Config) -> Result<Settings> {
    config.try_deserialize().map_err(|error| anyhow!("{}", one_line(&error)))
}

fn one_line(error: &impl ToString) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The variables that are settings: name, key, value. Those known beyond this program come last and win.
fn variables(environment: &Environment) -> Vec<(&str, String, &String)> {
    let mut found: Vec<_> = environment
        .iter()
        .filter(|(name, _)| *name != NO_SETTING && NAMED.iter().all(|(named, _)| named != name))
        .filter_map(|(name, value)| {
            let key = name.strip_prefix(PREFIX)?.to_lowercase().replace(SEPARATOR, ".");
            Some((name.as_str(), key, value))
        })
        .collect();
    found.sort_unstable();
    let named = NAMED.iter().filter_map(|(name, key)| Some((*name, (*key).to_owned(), environment.get(*name)?)));
    found.extend(named);
    found
}
