//! What the C library adds: publications through it against the same from Rust, in turn, and events out of it.
//!
//! ```text
//! cargo xtask c-install --prefix /tmp/tidings
//! cargo run --release -p tidings-bench --bin capi -- /tmp/tidings
//! ```
//!
//! `benches/c/capi.c` is compiled against what is installed there. Each round runs it and the same loop in Rust, each in a
//! process of its own; what is told is processor time of all threads, the middle of the rounds.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::Command;
use tidings::config::Config;
use tidings::host::{Admission, ConnectAsk, Denial, Host};
use tidings::{Codec, Data, Engine};

const ROUNDS: usize = 9;
const PUBLICATIONS: u64 = 400_000;
const EVENTS: u64 = 4_000_000;
/// What a publication through C may cost, against one from Rust.
const RATIO_MAX: f64 = 1.05;
/// What one core must hand out in a second.
const EVENTS_PER_SECOND_MIN: f64 = 2e6;

struct Nobody;

impl Host for Nobody {
    async fn connect(&self, _: ConnectAsk) -> Result<Admission, Denial> {
        Err(Denial::unauthorized())
    }
}

/// The same loop as in C: data are checked and copied for each, as they would be that come from somewhere.
fn publish_from_rust() -> Result<f64, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _inside = runtime.enter();
    let engine = Engine::start(Config::default(), Nobody)?;
    let text = format!("\"{}\"", "x".repeat(128));
    let publish = || -> Result<(), Box<dyn Error>> {
        let data = Data::parse(Codec::Json, text.clone().into())?;
        engine.publish("realtime:a", "E", &data)?;
        Ok(())
    };
    for _ in 0..PUBLICATIONS / 10 {
        publish()?;
    }
    let began = processor_ns();
    for _ in 0..PUBLICATIONS {
        publish()?;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 nanoseconds")]
    Ok((processor_ns() - began) as f64 / PUBLICATIONS as f64)
}

/// Processor time of all threads of this process.
fn processor_ns() -> i128 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

fn compile(prefix: &Path) -> Result<std::path::PathBuf, Box<dyn Error>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/capi.c");
    let program = prefix.join("capi");
    let library = prefix.join("lib");
    let mut command = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    command.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]).arg(source).arg("-o").arg(&program);
    command.arg("-I").arg(prefix.join("include")).arg("-L").arg(&library).arg("-ltidings");
    command.arg(format!("-Wl,-rpath,{}", library.display()));
    if command.status()?.success() { Ok(program) } else { Err("the compiler fails".into()) }
}

fn told(command: &mut Command) -> Result<Vec<f64>, Box<dyn Error>> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn main() -> Result<(), Box<dyn Error>> {
    let argument = env::args().nth(1).ok_or("say where the library is installed: see the top of this file")?;
    if argument == "rust" {
        println!("{:.1}", publish_from_rust()?);
        return Ok(());
    }
    let program = compile(Path::new(&argument))?;
    let (mut through_c, mut from_rust, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let c = told(Command::new(&program).args(["publish", &PUBLICATIONS.to_string()]))?[0];
        let rust = told(Command::new(env::current_exe()?).arg("rust"))?[0];
        through_c.push(c);
        from_rust.push(rust);
        ratios.push(c / rust);
    }
    let ratio = middle(ratios.clone());
    println!("a publication: {:.0} ns through C, {:.0} ns from Rust", middle(through_c), middle(from_rust));
    println!("    ratio {ratio:.3} (bar {RATIO_MAX}), of the rounds {ratios:.3?}");
    let (mut whole, mut host) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let figures = told(Command::new(&program).args(["events", &EVENTS.to_string()]))?;
        whole.push(figures[0]);
        host.push(figures[1]);
    }
    let (whole, host) = (middle(whole), middle(host));
    println!("an event: {whole:.0} ns from the publication to the host, {host:.0} ns of it in the host's own thread");
    println!("    {:.2} million a second on one core (bar {:.0})", 1e3 / whole, EVENTS_PER_SECOND_MIN / 1e6);
    if ratio > RATIO_MAX || 1e9 / whole < EVENTS_PER_SECOND_MIN {
        return Err("a bar is missed".into());
    }
    Ok(())
}
