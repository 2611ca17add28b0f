//! What the operating system says of a process: processor time and memory.

use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::fs;

/// Clock ticks a second in `/proc/PID/stat`: 100 on every Linux that this runs on (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// Processor time of a process, thread by thread.
#[derive(Debug, Clone)]
pub struct CpuTimes {
    pid: u32,
    by_thread_ns: HashMap<u32, u64>,
}

impl CpuTimes {
    /// Reads it.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn read(pid: u32) -> Result<Self> {
        let tasks = format!("/proc/{pid}/task");
        let mut by_thread_ns = HashMap::new();
        for task in fs::read_dir(&tasks).with_context(|| format!("no process {pid}: cannot read {tasks}"))? {
            let Some(tid) = task?.file_name().to_str().and_then(|tid| tid.parse().ok()) else { continue };
            if let Some(ns) = thread_cpu_ns(pid, tid) {
                by_thread_ns.insert(tid, ns);
            }
        }
        Ok(Self { pid, by_thread_ns })
    }

    /// Nanoseconds that the process has used since this was read. A thread that ended in between is not counted.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn elapsed_ns(&self) -> Result<u64> {
        let now = Self::read(self.pid)?;
        let spent = |(tid, ns): (&u32, &u64)| ns.saturating_sub(self.by_thread_ns.get(tid).copied().unwrap_or(0));
        Ok(now.by_thread_ns.iter().map(spent).sum())
    }
}

/// The scheduler's own figure, exact to the nanosecond; user and system ticks where a kernel keeps none.
fn thread_cpu_ns(pid: u32, tid: u32) -> Option<u64> {
    let task = format!("/proc/{pid}/task/{tid}");
    if let Ok(text) = fs::read_to_string(format!("{task}/schedstat"))
        && let Some(ns) = text.split(' ').next().and_then(|ns| ns.parse().ok())
        && ns > 0
    {
        return Some(ns);
    }
    let stat = fs::read_to_string(format!("{task}/stat")).ok()?;
    stat_ticks(&stat).map(|ticks| ticks * 1_000_000_000 / TICKS_PER_SECOND)
}

/// User and system ticks in a `stat` line. The name in brackets may hold anything, so fields count from its end.
fn stat_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Memory of a process in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What is resident.
    pub rss_kib: u64,
    /// What is resident, shared pages counted in part.
    pub pss_kib: u64,
    /// What is resident and belongs to no file.
    pub anonymous_kib: u64,
}

impl Memory {
    /// Reads it: by walking the pages where the kernel allows (`smaps_rollup`), else from its running counters.
    ///
    /// # Errors
    /// When there is no such process, or it may not be looked at.
    pub fn read(pid: u32) -> Result<Self> {
        if let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
            && let Some(rss_kib) = field_kib(&text, "Rss:")
        {
            return Ok(Self {
                rss_kib,
                pss_kib: field_kib(&text, "Pss:").unwrap_or(rss_kib),
                anonymous_kib: field_kib(&text, "Anonymous:").unwrap_or(rss_kib),
            });
        }
        let path = format!("/proc/{pid}/status");
        let text = fs::read_to_string(&path).with_context(|| format!("no process {pid}: cannot read {path}"))?;
        let rss_kib = field_kib(&text, "VmRSS:").with_context(|| format!("{path} tells no VmRSS"))?;
        let anonymous_kib = field_kib(&text, "RssAnon:").unwrap_or(rss_kib);
        Ok(Self { rss_kib, pss_kib: rss_kib, anonymous_kib })
    }
}

/// Resident memory of a process in KiB, from the kernel's running counters: cheap enough to ask often.
///
/// # Errors
/// When there is no such process.
pub fn resident_kib(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("no process {pid}: cannot read {path}"))?;
    field_kib(&text, "VmRSS:").with_context(|| format!("{path} tells no VmRSS"))
}

fn field_kib(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{CpuTimes, Memory, field_kib, stat_ticks};

    #[test]
    fn this_process_uses_time_and_memory() {
        let pid = std::process::id();
        let before = CpuTimes::read(pid).unwrap();
        let mut sum = 0_u64;
        while before.elapsed_ns().unwrap() == 0 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let memory = Memory::read(pid).unwrap();
        assert!(memory.rss_kib >= memory.anonymous_kib && memory.anonymous_kib > 0);
        assert!(CpuTimes::read(u32::MAX).is_err());
    }

    #[test]
    fn lines_of_proc_are_read() {
        assert_eq!(stat_ticks("1 (a b) c) S 0 1 1 0 -1 4194560 1 2 3 4 30 12 0 0 20 0"), Some(42));
        assert_eq!(stat_ticks("nonsense"), None);
        assert_eq!(field_kib("Rss:        12 kB\nPss: 7 kB\n", "Pss:"), Some(7));
        assert_eq!(field_kib("Rss: 12 kB", "Swap:"), None);
    }
}
