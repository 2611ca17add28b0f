//! From the command line to a result.

use crate::cli::{
    Cli, ComebackArgs, FanoutArgs, FloorArgs, FloorMode, IdleArgs, MessageArgs, Scenario, ServerArgs, UnicastArgs,
};
use crate::codec::Codec;
use crate::comeback::comeback;
use crate::comeback::options::{ComebackOptions, Others};
use crate::command::{Answer, Shape};
use crate::connect::{ConnectOptions, connect};
use crate::fanout::{Fanout, FanoutOptions};
use crate::floor::{Floor, FloorOptions};
use crate::idle::idle;
use crate::machine::{Cores, raise_open_files};
use crate::progress::Progress;
use crate::server::{Program, Server};
use crate::table::Table;
use crate::target::{FLOOR_PATH, Target};
use crate::token::Tokens;
use crate::unicast::{Unicast, UnicastOptions};
use crate::{bench, cli::ConnectArgs};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Length of the frames of a floor server started with `--spawn floor`, in bytes.
const FLOOR_FRAME_BYTES: usize = 220;

/// Carries out a command line; says whether the run passed.
///
/// # Errors
/// When it cannot be carried out; the message says what to do.
pub fn run(cli: &Cli) -> Result<bool> {
    raise_open_files()?;
    match &cli.scenario {
        Scenario::Floor(args) => floor(args).map(|()| true),
        Scenario::Bench(args) => bench::bench(args, &mut Progress::new(cli.server.quiet), cli.server.json),
        scenario => Session::start(&cli.server, matches!(scenario, Scenario::Unicast(_)))?.run(scenario),
    }
}

/// What every scenario needs.
struct Session<'a> {
    args: &'a ServerArgs,
    target: Target,
    pid: Option<u32>,
    progress: Progress,
    // Held so that a server that was started lives as long as the run.
    _server: Option<Server>,
}

/// The result of a scenario, in both forms.
struct Outcome {
    passed: bool,
    table: Table,
    json: Value,
}

impl<'a> Session<'a> {
    fn start(args: &'a ServerArgs, unicast: bool) -> Result<Self> {
        let progress = Progress::new(args.quiet);
        let Some(path) = &args.spawn else {
            let tokens = match (&args.token, &args.secret) {
                (Some(token), _) => Tokens::One(token.clone()),
                (None, Some(secret)) => Tokens::Secret(secret.clone()),
                (None, None) if args.server.ends_with(FLOOR_PATH) => Tokens::One(String::new()),
                (None, None) => bail!(
                    "who connects? Give the server's JWT_SECRET as --secret, or a token as --token \
                     (`tidingsd token --user load`)"
                ),
            };
            let target = Target::new(&args.server, args.codec, tokens)?;
            return Ok(Self { args, target, pid: args.pid, progress, _server: None });
        };
        let program = match path.to_str() {
            Some("floor") => Program::Floor { unicast, frame_bytes: FLOOR_FRAME_BYTES },
            _ => Program::Daemon { path: path.clone(), durable: true },
        };
        let server = Server::start(&program, Cores::choose())?;
        let target = server.target(args.codec)?;
        Ok(Self { args, target, pid: Some(server.pid()), progress, _server: Some(server) })
    }

    fn run(mut self, scenario: &Scenario) -> Result<bool> {
        let outcome = match scenario {
            Scenario::Fanout(args) => self.fanout(args),
            Scenario::Unicast(args) => self.unicast(args),
            Scenario::Idle(args) => self.idle(args),
            Scenario::Connect(args) => self.connect(args),
            Scenario::Comeback(args) => self.comeback(args),
            Scenario::Floor(_) | Scenario::Bench(_) => bail!("this has no server of its own choice"),
        };
        self.progress.clear();
        let outcome = outcome?;
        if self.args.json {
            println!("{:#}", outcome.json);
        } else {
            print!("{}", outcome.table);
        }
        Ok(outcome.passed)
    }

