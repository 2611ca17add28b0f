//! The world: virtual time, and everybody in it.

mod ending;
mod faults;
mod present;

use crate::agenda::Agenda;
use crate::bug::Bug;
use crate::client::{Client, Do, Who};
use crate::disk::Disk;
use crate::fact::Fact;
use crate::name::ConnId;
use crate::net::{Net, Towards};
use crate::oracle::Oracle;
use crate::plan::Plan;
use crate::random::Random;
use crate::server::Server;
use crate::server::inner::Inner;
use crate::tally::Tally;
use crate::trace::{About, Trace, Violation};
use std::rc::Rc;
use tidings_core::time::{Instant, Now};
use tidings_proto::wire::WireForm;

/// Milliseconds since 1970 when the world begins.
const WALL_MS: u64 = 1_790_000_000_000;

/// What happens.
#[derive(Debug)]
enum Event {
    /// Bytes reach the server, or the end of the connection does.
    Up(ConnId, Option<Vec<u8>>),
    /// The same of the client.
    Down(ConnId, Option<Vec<u8>>),
    /// A socket takes something.
    Drain(ConnId),
    /// A client does something.
    Act(usize),
    /// A wish of the server, of this life of it.
    Inner(u64, Inner),
    /// Something goes wrong.
    Fault,
    /// The power is cut.
    Power,
    /// The server starts.
    Start,
    /// The chaos is over.
    Calm,
    /// A look whether everything is quiet.
    Look,
}

/// How far the world has come to rest.
#[derive(Debug, Default)]
struct Quiet {
    calm_since: Option<u64>,
    /// Since when everybody is there and has said what it wants to be.
    settled_ms: Option<u64>,
}

/// Everything.
pub(crate) struct World {
    plan: Rc<Plan>,
    agenda: Agenda<Event>,
    now: Now,
    /// How far the wall clock was stepped.
    stepped_ms: i64,
    random: Random,
    server: Option<Server>,
    disk: Disk,
    net: Net,
    clients: Vec<Client>,
    oracle: Oracle,
    quiet: Quiet,
    /// The server dies as soon as something is written and not safe yet; whether the power is cut with it.
    doomed: Option<bool>,
}

/// How one life of the world ended.
#[derive(Debug)]
pub struct Ending {
    /// What was exercised.
    pub tally: Tally,
    /// The first promise that was broken.
    pub violation: Option<Violation>,
    /// What led to it, if a trace was wanted.
    pub trace: Vec<String>,
}

/// Runs one seed. A trace costs time.
#[must_use]
pub fn run(seed: u64, bug: Option<Bug>, traced: bool) -> Ending {
    let mut world = World::new(seed, bug, traced);
    let violation = world.live().err();
    let trace = violation.as_ref().map(|violation| world.oracle.trace.told(&violation.about)).unwrap_or_default();
    Ending { tally: world.tally(), violation, trace }
}

impl World {
    fn new(seed: u64, bug: Option<Bug>, traced: bool) -> Self {
        let mut random = Random::new(seed);
        let plan = Rc::new(Plan::new(&mut random, bug));
        let mut world = Self {
            agenda: Agenda::new(),
            now: Now { instant: Instant(0), wall_ms: WALL_MS },
            stepped_ms: 0,
            server: None,
            disk: Disk::new(random.fork()),
            net: Net::new(random.fork(), plan.faults.delay),
            clients: Vec::new(),
            oracle: Oracle::new(&plan, Trace::new(traced)),
            quiet: Quiet::default(),
            doomed: None,
            random,
            plan,
        };
        world.people();
        world.agenda.add(0, Event::Start);
        world.agenda.add(world.plan.chaos_ms, Event::Calm);
        world.plan_fault();
        world
    }

