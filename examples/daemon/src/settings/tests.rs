use super::Settings;
use super::load::{Environment, Loaded, load};
use super::secret::Secret;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tidings::config::Namespace;
use toml::Value;

const DOCS: &str = include_str!("../../../../docs/settings.md");

/// Settings without a default: they are not in what is written of the default settings.
const UNSET: [&str; 5] = ["jwt.secret", "jwt.audience", "jwt.issuer", "api.key", "hook.secret"];

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with_file(text: &str) -> anyhow::Result<Loaded> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidings.toml");
    fs::write(&path, text).unwrap();
    load(Some(&path), &Environment::default())
}

fn refusal(loaded: anyhow::Result<Loaded>) -> String {
    let Err(error) = loaded else { panic!("taken") };
    let text = format!("{error:#}");
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

/// Every setting with its default, those of namespaces once, as one has them that is added, under `NAME`.
fn real_settings() -> BTreeMap<String, String> {
    let mut settings = Settings::default();
    settings.namespaces.insert("NAME".into(), Namespace::default());
    let text = settings.to_toml().unwrap();
    let mut found: BTreeMap<_, _> = UNSET.into_iter().map(|name| (name.to_owned(), "none".to_owned())).collect();
    collect("", &text.parse::<toml::Table>().unwrap().into(), &mut found);
    found
}

fn collect(prefix: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let Value::Table(table) = value else {
        let shown = match value {
            Value::String(text) if text.is_empty() => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(found.insert(prefix.to_owned(), shown), None);
        return;
    };
    for (key, value) in table {
        match prefix {
            "" => collect(key, value, found),
            "namespaces" if key != "NAME" => {}
            _ => collect(&format!("{prefix}.{key}"), value, found),
        }
    }
}

/// The rows of the document: name, environment, default.
fn documented() -> BTreeMap<String, (String, String)> {
    let cell = |text: &str| text.trim().trim_matches('`').to_owned();
    DOCS.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(cell).collect();
            assert_eq!(cells.len(), 7, "name, environment, default, unit, meaning, worst case: {line}");
            assert!(cells[..6].iter().all(|cell| !cell.is_empty()), "{line}");
            (cells[0].clone(), (cells[1].clone(), cells[2].clone()))
        })
        .collect()
}

#[test]
fn the_document_lists_every_setting_with_its_default_and_no_other() {
    let documented = documented();
    let defaults: BTreeMap<_, _> =
        documented.iter().map(|(name, (_, default))| (name.clone(), default.clone())).collect();
    assert_eq!(defaults, real_settings());
}

#[test]
fn the_environment_variables_of_the_document_work() {
    for (name, (variable, default)) in documented() {
        // Where `none` is no value, any text is.
        let is_unset = default == "none" && !name.ends_with(".presence");
        let value = if is_unset { "x".to_owned() } else { default };
        let variable = variable.replace("__NAME__", "__MESSAGING__");
        let loaded =
            load(None, &environment(&[(&variable, &value)])).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(loaded.unknown, [""; 0], "{name}");
    }
}

#[test]
fn nothing_set_is_the_default() {
    let loaded = load(None, &Environment::default()).unwrap();
    assert_eq!(loaded.settings.to_toml().unwrap(), Settings::default().to_toml().unwrap());
    assert_eq!(with_file("").unwrap().settings.to_toml().unwrap(), Settings::default().to_toml().unwrap());
}

#[test]
fn the_environment_wins_over_the_file_and_known_names_over_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidings.toml");
    fs::write(&path, "listen = \"127.0.0.1:1\"\n[limits]\nconnections_max = 7\nmessages_per_minute = 1\n").unwrap();
    let pairs = [
        ("TIDINGS_LIMITS__CONNECTIONS_MAX", "8"),
        ("TIDINGS_LIMITS__MESSAGES_PER_MINUTE", "2"),
        ("RATE_LIMIT_MESSAGES_PER_MINUTE", "3"),
        ("TIDINGS_NAMESPACES__CHAT__CLASS", "ephemeral"),
        ("TIDINGS_TOKEN", "no setting"),
        ("TIDINGS_LIMITS__CONECTIONS_MAX", "no setting either"),
    ];
    let Loaded { settings, unknown } = load(Some(&path), &environment(&pairs)).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:1");
    assert_eq!((settings.limits.connections_max, settings.limits.messages_per_minute), (8, 3));
    assert_eq!(settings.namespaces.len(), 4);
    assert_eq!(unknown, ["TIDINGS_LIMITS__CONECTIONS_MAX"]);
}

