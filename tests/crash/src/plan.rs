//! Which rounds there are, and in which order.

use crate::args::Args;
use std::fmt;
use tidings_e2e::random::Random;

/// One round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// It ends by `kill -9`.
    Kill(Moment),
    /// It ends by a power cut.
    Cut(Moment),
    /// The disk fills up.
    Full,
}

/// When the crash comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Under load.
    Load,
    /// Under load, and then so many times while the daemon starts and recovers.
    Start(u64),
    /// While the daemon stops as it was told to.
    Stop,
    /// After the daemon has stopped as it was told to.
    Stopped,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(moment) => write!(f, "kill {moment}"),
            Self::Cut(moment) => write!(f, "cut {moment}"),
            Self::Full => write!(f, "disk full"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load => write!(f, "under load"),
            Self::Start(1) => write!(f, "under load and at the start"),
            Self::Start(times) => write!(f, "under load and at {times} starts"),
            Self::Stop => write!(f, "while stopping"),
            Self::Stopped => write!(f, "after stopping"),
        }
    }
}

/// Draws rounds until there are no more.
#[derive(Debug)]
pub(crate) struct Plan {
    random: Random,
    /// Kills, cuts and full disks, as asked for.
    counts: [u32; 3],
    left: [u32; 3],
    /// Whether it begins again when all are drawn.
    is_endless: bool,
    is_proof: bool,
}

impl Plan {
    /// What `args` ask for; without disks, only kills.
    pub(crate) fn new(args: &Args, seed: u64, has_disks: bool) -> Self {
        let counts = match (args.prove, has_disks) {
            (true, _) => [0, args.cuts, 0],
            (false, true) => [args.kills, args.cuts, args.full],
            (false, false) => [args.kills, 0, 0],
        };
        let is_endless = args.seconds.is_some() && counts != [0; 3];
        Self { random: Random::new(seed), counts, left: counts, is_endless, is_proof: args.prove }
    }

    fn moment(&mut self) -> Moment {
        match self.random.between(0, 100) {
            _ if self.is_proof => Moment::Load,
            0..60 => Moment::Load,
            60..75 => Moment::Start(self.random.between(1, 6)),
            75..90 => Moment::Stop,
            _ => Moment::Stopped,
        }
    }
}

impl Iterator for Plan {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        if self.left == [0; 3] && self.is_endless {
            self.left = self.counts;
        }
        let [kills, cuts, full] = self.left;
        if self.left == [0; 3] {
            return None;
        }
        let drawn = self.random.between(0, (kills + cuts + full).into());
        let kind = if drawn < kills.into() {
            0
        } else if drawn < (kills + cuts).into() {
            1
        } else {
            2
        };
        self.left[kind] -= 1;
        Some(match kind {
            0 => Round::Kill(self.moment()),
            1 => Round::Cut(self.moment()),
            _ => Round::Full,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Round};
    use crate::args::Args;
    use clap::Parser;

    fn args(words: &[&str]) -> Args {
        Args::parse_from(["tidings-crash", "--daemon", "tidingsd"].iter().chain(words))
    }

    fn count(rounds: &[Round]) -> (usize, usize, usize) {
        let of = |is: fn(&Round) -> bool| rounds.iter().filter(|round| is(round)).count();
        (
            of(|round| matches!(round, Round::Kill(_))),
            of(|round| matches!(round, Round::Cut(_))),
            of(|round| matches!(round, Round::Full)),
        )
    }

    #[test]
    fn there_are_as_many_rounds_as_asked_for() {
        let args = args(&["--kills", "6", "--cuts", "3", "--full", "1"]);
        let rounds: Vec<Round> = Plan::new(&args, 5, true).collect();
        assert_eq!(count(&rounds), (6, 3, 1));
        assert_eq!(rounds, Plan::new(&args, 5, true).collect::<Vec<Round>>(), "the same seed, the same rounds");
        assert_eq!(count(&Plan::new(&args, 5, false).collect::<Vec<Round>>()), (6, 0, 0));
    }

    #[test]
    fn a_plan_for_a_time_does_not_end() {
        let args = args(&["--kills", "1", "--cuts", "1", "--full", "0", "--seconds", "9"]);
        assert_eq!(count(&Plan::new(&args, 5, true).take(10).collect::<Vec<Round>>()), (5, 5, 0));
    }
}
