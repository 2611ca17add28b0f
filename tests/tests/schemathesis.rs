//! The HTTP API under schemathesis, a fuzzer that takes the document at its word: what the document allows must be accepted,
//! what it does not must be refused, and every answer must be one that it describes.

use anyhow::ensure;
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use tidings_e2e::{daemon::Daemon, environment};

const KEY: &str = "a-key-of-the-api-for-tests-with-foreign-clients";

/// What is a call in a path of the document.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Time for all of it, in seconds.
const SECONDS: &str = "50";

/// Of all that it chooses, so that one run is as the other.
const SEED: &str = "1";

fn daemon() -> anyhow::Result<Daemon> {
    Daemon::with(&[("TIDINGS_API_KEY", KEY), ("TIDINGS_NAMESPACES__MESSAGING__CLASS", "durable")])
}

/// What the fuzzer says of the API that this document describes, and whether it has nothing to say.
fn fuzz(daemon: &Daemon, document: &str, more: &[&str]) -> anyhow::Result<(bool, String)> {
    let folder = TempDir::new()?;
    let config = environment::clients().join("schemathesis.toml");
    let mut command = Command::new(environment::python()?);
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(config).args(["run", document]);
    command.args(["--url", &format!("http://{}/api/v1", daemon.address())]);
    command.args(["--header", &format!("Authorization: Bearer {KEY}")]);
    command.args(["--checks", "all", "--continue-on-failure", "--warnings", "off", "--no-color"]);
    // It leaves folders behind where it runs.
    let output = command.args(more).current_dir(folder.path()).output()?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ok((output.status.success(), text))
}

fn document(daemon: &Daemon) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect(daemon.address())?;
    write!(stream, "GET /api/v1/openapi.json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Ok(serde_json::from_str(body)?)
}

/// How many calls a document describes.
fn calls(document: &Value) -> usize {
    let paths = document["paths"].as_object().into_iter().flat_map(serde_json::Map::values);
    paths
        .filter_map(Value::as_object)
        .flat_map(serde_json::Map::keys)
        .filter(|key| METHODS.contains(&key.as_str()))
        .count()
}

/// What the fuzzer says when the document says something else than the server does.
fn fuzz_a_lie(daemon: &Daemon, operation: &str, lie: impl FnOnce(&mut Value)) -> anyhow::Result<(bool, String)> {
    let mut document = document(daemon)?;
    lie(&mut document);
    let folder = TempDir::new()?;
    let path = folder.path().join("openapi.json");
    fs::write(&path, document.to_string())?;
    let path: &Path = &path;
    fuzz(
        daemon,
        &path.to_string_lossy(),
        &["--include-path", operation, "--max-examples", "5", "--phases", "coverage,fuzzing"],
    )
}

#[test]
fn it_finds_no_unexpected_answer() -> anyhow::Result<()> {
    let daemon = daemon()?;
    let served = format!("http://{}/api/v1/openapi.json", daemon.address());
    let (good, text) = fuzz(&daemon, &served, &["--max-time", SECONDS, "--max-examples", "30", "--seed", SEED])?;
    println!("{text}");
    ensure!(good, "it found something; what it sent stands above");
    let calls = calls(&document(&daemon)?);
    ensure!(text.contains(&format!("Tested: {calls}")), "every one of {calls} calls was tested");
    Ok(())
}

#[test]
fn it_finds_what_the_document_says_wrongly() -> anyhow::Result<()> {
    let daemon = daemon()?;
    let (good, text) = fuzz_a_lie(&daemon, "/stats", |document| {
        document["components"]["schemas"]["Statistics"]["required"] = serde_json::json!(["engine", "missing"]);
    })?;
    ensure!(!good && text.contains("missing"), "a field that is not there: {text}");
    let (good, text) = fuzz_a_lie(&daemon, "/publish", |document| {
        document["components"]["schemas"]["Publication"]["properties"]["event"] = serde_json::json!({"type": "string"});
    })?;
    ensure!(!good, "an event without a form is refused: {text}");
    let (good, text) = fuzz_a_lie(&daemon, "/channels/{channel}", |document| {
        let responses = document["paths"]["/channels/{channel}"]["get"]["responses"].as_object_mut();
        responses.into_iter().for_each(|responses| drop(responses.remove("404")));
    })?;
    ensure!(!good && text.contains("404"), "an answer that is not described: {text}");
    Ok(())
}
