//! When messages are sent, and how many: the loop of every measured run.

use crate::driver::{Driver, Receiver};
use crate::latency::Latencies;
use crate::tally::advice;
use anyhow::Result;
use std::time::Duration;

/// How long nothing may arrive, while something is awaited, before a run is given up.
const PATIENCE_NS: u64 = 10_000_000_000;
/// How long one turn waits at most.
const TURN_MAX: Duration = Duration::from_millis(100);
/// How close to a due time the loop stops sleeping and looks again and again, as epoll counts in milliseconds.
const SPIN_NS: u64 = 2_000_000;

/// When messages are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Closed loop: so many are in flight.
    Window(usize),
    /// Open loop: so many each second, each at its fixed time whatever became of those before it.
    Rate(f64),
}

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// After so many messages.
    Messages(u64),
    /// After so many seconds.
    Seconds(f64),
    /// When the load says so.
    Load,
}

/// A pace and a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// When messages are sent.
    pub pace: Pace,
    /// When the run ends.
    pub limit: Limit,
}

/// What a plan sends, and who receives it.
pub trait Load: Receiver {
    /// Puts one message on its way.
    fn send(&mut self, driver: &mut Driver, due_ns: u64);
    /// Messages that have not arrived everywhere.
    fn in_flight(&self) -> usize;
    /// Rises with every arrival.
    fn arrivals(&self) -> u64;
    /// Whether the run needs this connection.
    fn needs(&self, connection: usize) -> bool;
    /// Whether a run of [`Limit::Load`] is over.
    fn is_over(&self) -> bool {
        true
    }
}

/// How a plan was carried out.
#[derive(Debug)]
pub struct Execution {
    /// Messages sent.
    pub sent: u64,
    /// From the first message until the last arrival.
    pub elapsed_ns: u64,
    /// How much later than due the driver itself sent messages of an open loop.
    pub lateness: Latencies,
    /// Why the run was given up, if it was.
    pub failure: Option<String>,
}

impl Plan {
    /// Carries it out.
    ///
    /// # Errors
    /// When the system fails. What the server does wrong stands in the result.
    pub fn execute(&self, driver: &mut Driver, load: &mut impl Load, mut tell: impl FnMut(u64)) -> Result<Execution> {
        let start_ns = driver.now_ns();
        let mut run = Execution { sent: 0, elapsed_ns: 0, lateness: Latencies::default(), failure: None };
        let (mut moved_ns, mut arrivals) = (start_ns, load.arrivals());
        let trouble = Trouble::watch(driver);
        loop {
            let now_ns = driver.now_ns();
            let sent_before = run.sent;
            let more = self.send_due(driver, load, &mut run, start_ns, now_ns);
            if (!more && load.in_flight() == 0) || run.failure.is_some() {
                run.elapsed_ns = driver.now_ns() - start_ns;
                return Ok(run);
            }
            let timeout = match more {
                true => self.sleep(start_ns, run.sent, driver.now_ns()),
                false => TURN_MAX,
            };
            driver.turn(timeout, load)?;
            if load.arrivals() != arrivals || run.sent != sent_before {
                (moved_ns, arrivals) = (now_ns, load.arrivals());
                tell(run.sent);
            } else if load.in_flight() > 0 && driver.now_ns() - moved_ns > PATIENCE_NS {
                let seconds = PATIENCE_NS / 1_000_000_000;
                run.failure = Some(format!("{} messages did not arrive within {seconds} s", load.in_flight()));
            }
            if let Some(text) = trouble.look(driver, |connection| load.needs(connection)) {
                run.failure = Some(text);
            }
        }
    }

    /// Sends what is due, and says whether more will be.
    fn send_due(
        &self,
        driver: &mut Driver,
        load: &mut impl Load,
        run: &mut Execution,
        start_ns: u64,
        now_ns: u64,
    ) -> bool {
        loop {
            let due_ns = match self.pace {
                Pace::Window(_) => now_ns,
                Pace::Rate(rate) => due_ns(start_ns, run.sent, rate),
            };
            let more = match self.limit {
                Limit::Messages(messages) => run.sent < messages,
                Limit::Seconds(seconds) => ((due_ns - start_ns) as f64) < seconds * 1e9,
                Limit::Load => !load.is_over(),
            };
            let now = match self.pace {
                Pace::Window(window) => load.in_flight() < window,
                Pace::Rate(_) => due_ns <= now_ns,
            };
            if !more || !now {
                return more;
            }
            if matches!(self.pace, Pace::Rate(_)) {
                run.lateness.record_ns(now_ns - due_ns);
            }
            load.send(driver, due_ns);
            run.sent += 1;
        }
    }

    fn sleep(&self, start_ns: u64, sent: u64, now_ns: u64) -> Duration {
        let Pace::Rate(rate) = self.pace else { return TURN_MAX };
        let left_ns = due_ns(start_ns, sent, rate).saturating_sub(now_ns);
        if left_ns <= SPIN_NS {
            return Duration::ZERO;
        }
        Duration::from_millis((left_ns - SPIN_NS / 2) / 1_000_000).min(TURN_MAX)
    }
}

fn due_ns(start_ns: u64, message: u64, rate: f64) -> u64 {
    start_ns + (message as f64 * 1e9 / rate) as u64
}

/// Notices errors and closes that came after it began to watch.
#[derive(Debug)]
pub(crate) struct Trouble {
    closed: usize,
    errors: usize,
}

impl Trouble {
    pub(crate) fn watch(driver: &Driver) -> Self {
        Self { closed: driver.tally.closed.len(), errors: driver.tally.errors.len() }
    }

    /// The most frequent error, or the end of a connection for which `needs` says yes.
    pub(crate) fn look(&self, driver: &Driver, needs: impl Fn(usize) -> bool) -> Option<String> {
        let tally = &driver.tally;
        let text = if tally.errors.len() > self.errors {
            let (text, count) = tally.errors.iter().max_by_key(|(_, count)| **count)?;
            format!("the server answered {count} times: {text}")
        } else {
            let closed = tally.closed[self.closed..].iter().find(|closed| needs(closed.connection))?;
            format!("the server ended connection {}: {} {}", closed.connection, closed.code, closed.reason)
        };
        Some(format!("{text}\n{}", advice(&text)).trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Pace, Plan, due_ns};
    use std::time::Duration;

    #[test]
    fn due_times_do_not_drift() {
        assert_eq!(due_ns(5, 0, 8.0), 5);
        assert_eq!(due_ns(0, 8_000_000, 8.0), 1_000_000 * 1_000_000_000);
    }

    #[test]
    fn sleep_ends_before_a_message_is_due() {
        let plan = Plan { pace: Pace::Rate(100.0), limit: Limit::Messages(10) };
        assert_eq!(plan.sleep(0, 1, 0), Duration::from_millis(9));
        assert_eq!(plan.sleep(0, 1, 8_500_000), Duration::ZERO);
        assert_eq!(plan.sleep(0, 1, 80_000_000), Duration::ZERO);
    }
}