#[test]
fn a_namespace_keeps_what_the_file_does_not_say() {
    let Loaded { settings, .. } = with_file("[namespaces.notifications]\nhistory_entries_max = 5\n").unwrap();
    assert_eq!(settings.namespaces.len(), 3);
    let text = toml::to_string(&settings.namespaces["notifications"]).unwrap();
    assert!(text.contains("history_entries_max = 5") && text.contains("publish = \"host\""), "{text}");
}

fn class(settings: &Settings, namespace: &str) -> String {
    let text = toml::to_string(&settings.namespaces[namespace]).unwrap();
    text.lines().find_map(|line| line.strip_prefix("class = ")).unwrap().trim_matches('"').to_owned()
}

#[test]
fn a_namespace_that_is_added_is_reliable_and_only_what_is_said_is_changed_in_one_that_was_there() {
    let text = "[namespaces.chat]\n[namespaces.messaging.stored]\nentries_max = 5\n[namespaces.realtime]\n";
    let Loaded { mut settings, .. } = with_file(text).unwrap();
    let classes = ["chat", "messaging", "notifications", "realtime"].map(|name| class(&settings, name));
    assert_eq!(classes, ["reliable", "durable", "durable", "ephemeral"]);
    let stored = &settings.namespaces["messaging"].stored;
    assert_eq!((stored.entries_max, stored.age_ms_max), (5, 7 * 86_400_000));
    let pairs = [("TIDINGS_NAMESPACES__ORDERS__STORED__OVERFLOW", "refuse")];
    settings = load(None, &environment(&pairs)).unwrap().settings;
    assert_eq!(class(&settings, "orders"), "reliable");
}

#[test]
fn the_data_directory_has_three_names_and_none_keeps_nothing() {
    let path = |pairs: &[(&str, &str)]| {
        let Loaded { settings, .. } = load(None, &environment(pairs)).unwrap();
        assert_eq!(settings.data().is_some(), settings.engine().store.path.is_some());
        settings.data().map(Path::to_path_buf)
    };
    assert_eq!(path(&[]), Some("./tidings-data".into()));
    assert_eq!(path(&[("TIDINGS_STORE__PATH", "/a")]), Some("/a".into()));
    assert_eq!(path(&[("TIDINGS_STORE__PATH", "/a"), ("TIDINGS_DATA", "/b")]), Some("/b".into()));
    assert_eq!(path(&[("TIDINGS_DATA", "")]), None);
    let Loaded { settings, .. } = with_file("[store]\npath = \"/c\"\n").unwrap();
    assert_eq!(settings.data(), Some(Path::new("/c")));
}

#[test]
fn the_time_to_drain_has_its_old_name_in_the_environment() {
    let drain = |pairs: &[(&str, &str)]| {
        let Loaded { settings, unknown } = load(None, &environment(pairs)).unwrap();
        assert_eq!(unknown, [""; 0]);
        settings.http.drain_timeout_ms
    };
    assert_eq!(drain(&[("TIDINGS_DRAIN_TIMEOUT_MS", "7")]), 7);
    assert_eq!(drain(&[("TIDINGS_HTTP__DRAIN_TIMEOUT_MS", "8")]), 8);
}

#[test]
fn secrets_stay_texts_and_stay_hidden() {
    for secret in ["11111111111111111111111111111111", "0123456789", "true", "1e5", " ", "[a]"] {
        let Loaded { settings, .. } = load(None, &environment(&[("JWT_SECRET", secret)])).unwrap();
        assert_eq!(settings.jwt.secret.as_ref().map(Secret::as_bytes), Some(secret.as_bytes()));
    }
    let secret = "a-secret-of-thirty-two-bytes-yes";
    let Loaded { settings, .. } = with_file(&format!("jwt_secret = \"{secret}\"")).unwrap();
    assert_eq!(settings.jwt.secret.as_ref().map(Secret::as_bytes), Some(secret.as_bytes()));
    assert!(!format!("{settings:?}").contains(secret));
    assert!(!settings.to_toml().unwrap().contains(secret));
}

