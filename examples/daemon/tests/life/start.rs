//! Starting: what is refused, and what is printed.

use crate::support::SECRET;
use crate::support::daemon::Daemon;
use crate::support::tool::{call, refusal};
use std::io::Write as _;
use std::net::TcpListener;
use tempfile::NamedTempFile;

#[test]
fn without_a_secret_it_stays_on_loopback() {
    for listen in ["0.0.0.0:0", "[::]:0", "[::ffff:10.0.0.1]:0"] {
        let line = refusal(&["--listen", listen], &[]);
        assert!(line.contains("set JWT_SECRET") && line.contains("127.0.0.1"), "{line}");
    }
    let daemon = Daemon::start_with(&["serve", "--listen", "localhost:0"], &[], "");
    assert!(daemon.address.ip().is_loopback());
}

#[test]
fn with_a_secret_it_listens_where_it_is_told_and_prints_no_token() {
    let mut daemon = Daemon::start_with(&["serve", "--listen", "0.0.0.0:0"], &[("JWT_SECRET", SECRET)], "");
    assert!(daemon.address.ip().is_unspecified());
    daemon.tool.wait_for_line("token --user alice");
    let printed = daemon.tool.printed().join("\n");
    assert!(!printed.contains("eyJ"), "{printed}");
    assert!(printed.contains(&format!("ws://127.0.0.1:{}/ws", daemon.address.port())), "{printed}");
    assert!(daemon.stop().success());
}

#[test]
fn short_secrets_are_refused() {
    for secret in ["", "short", &SECRET[..31]] {
        let line = refusal(&["--listen", "127.0.0.1:0"], &[("JWT_SECRET", secret)]);
        assert!(line.contains("fewer than 32 bytes") && line.contains("openssl rand -hex 32"), "{line}");
    }
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refusal(&["--listen", &address], &[]);
    assert!(line.contains(&address) && line.contains("another process listens there"), "{line}");
    let line = refusal(&["--listen", "192.0.2.1:0"], &[("JWT_SECRET", SECRET)]);
    assert!(line.contains("no such address"), "{line}");
    let line = refusal(&["--listen", "8080"], &[]);
    assert!(line.contains("give a host and a port"), "{line}");
}

#[test]
fn settings_that_can_not_be_are_named() {
    let refused = |settings: &str, parts: &[&str]| {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(settings.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        let line = refusal(&["--listen", "127.0.0.1:0", "--config", path], &[("JWT_SECRET", SECRET)]);
        for part in parts {
            assert!(line.contains(part), "{part}: {line}");
        }
    };
    refused("[limits]\nconections_max = 1", &["line 2", "`conections_max`", "`connections_max`"]);
    refused("listen = ", &["line 1"]);
    refused("[limits]\nconnections_max = 0", &["limits.connections_max must be more than 0"]);
    refused("[namespaces.chat]\ndata_bytes_max = 100000", &["namespaces.chat.data_bytes_max", "message_bytes_max"]);
    refused("[namespaces.\"a:b\"]\n", &["namespaces", "a:b"]);
    refused("[http]\nheader_bytes_max = 10", &["header_bytes_max is 10; it must be at least 1024"]);
    refused("allowed_origin = \"app.example\"", &["ALLOWED_ORIGIN", "app.example"]);
    refused("log = \"=[\"", &["log filter"]);
    let line = refusal(&["--config", "/nowhere/tidings.toml"], &[]);
    assert!(line.contains("/nowhere/tidings.toml"), "{line}");
}

#[test]
fn the_effective_settings_can_be_seen_without_secrets() {
    let environment = [("JWT_SECRET", SECRET), ("RATE_LIMIT_MESSAGES_PER_MINUTE", "7")];
    let shown = call(&["config", "--listen", "127.0.0.1:1"], &environment);
    assert_eq!(shown.code, Some(0), "{}", shown.printed);
    for part in
        ["listen = \"127.0.0.1:1\"", "messages_per_minute = 7", "secret = \"(hidden)\"", "[namespaces.realtime]"]
    {
        assert!(shown.printed.contains(part), "{part}: {}", shown.printed);
    }
}

#[test]
fn too_few_files_and_unknown_variables_are_told() {
    let environment = [("JWT_SECRET", SECRET), ("TIDINGS_LIMIT__CONNECTIONS_MAX", "5")];
    let settings = "[limits]\nconnections_max = 4000000000\n";
    let mut daemon = Daemon::start_with(&["--listen", "127.0.0.1:0"], &environment, settings);
    daemon.tool.wait_for_line("TIDINGS_LIMIT__CONNECTIONS_MAX");
    daemon.tool.wait_for_line("limits.connections_max = 4000000000");
    assert!(daemon.stop().success());
}
