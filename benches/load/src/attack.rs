//! Attackers beside a load: a few threads of their own, each with one bad habit.
//!
//! What each does in a second is fixed, so that the same attack hits a fast server and a slow one. They run at the lowest
//! priority: the clients that are measured share their core.

use crate::target::Target;
use anyhow::{Context as _, Result};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// How long an attacker waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often an attacker does something.
const STEP: Duration = Duration::from_millis(100);
/// Frames of a flood at a time: 1,000 a second, ten times what a session may send for long.
const FLOOD_FRAMES: usize = 100;
/// Connections of a storm at a time.
const STORM_CONNECTS: usize = 5;
/// What a slow handshake sends at a time, and how long it tries.
const TRICKLE_BYTES: usize = 1;
const TRICKLE_FOR: Duration = Duration::from_secs(15);

/// What attackers do, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Sends its request byte by byte.
    SlowHandshake,
    /// Connects as a user and sends pings, again when it is closed.
    PingFlood,
    /// The same with commands that fail.
    CommandFlood,
    /// Connects as a user, announces a message and sends half of it.
    HalfFrame,
    /// Upgrades and goes, again and again.
    Storm,
}

const HABITS: [Habit; 10] = [
    Habit::SlowHandshake,
    Habit::PingFlood,
    Habit::SlowHandshake,
    Habit::CommandFlood,
    Habit::SlowHandshake,
    Habit::HalfFrame,
    Habit::SlowHandshake,
    Habit::PingFlood,
    Habit::HalfFrame,
    Habit::Storm,
];

/// What attackers did.
#[derive(Debug, Default)]
struct Deeds {
    connections: AtomicU64,
    frames: AtomicU64,
    /// Connections that the server ended.
    ended: AtomicU64,
}

/// A running attack; it ends when this is dropped or [`Attack::end`] is called.
#[derive(Debug)]
pub struct Attack {
    stop: Arc<AtomicBool>,
    deeds: Arc<Deeds>,
    threads: Vec<JoinHandle<()>>,
}

impl Attack {
    /// Starts so many attackers.
    ///
    /// # Errors
    /// When a token or a thread cannot be made.
    pub fn start(target: &Target, attackers: usize) -> Result<Self> {
        let mut attack = Self { stop: Arc::default(), deeds: Arc::default(), threads: Vec::new() };
        for number in 0..attackers {
            let attacker = Attacker {
                target: target.clone(),
                token: target.tokens.token(&format!("attacker-{number}"))?,
                stop: Arc::clone(&attack.stop),
                deeds: Arc::clone(&attack.deeds),
            };
            let habit = HABITS[number % HABITS.len()];
            let run = move || {
                // Without it the attack is only harder on those who are measured.
                let _ = rustix::process::nice(19);
                attacker.run(habit);
            };
            let thread = thread::Builder::new().stack_size(256 * 1024).spawn(run);
            attack.threads.push(thread.context("cannot start an attacker")?);
        }
        Ok(attack)
    }

    /// Ends it, and says what it did.
    #[must_use]
    pub fn end(mut self) -> String {
        self.halt();
        let told = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Deeds { connections, frames, ended } = &*self.deeds;
        format!("{} connections, {} frames; the server ended {}", told(connections), told(frames), told(ended))
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has nothing to say.
            let _ = thread.join();
        }
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.halt();
    }
}

struct Attacker {
    target: Target,
    token: String,
    stop: Arc<AtomicBool>,
    deeds: Arc<Deeds>,
}

impl Attacker {
    fn run(&self, habit: Habit) {
        while self.goes_on() {
            // What fails is tried again: a server that refuses is a part of the attack.
            let _ = match habit {
                Habit::SlowHandshake => self.trickle(),
                Habit::PingFlood => self.flood(&frame(0x89, b"")),
                Habit::CommandFlood => {
                    self.flood(&frame(0x81, br#"{"id":1,"unsubscribe":{"channel":"messaging:none"}}"#))
                }
                Habit::HalfFrame => self.half_a_frame(),
                Habit::Storm => self.storm(),
            };
            self.rest();
        }
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn rest(&self) {
        sleep(STEP);
    }

    fn open(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.target.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        self.deeds.connections.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    fn upgrade(&self) -> std::io::Result<TcpStream> {
        let mut stream = self.open()?;
        stream.write_all(&self.target.upgrade_request())?;
        let mut answer = [0; 512];
        if stream.read(&mut answer)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(stream)
    }

    fn session(&self) -> std::io::Result<TcpStream> {
        let mut stream = self.upgrade()?;
        let connect = format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, self.token);
        stream.write_all(&frame(0x81, connect.as_bytes()))?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    fn trickle(&self) -> std::io::Result<()> {
        let mut stream = self.open()?;
        let request = self.target.upgrade_request();
        let begun = Instant::now();
        for part in request.chunks(TRICKLE_BYTES).cycle() {
            if !self.goes_on() || begun.elapsed() > TRICKLE_FOR {
                return Ok(());
            }
            if stream.write_all(part).is_err() {
                self.deeds.ended.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            self.rest();
        }
        Ok(())
    }

    fn flood(&self, frame: &[u8]) -> std::io::Result<()> {
        let mut stream = self.session()?;
        let frames = frame.repeat(FLOOD_FRAMES);
        while self.goes_on() {
            match stream.write(&frames) {
                Ok(bytes) => {
                    self.deeds.frames.fetch_add((bytes / frame.len()) as u64, Ordering::Relaxed);
                    // Cut in the middle, the rest of a frame would be something else.
                    let rest = bytes % frame.len();
                    if rest > 0 && stream.write_all(&frame[rest..]).is_err() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    self.deeds.ended.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
            }
            self.rest();
            if self.is_over(&mut stream) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn half_a_frame(&self) -> std::io::Result<()> {
        let mut stream = self.session()?;
        let mut half = vec![0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0];
        half.resize(half.len() + 30_000, b' ');
        stream.write_all(&half)?;
        self.deeds.frames.fetch_add(1, Ordering::Relaxed);
        while self.goes_on() && !self.is_over(&mut stream) {
            self.rest();
        }
        Ok(())
    }

    fn storm(&self) -> std::io::Result<()> {
        for _ in 0..STORM_CONNECTS {
            drop(self.upgrade()?);
        }
        Ok(())
    }

    /// Reads what is there, and whether the server has ended it.
    fn is_over(&self, stream: &mut TcpStream) -> bool {
        let mut read = [0; 16 * 1024];
        loop {
            match stream.read(&mut read) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(_) => break,
            }
        }
        self.deeds.ended.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// A frame under a mask of zeros, of less than 64 KiB.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    if length < 126 {
        frame.push(0x80 | length.to_be_bytes()[1]);
    } else {
        frame.push(0xfe);
        frame.extend(length.to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::{HABITS, Habit, frame};

    #[test]
    fn every_habit_is_among_fifty_attackers() {
        for habit in [Habit::SlowHandshake, Habit::PingFlood, Habit::CommandFlood, Habit::HalfFrame, Habit::Storm] {
            assert!(HABITS.contains(&habit));
        }
    }

    #[test]
    fn frames_are_masked_by_zeros() {
        assert_eq!(frame(0x89, b""), [0x89, 0x80, 0, 0, 0, 0]);
        assert_eq!(frame(0x81, &[7; 300])[..8], [0x81, 0xfe, 1, 44, 0, 0, 0, 0]);
    }
}