    fn fanout(&mut self, args: &FanoutArgs) -> Result<Outcome> {
        let options = FanoutOptions {
            subscribers: args.subscribers,
            channels: 1,
            slow: args.slow,
            shape: shape(self.args.codec, &args.namespace, &args.messages, false),
            parallel: args.parallel,
        };
        self.progress.stage(format!("fanout, {} subscribers", args.subscribers));
        let mut fanout = Fanout::open(&self.target, &options, &mut self.progress)?;
        let report = fanout.run(&args.messages.plan(1), args.messages.warmup, self.pid, &mut self.progress)?;
        let fate = fanout.slow_fate()?;
        let mut table = Table::default();
        report.rows(&mut table);
        fate.rows(&mut table);
        let mut json = report.to_json();
        json["slow"] = fate.to_json();
        Ok(Outcome { passed: report.passed(), table, json })
    }

    fn unicast(&mut self, args: &UnicastArgs) -> Result<Outcome> {
        let options = UnicastOptions {
            users: args.users,
            seed: args.seed,
            shape: shape(self.args.codec, &args.namespace, &args.messages, true),
            parallel: args.parallel,
        };
        self.progress.stage(format!("unicast, {} users", args.users));
        let mut unicast = Unicast::open(&self.target, &options, &mut self.progress)?;
        let report = unicast.run(&args.messages.plan(64), args.messages.warmup, self.pid, &mut self.progress)?;
        let mut table = Table::default();
        report.rows(&mut table);
        Ok(Outcome { passed: report.passed(), table, json: report.to_json() })
    }

    fn idle(&mut self, args: &IdleArgs) -> Result<Outcome> {
        let pid = self.pid.context("the memory of which process? Give --pid or --spawn")?;
        let options = FanoutOptions {
            subscribers: args.connections,
            channels: args.channels,
            slow: 0,
            shape: Shape {
                codec: self.args.codec,
                namespace: args.namespace.clone(),
                payload_bytes: args.payload,
                answer: Answer::Nothing,
                unicast: false,
            },
            parallel: args.parallel,
        };
        self.progress.stage(format!("idle, {} connections", args.connections));
        let report = idle(&self.target, &options, args.messages, pid, &mut self.progress)?;
        let mut table = Table::default();
        report.rows(&mut table);
        Ok(Outcome { passed: true, table, json: report.to_json() })
    }

    fn connect(&mut self, args: &ConnectArgs) -> Result<Outcome> {
        let options = ConnectOptions {
            connections: args.connections,
            channels: args.channels,
            namespace: args.namespace.clone(),
            parallel: args.parallel,
            pipelined: args.pipelined,
            close: args.close,
        };
        self.progress.stage(format!("connect, {} connections", args.connections));
        let report = connect(&self.target, &options, self.pid, &mut self.progress)?;
        let mut table = Table::default();
        report.rows(&mut table);
        Ok(Outcome { passed: true, table, json: report.to_json() })
    }

    fn comeback(&mut self, args: &ComebackArgs) -> Result<Outcome> {
        let (users, entries) = args.missed.map_or((args.users, args.entries), |missed| (1, missed));
        let options = ComebackOptions {
            users,
            entries,
            namespace: args.namespace.clone(),
            payload_bytes: args.payload,
            parallel: args.parallel,
            others: Others {
                subscribers: args.others,
                namespace: args.others_namespace.clone(),
                rate: args.others_rate,
                before_seconds: args.before,
            },
        };
        self.progress.stage(format!("comeback, {users} users who missed {entries}"));
        let report = comeback(&self.target, &options, self.pid, &mut self.progress)?;
        let mut table = Table::default();
        report.rows(&mut table);
        Ok(Outcome { passed: report.passed(), table, json: report.to_json() })
    }
}

fn shape(codec: Codec, namespace: &str, messages: &MessageArgs, unicast: bool) -> Shape {
    let answer = if messages.ack { Answer::Accepted } else { Answer::Nothing };
    Shape { codec, namespace: namespace.to_owned(), payload_bytes: messages.payload, answer, unicast }
}

fn floor(args: &FloorArgs) -> Result<()> {
    let options = FloorOptions { unicast: args.mode == FloorMode::Unicast, frame_bytes: args.frame_bytes };
    let floor = Floor::bind(args.listen, options)?;
    println!("floor server listening on ws://{}{FLOOR_PATH}", floor.address()?);
    floor.run()
}
