//! What each target begins with: the vectors of conformance/, in the form in which the target reads them, and what those
//! do not have.

use crate::tree::Tree;
use anyhow::{Context, bail};
use serde_json::Value;
use std::fs;
use std::path::Path;

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
        "handshake" => REQUESTS.iter().map(|request| request.as_bytes().to_vec()).collect(),
        "origins" => ORIGINS.iter().map(|list| list.as_bytes().to_vec()).collect(),
        "token" => TOKENS.iter().map(|token| token.as_bytes().to_vec()).collect(),
        "records" => records(),
        // Their bytes are chance alone; that of the vectors is as good as any, and the same everywhere.
        "session" | "stream" | "durable" | "archive" => frames("msgpack")?,
        "sled" => {
            vec![vec![1, 0, 0, 9, 255], vec![0, 0, 0, 1], vec![1, 40, 9, 0], vec![2, 0, 0, 3, 0], vec![3, 0, 0, 1, 7]]
        }
        other => bail!("nobody said what the target {other} begins with"),
    })
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

const REQUESTS: [&str; 6] = [
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: b, a\r\nOrigin: https://app.example\r\n\r\n\u{1}",
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://app.example.evil.example\r\n\r\n",
    "POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

const ORIGINS: [&str; 5] = [
    "https://app.example, http://localhost:3000\0https://app.example",
    "*\0null",
    "https://app.example\0https://app.example.evil.example",
    "http://[::1]:8080,http://a:1\0http://[::1]:8080",
    "https://App.example\0null",
];

const TOKENS: [&str; 4] = [
    "{\"alg\":\"HS256\",\"typ\":\"JWT\"}\0{\"sub\":\"alice\",\"exp\":4000000000,\"subscribe\":[\"*\"],\"publish\":[\"a:b\"]}",
    "{\"alg\":\"none\"}\0{\"sub\":\"alice\",\"exp\":4000000000,\"nbf\":1,\"aud\":[\"a\",\"b\"],\"iss\":\"c\"}",
    "{\"alg\":\"RS256\",\"kid\":\"../a\",\"jku\":\"http://a\",\"crit\":[\"exp\"],\"b64\":false}\0{\"sub\":\"\",\"exp\":-1}",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDAwMDAwMDAwMH0.AAAA",
];

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
