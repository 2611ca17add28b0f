//! What each target begins with: the vectors of conformance/, in the form in which the target reads them, and what those
//! do not have.

mod texts;

use crate::tree::Tree;
use anyhow::{Context, bail};
use serde_json::Value;
use std::fs;
use std::path::Path;
use texts::{CALLS, FORWARDED, ORIGINS, REQUESTS, STREAMS, TOKENS};

/// Vectors that are longer teach nothing that shorter ones do not.
const BYTES_MAX: usize = 2_000;

/// Writes a target's seeds to target/fuzz/seeds.
///
/// # Errors
/// When the vectors cannot be read or the seeds not written.
pub(crate) fn write(tree: &Tree, target: &str) -> anyhow::Result<()> {
    let folder = tree.target().join("fuzz/seeds").join(target);
    if folder.is_dir() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let seeds = of(tree, target)?;
    if seeds.is_empty() {
        bail!("the target {target} has nothing to begin with");
    }
    for (at, seed) in seeds.iter().filter(|seed| seed.len() <= BYTES_MAX).enumerate() {
        fs::write(folder.join(at.to_string()), seed)?;
    }
    Ok(())
}

fn of(tree: &Tree, target: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let frames = |field| column(tree, &["client", "server"], field);
    Ok(match target {
        "json" => [frames("json")?, column(tree, &["client"], "json_hex")?].concat(),
        "msgpack" => frames("msgpack")?,
        "data" => {
            let marked = |mark: u8| move |seed: Vec<u8>| [vec![mark], seed].concat();
            let json = column(tree, &["data"], "json")?.into_iter().map(marked(0));
            json.chain(column(tree, &["data"], "msgpack")?.into_iter().map(marked(1))).collect()
        }
        "websocket" => websocket(&frames("json")?),
        "names" => vectors(tree, Path::new("conformance/names.json"))?.iter().map(|one| text(&one["text"])).collect(),
        "pattern" => {
            let pair = |one: &Value| [text(&one["pattern"]), vec![0], text(&one["text"])].concat();
            vectors(tree, Path::new("conformance/patterns.json"))?.iter().map(pair).collect()
        }
        "handshake" => texts(&REQUESTS),
        "origins" => texts(&ORIGINS),
        "sse" => texts(&STREAMS),
        "preface" => prefaces(),
        "forwarded" => texts(&FORWARDED),
        "api" => [texts(&CALLS), published(&column(tree, &["data"], "json")?)].concat(),
        "hook" => hook(&column(tree, &["data"], "json")?),
        "token" => texts(&TOKENS),
        "records" => records(),
        // Their bytes are chance alone; that of the vectors is as good as any, and the same everywhere.
        "session" | "stream" | "durable" | "archive" => frames("msgpack")?,
        "sled" => {
            vec![vec![1, 0, 0, 9, 255], vec![0, 0, 0, 1], vec![1, 40, 9, 0], vec![2, 0, 0, 3, 0], vec![3, 0, 0, 1, 7]]
        }
        other => bail!("nobody said what the target {other} begins with"),
    })
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// One field of all vectors in some folders.
fn column(tree: &Tree, folders: &[&str], field: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for folder in folders {
        for file in tree.files_ending(Path::new("conformance").join(folder), &["json"])? {
            for vector in vectors(tree, &file)? {
                let Some(value) = vector.get(field) else { continue };
                found.push(if field == "json" { text(value) } else { hexadecimal(&text(value))? });
            }
        }
    }
    Ok(found)
}

fn vectors(tree: &Tree, file: &Path) -> anyhow::Result<Vec<Value>> {
    let value: Value = serde_json::from_str(&tree.read(file)?).with_context(|| file.display().to_string())?;
    value["vectors"].as_array().cloned().with_context(|| format!("{} holds no vectors", file.display()))
}

/// A text: a string, a repeated one (here once, seeds are short), or several of them.
fn text(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(parts) => parts.iter().flat_map(text).collect(),
        other => text_of_repeated(other),
    }
}

fn text_of_repeated(value: &Value) -> Vec<u8> {
    let times = value["times"].as_u64().unwrap_or(1).min(20);
    value["repeat"].as_str().unwrap_or_default().repeat(usize::try_from(times).unwrap_or(1)).into_bytes()
}

fn hexadecimal(digits: &[u8]) -> anyhow::Result<Vec<u8>> {
    let text = std::str::from_utf8(digits)?;
    (0..text.len() / 2).map(|at| Ok(u8::from_str_radix(&text[2 * at..2 * at + 2], 16)?)).collect()
}

