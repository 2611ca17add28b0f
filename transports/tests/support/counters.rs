//! Reads the counters that the code under test raises.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

#[derive(Default)]
struct Counters {
    by_name: Mutex<HashMap<String, Arc<AtomicU64>>>,
}

static COUNTERS: OnceLock<&'static Counters> = OnceLock::new();

/// Makes every counter readable from now on.
pub(crate) fn install() -> &'static Mutex<HashMap<String, Arc<AtomicU64>>> {
    let counters = COUNTERS.get_or_init(|| {
        let counters: &'static Counters = Box::leak(Box::default());
        metrics::set_global_recorder(counters).expect("nobody else installs a recorder");
        counters
    });
    &counters.by_name
}

/// The value of the counter `name{reason}`.
pub(crate) fn counted(name: &str, reason: &str) -> u64 {
    let counters = install().lock().unwrap();
    counters.get(&format!("{name} {reason}")).map_or(0, |value| value.load(Ordering::Relaxed))
}

impl Recorder for &'static Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        let mut by_name = self.by_name.lock().unwrap();
        Counter::from_arc(Arc::clone(by_name.entry(name).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