    fn people(&mut self) {
        let plan = Rc::clone(&self.plan);
        for (user, devices) in plan.users.iter().zip(&plan.devices) {
            for device in 0..*devices {
                let index = self.clients.len();
                let form = WireForm::ALL[self.random.index(2) + 1];
                let is_nameless = self.random.chance(150);
                let device = if is_nameless { "".into() } else { format!("device-{device}").into() };
                let is_terse = self.random.chance(300);
                let who = Who { index, user: user.clone(), device, form, is_terse };
                let random = self.random.fork();
                self.clients.push(Client::new(&plan, who, random));
                self.agenda.add(self.random.below(500), Event::Act(index));
            }
        }
        self.disk.set_faults(plan.faults.disk);
    }

    fn tally(&self) -> Tally {
        let disk = self.disk.counts();
        Tally {
            failed_writes: disk.failed_writes,
            failed_syncs: disk.failed_syncs,
            failed_reads: disk.failed_reads,
            lost_writes: disk.lost_writes,
            ..self.oracle.tally
        }
    }

    fn live(&mut self) -> Result<(), Violation> {
        while let Some((at_ms, event)) = self.agenda.next() {
            let wall_ms = (WALL_MS + at_ms).saturating_add_signed(self.stepped_ms);
            self.now = Now { instant: Instant(at_ms), wall_ms };
            self.oracle.trace.now_ms = at_ms;
            self.oracle.see_clock(self.now);
            if self.happen(event)? {
                return Ok(());
            }
            self.take_output()?;
            self.meet_doom();
        }
        Ok(())
    }

    /// True when it is all over.
    fn happen(&mut self, event: Event) -> Result<bool, Violation> {
        match event {
            Event::Up(conn, bytes) => self.up(conn, bytes),
            Event::Down(conn, bytes) => self.down(conn, bytes)?,
            Event::Drain(conn) => self.drain(conn),
            Event::Act(client) => self.act(client),
            Event::Inner(life, inner) => {
                if life == self.oracle.life
                    && let Some(server) = &mut self.server
                {
                    server.happen(inner, self.now);
                }
            }
            Event::Fault => self.fault(),
            Event::Power => self.crash(true),
            Event::Start => self.start(),
            Event::Calm => self.calm(),
            Event::Look => return self.look(),
        }
        Ok(false)
    }

    fn is_calm(&self) -> bool {
        self.quiet.calm_since.is_some()
    }

    fn now_ms(&self) -> u64 {
        self.now.instant.0
    }

    fn up(&mut self, conn: ConnId, bytes: Option<Vec<u8>>) {
        let Some(server) = &mut self.server else { return };
        let Some(bytes) = bytes else {
            if server.holds(conn) {
                self.oracle.trace.note(About::default, || format!("the server learns that connection {conn} is gone"));
                server.gone(conn, self.now);
            }
            return;
        };
        let bytes = self.net.arrives(conn, Towards::Server, bytes);
        if !bytes.is_empty() && server.holds(conn) {
            let client = self.net.wires.get(&conn).map_or(0, |wire| wire.client);
            self.oracle.trace.note(|| About::client(client), || format!("({conn}) > {}", readable(&bytes)));
            server.receive(conn, &bytes, self.now);
        }
    }

    fn down(&mut self, conn: ConnId, bytes: Option<Vec<u8>>) -> Result<(), Violation> {
        let calm = self.is_calm();
        let Some(wire) = self.net.wires.get(&conn) else { return Ok(()) };
        let index = wire.client;
        let now_ms = self.now_ms();
        let Some(bytes) = bytes else {
            self.oracle.trace.note(|| About::client(index), || format!("({conn}) the connection is gone"));
            self.clients[index].ended(conn, now_ms, calm);
            self.net.wires.remove(&conn);
            return Ok(());
        };
        let bytes = self.net.arrives(conn, Towards::Client, bytes);
        self.clients[index].hear(conn, &bytes, &mut self.oracle, now_ms, calm)?;
        self.take_doings(index);
        Ok(())
    }

