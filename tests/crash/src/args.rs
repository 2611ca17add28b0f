//! The command line.

use std::path::PathBuf;

/// Kill the daemon, cut its power and fill its disk, and count what it promised to keep.
///
/// Exits with a failure if a promise was broken.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "tidings-crash")]
pub(crate) struct Args {
    /// The daemon's binary.
    #[arg(long)]
    pub(crate) daemon: PathBuf,
    /// Rounds that end by `kill -9`.
    #[arg(long, default_value_t = 40)]
    pub(crate) kills: u32,
    /// Rounds that end by a power cut. They need root, XFS, ext4 and loop devices.
    #[arg(long, default_value_t = 40)]
    pub(crate) cuts: u32,
    /// Rounds in which the disk fills up. They need root, ext4 and loop devices.
    #[arg(long, default_value_t = 1)]
    pub(crate) full: u32,
    /// Goes through these rounds again and again until so many seconds have passed.
    #[arg(long)]
    pub(crate) seconds: Option<u64>,
    /// The seed of every choice; another one each time if absent.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The daemon is known not to sync: cut its power until that shows, `cuts` times at most, and fail if it does not.
    #[arg(long)]
    pub(crate) prove: bool,
}

impl Args {
    /// What the user types to have the same again.
    pub(crate) fn repeat(&self, seed: u64) -> String {
        let mut line = format!("cargo xtask crash --seed {seed}");
        if self.prove {
            line.push_str(" --prove");
        } else {
            line.push_str(&format!(" --kills {} --full {}", self.kills, self.full));
        }
        line.push_str(&format!(" --cuts {}", self.cuts));
        if let Some(seconds) = self.seconds {
            line.push_str(&format!(" --seconds {seconds}"));
        }
        line
    }
}
