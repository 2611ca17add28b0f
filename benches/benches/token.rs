//! What it costs to check a token, for each algorithm, and to refuse one: whether the answers are worth keeping.
//!
//! `cargo bench -p tidings-bench --bench token`

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::Value;
use std::future::Future as _;
use std::hint::black_box;
use std::time::Duration;
use tidings_auth::{Algorithm, Gate, GateOptions, Key, Verifier};

/// Tokens that another library made, with their keys.
const KNOWN: &str = include_str!("../../engine/auth/tests/known_answers/tokens.json");

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().expect("the known answers have this text")
}

fn verifier(row: &Value) -> Verifier {
    let algorithm = Algorithm::from_name(text(row, "algorithm")).expect("the known answers name algorithms");
    let key = match row.get("secret") {
        Some(_) => Key::secret(algorithm, text(row, "secret").as_bytes()),
        None => Key::public_pem(algorithm, text(row, "pem")),
    };
    let keys = vec![key.expect("the known answers have good keys")];
    Verifier::new(keys).expect("one key is not too many").audience("tidings")
}

fn check(criterion: &mut Criterion) {
    let known: Value = serde_json::from_str(KNOWN).expect("the known answers are JSON");
    let rows = known["tokens"].as_array().expect("the known answers have tokens");
    let mut group = criterion.benchmark_group("token");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for (at, row) in rows.iter().enumerate() {
        let (verifier, token) = (verifier(row), text(row, "token"));
        verifier.verify(token).expect("the known answers are good");
        let bits = match row["jwk"]["kid"].as_str() {
            Some(kid) if kid.starts_with("rsa") => format!(" {kid}"),
            _ => String::new(),
        };
        group.bench_function(format!("{}{bits}", text(row, "algorithm")), |bencher| {
            bencher.iter(|| verifier.verify(black_box(token)));
        });
        if at == 0 {
            let tampered = token.replacen('.', ".e", 1);
            group.bench_function("HS256 refused", |bencher| bencher.iter(|| verifier.verify(black_box(&tampered))));
            // As the daemon has it, with the look at what was revoked.
            let gate = Gate::new(self::verifier(row), &GateOptions::default());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            group.bench_function("HS256 at the gate", |bencher| {
                bencher.iter(|| std::pin::pin!(gate.admit(black_box(token))).poll(&mut context).is_ready());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, check);
criterion_main!(benches);
