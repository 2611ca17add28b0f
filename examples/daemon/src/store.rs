//! `tidingsd store`: looks at what a server that does not run keeps on disk, and makes it smaller.

use crate::cli::{CompactArgs, LookArgs, StoreCommand};
use crate::out::{self, plain};
use crate::settings::Settings;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tidings_store::check::{Compacted, Leaks, Renewal, Report, Stats, check, compact, stats};
use tidings_store::disk::Options;
use tidings_store::progress::{Progress, Step};

/// How often the operator is told how far the work is.
const PROGRESS: Duration = Duration::from_secs(1);

/// Carries out a command.
///
/// # Errors
/// There is no store that can be opened, or it is damaged.
pub(crate) fn run(command: &StoreCommand, settings: &Settings) -> Result<()> {
    let path = settings.data().context("no directory is set; give one with --data")?;
    let open_timeout = Duration::from_millis(settings.store.open_timeout_ms);
    let options = Options { cache_bytes: settings.store.cache_bytes, open_timeout };
    let mut told = Instant::now();
    let mut progress = move |progress: Progress| {
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            out::note(in_words(progress));
        }
    };
    match command {
        StoreCommand::Check(LookArgs { json, .. }) => {
            let report = check(path, &options, &mut progress)?;
            out::print(if *json { as_json(path, &report).to_string() } else { shown(path, &report) })?;
            if !report.is_whole() {
                bail!(
                    "{} is damaged; `tidingsd store compact` keeps what is whole, and a copy of the directory from before \
                     brings back the rest",
                    path.display()
                );
            }
        }
        StoreCommand::Stats(LookArgs { json, .. }) => {
            let stats = stats(path, &options, &mut progress)?;
            out::print(if *json { figures(&stats).to_string() } else { figures_shown(&stats).trim_end().to_owned() })?;
        }
        StoreCommand::Compact(CompactArgs { renew, .. }) => {
            let renewal = if *renew { Renewal::Always } else { Renewal::IfDamaged };
            let done = compact(path, &options, renewal, &mut progress)?;
            let Compacted { bytes_before, bytes_after, records, dropped, renewed } = done;
            let (before, after) = (size(bytes_before), size(bytes_after));
            out::print(format_args!("{before} before, {after} now; {records} records kept, {dropped} dropped"))?;
            if renewed {
                out::print(
                    "every stream has another epoch: clients are told that what their positions counted is gone",
                )?;
            }
        }
    }
    Ok(())
}

fn in_words(progress: Progress) -> String {
    let Progress { step, bytes_done, bytes_all } = progress;
    let step = match step {
        Step::Reading => "reading",
        Step::Copying => "copying",
        Step::Verifying => "reading the copy",
        _ => "working",
    };
    let percent = (bytes_done.min(bytes_all) * 100).checked_div(bytes_all).unwrap_or(100);
    format!("{step}: {percent}% of {}", size(bytes_all))
}

fn shown(path: &Path, report: &Report) -> String {
    let Report { stats, damaged, damages, leaks, foreign } = report;
    let mut text = figures_shown(stats);
    let Leaks { entries, shares, counts, bytes } = leaks;
    if *leaks != Leaks::default() {
        text += &format!(
            "left over     {entries} entries, {shares} payloads and {counts} counts, {}: no harm, and gone after \
             `tidingsd store compact`\n",
            size(*bytes)
        );
    }
    for name in foreign {
        text += &format!("not its own   {}\n", plain(name));
    }
    for damage in damages {
        text += &format!("damaged       {}\n", plain(damage));
    }
    let more = damaged.saturating_sub(damages.len() as u64);
    if more > 0 {
        text += &format!("damaged       {more} records more\n");
    }
    text + &match damaged {
        0 => format!("{} is whole", path.display()),
        damaged => format!("{}: {damaged} damaged", path.display()),
    }
}

fn figures_shown(stats: &Stats) -> String {
    let Stats { format, id, streams, entries, shares, keys, bytes_live, bytes_on_disk } = stats;
    let (live, on_disk) = (size(*bytes_live), size(*bytes_on_disk));
    format!(
        "format        {format}\nid            {id:016x}\nstreams       {streams}\nentries       {entries}\nshared        \
         {shares} payloads\nkeys          {keys}\nin use        {live}\non disk       {on_disk}\n"
    )
}

fn figures(stats: &Stats) -> Value {
    let Stats { format, id, streams, entries, shares, keys, bytes_live, bytes_on_disk } = stats;
    json!({
        "format": format,
        "id": format!("{id:016x}"),
        "streams": streams,
        "entries": entries,
        "shares": shares,
        "keys": keys,
        "bytes_live": bytes_live,
        "bytes_on_disk": bytes_on_disk,
    })
}

fn as_json(path: &Path, report: &Report) -> Value {
    let Report { stats, damaged, damages, leaks, foreign } = report;
    let Leaks { entries, shares, counts, bytes } = leaks;
    json!({
        "path": path.to_string_lossy(),
        "whole": report.is_whole(),
        "stats": figures(stats),
        "damaged": damaged,
        "damages": damages,
        "leaks": { "entries": entries, "shares": shares, "counts": counts, "bytes": bytes },
        "foreign": foreign,
    })
}

/// Bytes for a person.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut unit = "bytes";
    let (mut whole, mut tenth) = (bytes, 0);
    for larger in UNITS {
        if whole < 1_024 {
            break;
        }
        (whole, tenth) = (whole / 1_024, whole % 1_024 * 10 / 1_024);
        unit = larger;
    }
    if unit == "bytes" { format!("{whole} bytes") } else { format!("{whole}.{tenth} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::{in_words, size};
    use tidings_store::progress::{Progress, Step};

    #[test]
    fn sizes_are_for_people() {
        let cases = [(0, "0 bytes"), (1_023, "1023 bytes"), (1_024, "1.0 KiB"), (1_600, "1.5 KiB")];
        for (bytes, shown) in cases {
            assert_eq!(size(bytes), shown);
        }
        assert_eq!(size(16 << 20), "16.0 MiB");
        assert_eq!(size(5 << 40), "5.0 TiB");
        assert_eq!(size(u64::MAX), "16777215.9 TiB");
    }

    #[test]
    fn progress_never_passes_its_end() {
        let words = |bytes_done, bytes_all| in_words(Progress { step: Step::Copying, bytes_done, bytes_all });
        assert_eq!(words(512, 1_024), "copying: 50% of 1.0 KiB");
        assert_eq!(words(9, 3), "copying: 100% of 3 bytes");
        assert_eq!(words(0, 0), "copying: 100% of 0 bytes");
    }
}
