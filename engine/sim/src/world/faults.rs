//! What goes wrong.

use super::{Event, World};
use crate::disk::DiskFaults;
use crate::server::Server;
use crate::trace::About;

/// The server does not start for this long after it has died.
const DOWN_MS: (u64, u64) = (10, 3_000);

impl World {
    pub(super) fn plan_fault(&mut self) {
        let interval = self.plan.faults.interval;
        let after_ms = self.random.between(1, interval * 2);
        self.agenda.add(self.now_ms() + after_ms, Event::Fault);
    }

    pub(super) fn fault(&mut self) {
        if self.is_calm() {
            return;
        }
        self.plan_fault();
        let faults = &self.plan.faults;
        let (cut, kill, power, clock) = (faults.cut, faults.kill, faults.power, faults.clock);
        match self.random.below(1_000) {
            at if at < cut => self.cut(),
            at if at < cut + kill => self.die(false),
            at if at < cut + kill + power => self.die(true),
            at if at < cut + kill + power + clock => self.step_clock(),
            _ => {}
        }
    }

    /// Cuts a connection. One side may not learn of it for long.
    fn cut(&mut self) {
        let conns: Vec<_> = self.net.wires.iter().filter(|(_, wire)| !wire.cut).map(|(conn, _)| *conn).collect();
        if conns.is_empty() {
            return;
        }
        let conn = conns[self.random.index(conns.len())];
        let Some(wire) = self.net.wires.get_mut(&conn) else { return };
        wire.cut = true;
        let client = wire.client;
        let is_half_open = self.random.chance(300);
        self.oracle.tally.cuts += 1;
        self.oracle.tally.half_open += u64::from(is_half_open);
        self.oracle.trace.note(|| About::client(client), || format!("({conn}) is cut, half open {is_half_open}"));
        let server_ms = if is_half_open { self.random.between(2_000, 60_000) } else { self.random.below(300) };
        let client_ms =
            if self.random.chance(300) { self.random.between(2_000, 60_000) } else { self.random.below(300) };
        self.agenda.add(self.now_ms() + server_ms, Event::Up(conn, None));
        self.agenda.add(self.now_ms() + client_ms, Event::Down(conn, None));
    }

    /// The server dies, now or in the middle of its next commit.
    fn die(&mut self, power: bool) {
        if self.random.chance(500) {
            self.doomed = Some(power);
        } else {
            self.crash(power);
        }
    }

    pub(super) fn meet_doom(&mut self) {
        if let Some(power) = self.doomed
            && self.server.as_ref().is_some_and(Server::is_committing)
        {
            self.crash(power);
        }
    }

    /// The process dies, and perhaps the power with it.
    pub(super) fn crash(&mut self, power: bool) {
        if self.is_calm() || self.server.take().is_none() {
            return;
        }
        self.doomed = None;
        self.oracle.trace.note(About::default, || format!("the server dies, power cut {power}"));
        if power {
            self.disk.cut_power();
            self.oracle.tally.power_cuts += 1;
        } else {
            self.disk.kill();
            self.oracle.tally.kills += 1;
        }
        self.oracle.crashed();
        for conn in self.net.wires.keys().copied().collect::<Vec<_>>() {
            if let Some(wire) = self.net.wires.get_mut(&conn) {
                wire.cut = true;
            }
            let after_ms = self.random.below(200);
            self.agenda.add(self.now_ms() + after_ms, Event::Down(conn, None));
        }
        let down_ms = self.random.between(DOWN_MS.0, DOWN_MS.1);
        self.agenda.add(self.now_ms() + down_ms, Event::Start);
        if !power && self.random.chance(300) {
            // What the next process has found may not be safe yet.
            let after_ms = down_ms + self.random.between(100, 1_500);
            self.agenda.add(self.now_ms() + after_ms, Event::Power);
        }
    }

    pub(super) fn start(&mut self) {
        if self.server.is_some() {
            return;
        }
        let random = self.random.fork();
        match Server::start(&self.plan, &self.disk, random, self.now) {
            Ok(server) => {
                self.oracle.trace.note(About::default, || "the server starts".into());
                self.server = Some(server);
            }
            Err(error) => {
                self.oracle.trace.note(About::default, || format!("the server cannot start: {error}"));
                // The next try is a process of its own.
                self.disk.kill();
                self.agenda.add(self.now_ms() + 300, Event::Start);
            }
        }
    }

    fn step_clock(&mut self) {
        // Forward less than keys are remembered beyond the last try.
        let step_ms = if self.random.chance(500) {
            self.random.below(20_000).cast_signed()
        } else {
            -self.random.below(120_000).cast_signed()
        };
        self.stepped_ms = (self.stepped_ms + step_ms).clamp(-500_000, 40_000);
        self.oracle.tally.clock_steps += 1;
        self.oracle.trace.note(About::default, || format!("the wall clock is stepped by {step_ms} ms"));
    }

    /// Nothing goes wrong any more.
    pub(super) fn calm(&mut self) {
        self.oracle.trace.note(About::default, || "nothing goes wrong from now on".into());
        self.quiet.calm_since = Some(self.now_ms());
        self.end_presence();
        for index in 0..self.clients.len() {
            self.take_doings(index);
        }
        self.doomed = None;
        self.disk.set_faults(DiskFaults::default());
        for conn in self.net.wires.keys().copied().collect::<Vec<_>>() {
            self.drain_later(conn, 1);
        }
        self.agenda.add(self.now_ms() + 3_000, Event::Look);
    }
}