/// Masked frames of a client with these texts: whole, in two fragments, with a ping between them, and what closes.
fn websocket(texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for text in texts.iter().filter(|text| text.len() > 1 && text.len() <= 600) {
        let (front, back) = text.split_at(text.len() / 2);
        let fragments = [frame(0x01, front), frame(0x89, b"ping"), frame(0x80, back)].concat();
        seeds.push([vec![6, 0], frame(0x81, text)].concat());
        seeds.push([vec![40, 3], fragments].concat());
    }
    let closes: [&[u8]; 5] = [b"", &[3, 232], &[3, 237], &[3], b"\x0f\xa0bye"];
    seeds.extend(closes.iter().map(|payload| [vec![1, 1], frame(0x88, payload)].concat()));
    seeds.push([vec![9, 2], frame(0x8a, b""), frame(0x82, &[0xff; 300])].concat());
    seeds
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length.to_be_bytes()[1]),
        Ok(length) => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0xff);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Headers of both versions, each torn at another place, with the beginning of a request behind them.
fn prefaces() -> Vec<Vec<u8>> {
    let lines = [
        "TCP4 192.0.2.7 198.51.100.1 4711 443",
        "TCP6 2001:db8::9 ::1 4711 443",
        "UNKNOWN",
        "UNKNOWN ffff:f:f 1 2",
        "TCP4 192.0.2.256 198.51.100.1 04711 443",
    ];
    let binary = |command: u8, family: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
        [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[command, family], &length, body].concat()
    };
    let mut headers: Vec<_> = lines.iter().map(|line| format!("PROXY {line}\r\n").into_bytes()).collect();
    headers.push(binary(0x21, 0x11, &[192, 0, 2, 7, 198, 51, 100, 1, 18, 103, 1, 187]));
    headers.push(binary(0x21, 0x11, &[192, 0, 2, 7, 198, 51, 100, 1, 18, 103, 1, 187, 4, 0, 1, 9]));
    headers.push(binary(0x21, 0x21, &[1; 36]));
    headers.push(binary(0x21, 0x31, &[0; 216]));
    headers.push(binary(0x20, 0, &[]));
    let torn = |(at, header): (u8, &Vec<u8>)| [&[7 * at], &header[..], b"GET / HTTP/1.1\r\n"].concat();
    (0..).zip(&headers).map(torn).collect()
}

/// Each of these values as the data of a publication.
fn published(values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let call = b"POST /publish\n{\"channel\":\"messaging:a\",\"event\":\"E\",\"data\":".as_slice();
    values.iter().map(|value| [call, value, b"}"].concat()).collect()
}

/// Answers to each question, and each of these values as the result of a call.
fn hook(values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let answers = [
        (0, r#"{"allow":true}"#),
        (0, r#"{"allow":false,"message":"not today"}"#),
        (1, r#"{"users":["bob","carol"]}"#),
        (1, r#"{"allow":true}"#),
        (
            2,
            r#"{"user":"alice","subscribe":["messaging:*"],"publish":["a:b"],"send":["*"],"watch":[],"expires_at_ms":9}"#,
        ),
        (2, r#"{"allow":false}"#),
        (3, r#"{"error":{"code":2004,"message":"no such method"}}"#),
        (3, r#"{"allow":false,"message":"no"}"#),
    ];
    let answers = answers.iter().map(|(question, text)| [&[*question], text.as_bytes()].concat());
    let results = values.iter().map(|value| [b"\x03{\"result\":".as_slice(), value, b"}"].concat());
    answers.chain(results).collect()
}

/// A head, two entries, a shared payload with its count, and an idempotency key.
fn records() -> Vec<Vec<u8>> {
    let number = |number: u64| number.to_le_bytes().to_vec();
    let numbers = |tag: u8, numbers: &[u64]| {
        let big: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        [vec![tag], big].concat()
    };
    let head = (b"\x10\x00a:b".to_vec(), [vec![1], number(4), number(7), number(1), number(2)].concat());
    let own = [vec![1, 0], number(9), number(100), vec![1, 0], b"E".to_vec(), b"\"x\"".to_vec()].concat();
    let shared = [vec![1, 8], number(9), number(200), vec![1, 0], b"E".to_vec(), number(5), number(3)].concat();
    let key = [vec![1], number(7), vec![0, 3, 0], b"a:b".to_vec(), vec![1, 0], b"k".to_vec()].concat();
    let all = [
        head,
        (numbers(0x20, &[4, 1]), own),
        (numbers(0x20, &[4, 2]), shared),
        (numbers(0x30, &[5]), [vec![1, 0], b"\"y\"".to_vec()].concat()),
        (numbers(0x31, &[5]), [vec![1], number(1)].concat()),
        (numbers(0x40, &[9, 4, 1]), key),
        (vec![2], [vec![1], number(64)].concat()),
    ];
    let part = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap_or(u8::MAX)], bytes].concat();
    let pairs: Vec<Vec<u8>> = all.iter().map(|(key, body)| [part(key), part(body)].concat()).collect();
    let together = pairs.concat();
    [pairs, vec![together]].concat()
}
