//! The machine that a run happens on: limits, cores, and its description.

use anyhow::{Context as _, Result};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;

/// Raises the limit of open files to what this process may have, and returns it.
///
/// # Errors
/// When the system refuses.
pub fn raise_open_files() -> Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("cannot raise the limit of open files")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// The cores of server and driver; `None` where there is but one core and both must share it.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    /// The server's core.
    pub server: usize,
    /// The driver's core.
    pub driver: usize,
}

impl Cores {
    /// The first core for the server and the last for the driver, among those that this process may use.
    #[must_use]
    pub fn choose() -> Option<Self> {
        let allowed = sched_getaffinity(None).ok()?;
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        match cores[..] {
            [server, .., driver] => Some(Self { server, driver }),
            _ => None,
        }
    }
}

/// Pins this thread, and the processes that it starts from now on, to one core.
///
/// # Errors
/// When the core may not be used.
pub fn pin_to(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("cannot pin to core {core}"))
}

/// Processor, number of cores and kernel, in one line.
#[must_use]
pub fn description() -> String {
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu_info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = cpu_info.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}
