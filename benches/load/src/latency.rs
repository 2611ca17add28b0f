//! Latencies in a histogram of high dynamic range.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::fmt;

const HIGHEST_NS: u64 = 120_000_000_000;

/// Latencies of one run. Anything above two minutes counts as two minutes.
#[derive(Debug, Clone)]
pub struct Latencies {
    histogram: Histogram<u64>,
}

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1_000, HIGHEST_NS, 3)
            .expect("constant bounds in the right order and a legal precision cannot be refused");
        Self { histogram }
    }
}

impl Latencies {
    /// Counts one latency.
    pub fn record_ns(&mut self, latency_ns: u64) {
        self.histogram.saturating_record(latency_ns);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The latency that `percentile` per cent do not exceed, in microseconds.
    #[must_use]
    pub fn percentile_us(&self, percentile: f64) -> f64 {
        self.histogram.value_at_percentile(percentile) as f64 / 1e3
    }

    /// The greatest, in microseconds.
    #[must_use]
    pub fn max_us(&self) -> f64 {
        self.histogram.max() as f64 / 1e3
    }

    /// For machines; all in microseconds.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "count": self.count(),
            "p50_us": self.percentile_us(50.0),
            "p90_us": self.percentile_us(90.0),
            "p99_us": self.percentile_us(99.0),
            "p999_us": self.percentile_us(99.9),
            "max_us": self.max_us(),
        })
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |percentile| Span(self.percentile_us(percentile));
        write!(
            f,
            "p50 {}, p90 {}, p99 {}, p99.9 {}, max {}",
            at(50.0),
            at(90.0),
            at(99.0),
            at(99.9),
            Span(self.max_us())
        )
    }
}

/// A span of microseconds, shown in the unit that suits it.
#[derive(Debug, Clone, Copy)]
pub struct Span(
    /// Microseconds.
    pub f64,
);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            us if us < 1e3 => write!(f, "{us:.0} us"),
            us if us < 1e6 => write!(f, "{:.1} ms", us / 1e3),
            us => write!(f, "{:.2} s", us / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Latencies, Span};

    #[test]
    fn percentiles_come_from_what_was_recorded() {
        let mut latencies = Latencies::default();
        for ms in 1..=100 {
            latencies.record_ns(ms * 1_000_000);
        }
        latencies.record_ns(u64::MAX);
        assert_eq!(latencies.count(), 101);
        assert!((latencies.percentile_us(50.0) / 51_000.0 - 1.0).abs() < 0.01);
        assert!(latencies.max_us() >= 119e6);
    }

    #[test]
    fn spans_choose_their_unit() {
        assert_eq!(Span(12.3).to_string(), "12 us");
        assert_eq!(Span(12_340.0).to_string(), "12.3 ms");
        assert_eq!(Span(2_500_000.0).to_string(), "2.50 s");
    }
}
