//! Sends to users who are not there, and waits until all of it is on disk.

use crate::comeback::options::{ComebackOptions, FIRST_USER, OTHERS_MAX};
use crate::command::{Answer, Shape, Template};
use crate::connection::{Join, Seat};
use crate::driver::{Driver, Nobody};
use crate::marker::Mark;
use crate::plan::Trouble;
use crate::progress::Progress;
use crate::target::Target;
use anyhow::{Result, bail, ensure};
use std::time::{Duration, Instant};

/// Most connections that send.
const SENDERS_MAX: u32 = 8;
/// Messages of one connection that are on their way; the last of them asks to be told that it is on disk, and so all
/// before it are.
const BATCH: u64 = 1_000;
/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one turn waits at most.
const TURN_MAX: Duration = Duration::from_millis(100);

/// Sends every user the entries that will wait for it; returns the seconds that it took.
pub(super) fn send_all(target: &Target, options: &ComebackOptions, progress: &mut Progress) -> Result<f64> {
    let senders = options.users.min(SENDERS_MAX);
    let mut driver = Driver::new(target.clone(), options.driver_options())?;
    let seat = |number: usize| Seat { user: OTHERS_MAX + 1 + number as u32, join: Join::Nothing, slow: false };
    driver.open_all(senders as usize, false, seat, |_| {})?;
    let template = |answer| {
        Template::tidings(&Shape {
            codec: target.codec,
            namespace: options.namespace.clone(),
            payload_bytes: options.payload_bytes,
            answer,
            unicast: true,
        })
    };
    let (mut plain, mut stored) = (template(Answer::Nothing)?, template(Answer::Stored)?);
    let shares: Vec<Share> = (0..senders).map(|first| Share::new(first, senders, options)).collect();
    let begun = Instant::now();
    let trouble = Trouble::watch(&driver);
    let rounds = shares.iter().map(|share| share.messages.div_ceil(BATCH)).max().unwrap_or(0);
    for round in 0..rounds {
        progress.tick(|| format!("{} % of what is missed is on disk", round * 100 / rounds));
        let answers = driver.tally.answers;
        let mut asked = 0;
        for (number, share) in shares.iter().enumerate() {
            let end = ((round + 1) * BATCH).min(share.messages);
            for message in round * BATCH..end {
                let is_last = message + 1 == end;
                asked += u64::from(is_last);
                let (user, mark) = share.message(message);
                driver.send(number, if is_last { &mut stored } else { &mut plain }, user, mark);
            }
        }
        wait(&mut driver, &trouble, answers + asked)?;
    }
    driver.close_all();
    Ok(begun.elapsed().as_secs_f64())
}

fn wait(driver: &mut Driver, trouble: &Trouble, answers: u64) -> Result<()> {
    let begun = Instant::now();
    while driver.tally.answers < answers {
        driver.turn(TURN_MAX, &mut Nobody)?;
        if let Some(text) = trouble.look(driver, |_| true) {
            bail!("while what is missed was sent: {text}");
        }
        ensure!(begun.elapsed() < PATIENCE, "what is missed was not called stored within {PATIENCE:?}");
    }
    Ok(())
}

/// What one connection sends: the first entry of each of its users, then the second of each, and so on, as it is when
/// many talk at once.
#[derive(Debug)]
struct Share {
    first: u32,
    step: u32,
    users: u64,
    messages: u64,
}

impl Share {
    fn new(first: u32, step: u32, options: &ComebackOptions) -> Self {
        let users = u64::from((options.users - first).div_ceil(step));
        Self { first, step, users, messages: users * options.entries }
    }

    /// The addressee of a message, and its mark: the place in the user's inbox, and in place of a time the number of
    /// the connection that shall get it.
    fn message(&self, number: u64) -> (u32, Mark) {
        let connection = self.first + (number % self.users) as u32 * self.step;
        let mark = Mark { sequence: number / self.users + 1, due_ns: u64::from(connection) };
        (FIRST_USER + connection, mark)
    }
}

#[cfg(test)]
mod tests {
    use super::Share;
    use crate::comeback::options::FIRST_USER;
    use std::collections::HashMap;

    #[test]
    fn every_user_gets_every_entry_once_in_order() {
        let options = crate::comeback::returning::tests::options(11, 4);
        let mut places: HashMap<u32, Vec<u64>> = HashMap::new();
        for first in 0..3 {
            let share = Share::new(first, 3, &options);
            for number in 0..share.messages {
                let (user, mark) = share.message(number);
                assert_eq!(u64::from(user - FIRST_USER), mark.due_ns);
                places.entry(user).or_default().push(mark.sequence);
            }
        }
        assert_eq!(places.len(), 11);
        assert!(places.values().all(|places| *places == [1, 2, 3, 4]), "{places:?}");
    }
}
