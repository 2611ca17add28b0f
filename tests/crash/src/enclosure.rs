//! A process of its own kind: what it mounts and starts ends with it, however it ends.
//!
//! As root, the program runs itself again in a namespace of mounts and of processes. When its last process is gone, even
//! by `kill -9`, the kernel unmounts what was mounted there, frees the loop devices and kills the daemons.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Set inside.
const INSIDE: &str = "TIDINGS_CRASH_INSIDE";

const ARGUMENTS: [&str; 5] = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Puts this program into an enclosure, unless it is in one or the system has none to give. Then it cleans up by itself
/// whenever it gets to end by itself.
///
/// # Errors
/// When the program cannot be started again.
pub(crate) fn enter() -> anyhow::Result<()> {
    if env::var_os(INSIDE).is_some() || !is_to_be_had() {
        return Ok(());
    }
    let mut command = Command::new("unshare");
    command.args(ARGUMENTS).arg(env::current_exe()?).args(env::args_os().skip(1)).env(INSIDE, "1");
    Err(command.exec().into())
}

fn is_to_be_had() -> bool {
    let mut trial = Command::new("unshare");
    trial.args(ARGUMENTS).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    rustix::process::geteuid().is_root() && trial.status().is_ok_and(|status| status.success())
}