    fn drain(&mut self, conn: ConnId) {
        let calm = self.is_calm();
        let Some(wire) = self.net.wires.get_mut(&conn) else { return };
        wire.draining = false;
        let (bytes_max, pause_ms) = if calm { (100_000, 1) } else { wire.reads };
        let Some(server) = &mut self.server else { return };
        // A kernel that knows nothing of the cut goes on taking bytes, for a while.
        let (bytes, over) = server.drain(conn, bytes_max, self.now);
        let more = server.waiting_bytes(conn) > 0;
        if !bytes.is_empty() {
            let at_ms = self.net.arrival(conn, Towards::Client, self.now_ms());
            self.agenda.add(at_ms, Event::Down(conn, Some(bytes)));
        }
        if over {
            let at_ms = self.net.arrival(conn, Towards::Client, self.now_ms());
            self.agenda.add(at_ms, Event::Down(conn, None));
            self.agenda.add(self.now_ms() + 1, Event::Up(conn, None));
        } else if more {
            let stalls = !calm && self.random.chance(15);
            let pause_ms = if stalls { self.random.between(1_000, 12_000) } else { pause_ms };
            self.drain_later(conn, pause_ms);
        }
    }

    fn drain_later(&mut self, conn: ConnId, after_ms: u64) {
        let at_ms = self.now_ms() + after_ms;
        if let Some(wire) = self.net.wires.get_mut(&conn)
            && !wire.draining
        {
            wire.draining = true;
            self.agenda.add(at_ms, Event::Drain(conn));
        }
    }

    fn act(&mut self, index: usize) {
        let (now_ms, calm) = (self.now_ms(), self.is_calm());
        let again_ms = self.clients[index].act(&mut self.oracle, now_ms, calm);
        self.take_doings(index);
        self.agenda.add(now_ms + again_ms, Event::Act(index));
    }

    fn take_doings(&mut self, index: usize) {
        for one in std::mem::take(&mut self.clients[index].out) {
            let now_ms = self.now_ms();
            match one {
                Do::Open(conn, form) => {
                    let is_slow = !self.is_calm() && self.random.chance(150);
                    let reads =
                        if is_slow { (self.random.index(400) + 50, self.random.between(50, 400)) } else { (4_000, 2) };
                    self.net.open(conn, index, reads);
                    match &mut self.server {
                        Some(server) => server.connected(conn, form, self.now),
                        None => self.agenda.add(now_ms + 5, Event::Down(conn, None)),
                    }
                }
                Do::Send(conn, bytes) => {
                    let at_ms = self.net.arrival(conn, Towards::Server, now_ms);
                    self.agenda.add(at_ms, Event::Up(conn, Some(bytes)));
                }
                Do::Shut(conn) => {
                    let at_ms = self.net.arrival(conn, Towards::Server, now_ms);
                    self.agenda.add(at_ms, Event::Up(conn, None));
                    self.net.wires.remove(&conn);
                }
            }
        }
    }

    /// Takes what the server has said and wished for.
    fn take_output(&mut self) -> Result<(), Violation> {
        let (now_ms, life) = (self.now_ms(), self.oracle.life);
        let Some(server) = &mut self.server else { return Ok(()) };
        let output = std::mem::take(&mut server.output);
        for (after_ms, inner) in output.wishes {
            self.agenda.add(now_ms + after_ms, Event::Inner(life, inner));
        }
        for fact in output.facts {
            match &fact {
                Fact::Note { stream, line } => {
                    let about = || stream.as_ref().map(About::stream).unwrap_or_default();
                    self.oracle.trace.note(about, || line.clone());
                }
                Fact::Placed { stream, entry, .. } => {
                    self.oracle.trace.note(
                        || About::stream(stream),
                        || format!("placed {} at {}", entry.data.to_json(), entry.offset),
                    );
                }
                _ => {}
            }
            self.oracle.fact(fact)?;
        }
        for conn in output.dirty {
            let after_ms = self.random.below(3);
            self.drain_later(conn, after_ms);
        }
        Ok(())
    }
}

/// Bytes as a person can read them, without the padding.
fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("xx", "");
    text.chars().filter(|c| c.is_ascii_graphic()).take(300).collect()
}