#[test]
fn what_stands_in_the_section_jwt_has_its_old_names_too() {
    let pairs = [("TIDINGS_JWT_SECRET", "a"), ("TIDINGS_JWT_AUDIENCE", "b"), ("TIDINGS_JWT_ISSUER", "c")];
    let file = "# jwt_secret\njwt_secret = \"a\"\n jwt_audience= \"b\"\njwt_issuer = \"c\"\n[limits]\n";
    for loaded in [load(None, &environment(&pairs)), with_file(file)] {
        let Loaded { settings, unknown } = loaded.unwrap();
        assert_eq!(unknown, [""; 0]);
        assert_eq!(settings.jwt.secret.as_ref().map(Secret::as_bytes), Some(&b"a"[..]));
        assert_eq!((settings.jwt.audience.as_deref(), settings.jwt.issuer.as_deref()), (Some("b"), Some("c")));
    }
    let told = refusal(with_file("jwt_secret = \"a\"\n[jwt]\nleeway_s = 1\n"));
    assert!(told.contains("[jwt]") && told.contains("tidings.toml"), "{told}");
    assert!(refusal(with_file("[limits]\njwt_secret = \"a\"\n")).contains("jwt_secret"));
}

#[test]
fn lists_are_written_in_the_environment_in_json() {
    let keys = |loaded: Loaded| loaded.settings.jwt.keys.0.iter().map(|key| key.algorithm.clone()).collect::<Vec<_>>();
    let text = r#"[{"algorithm": "EdDSA", "public_key_file": "/a.pem"}, {"algorithm": "HS256", "secret": "s"}]"#;
    let loaded = load(None, &environment(&[("TIDINGS_JWT__KEYS", text)])).unwrap();
    assert!(!loaded.settings.to_toml().unwrap().contains("secret = \"s\""));
    assert_eq!(keys(loaded), ["EdDSA", "HS256"]);
    assert_eq!(
        keys(
            with_file(&format!(
                "[jwt]\nkeys = {}",
                text.replace(": ", " = ")
                    .replace("\"algorithm\"", "algorithm")
                    .replace("\"secret\"", "secret")
                    .replace("\"public_key_file\"", "public_key_file")
            ))
            .unwrap()
        ),
        ["EdDSA", "HS256"]
    );
    let told = refusal(load(None, &environment(&[("TIDINGS_JWT__KEYS", "[{\"secret\": \"s3cr3t\"}")])));
    assert!(told.contains("TIDINGS_JWT__KEYS") && !told.contains("s3cr3t"), "{told}");
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("lisen = \"127.0.0.1:1\"", "lisen"),
        ("[limits]\nconections_max = 1", "conections_max"),
        ("[http]\nheader_bytes = 1", "header_bytes"),
        ("[namespaces.chat]\nhistory = 1", "history"),
        ("[namespaces.chat]\nclass = \"eternal\"", "eternal"),
        ("[namespaces.chat.stored]\noverflow = \"explode\"", "explode"),
        ("[store.inbox]\ndevices = 1", "devices"),
        ("drain_timeout_ms = 1", "drain_timeout_ms"),
        ("[limits]\nconnections_max = \"many\"", "line 2"),
        ("\n\n[limits]\nconnections_max = -1", "line 4"),
        ("metrics = \"all\"", "everybody"),
        ("[[jwt.keys]]\nkid = \"a\"", "algorithm"),
        ("[[jwt.keys]]\nalgorithm = \"HS256\"\nsecrt = \"x\"", "secrt"),
        ("[[jwt.issuers]]\nissuer = \"a\"", "jwks_url"),
        ("jwt = { keys = 5 }", "list"),
        ("limits = 5", "line 1"),
        ("listen = ", "line 1"),
        ("listen = \"a\"\nlisten = \"b\"", "line 2"),
    ];
    for (text, named) in cases {
        let told = refusal(with_file(text));
        assert!(told.contains(named) && told.contains("tidings.toml"), "{text:?}: {told}");
    }
    let told = refusal(load(None, &environment(&[("RATE_LIMIT_MESSAGES_PER_MINUTE", "many")])));
    assert!(told.contains("RATE_LIMIT_MESSAGES_PER_MINUTE") && told.contains("many"), "{told}");
    let told = refusal(load(Some(Path::new("/nowhere/tidings.toml")), &Environment::default()));
    assert!(told.contains("/nowhere/tidings.toml"), "{told}");
}
