//! One line of the comparison.

use crate::table::Grid;
use serde_json::{Value, json};
use std::fmt;

/// What several rounds gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    values: Vec<f64>,
}

impl Series {
    pub(super) fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The middle value, or the mean of the two in the middle; NaN of none.
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[count / 2],
            count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
        }
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values of this divided by those of `below`, round by round.
    pub(super) fn ratios(&self, below: &Self) -> Self {
        Self { values: self.values.iter().zip(&below.values).map(|(above, below)| above / below).collect() }
    }

    fn ends(&self) -> (f64, f64) {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (least, greatest)
    }

    fn to_json(&self) -> Value {
        json!({ "median": self.median(), "values": self.values })
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.median() {
            value if value < 1.0 => 3,
            value if value < 100.0 => 2,
            _ => 0,
        };
        let (least, greatest) = self.ends();
        match self.values.len() {
            0 => write!(f, "-"),
            1 => write!(f, "{least:.digits$}"),
            _ => write!(f, "{:.digits$} ({least:.digits$}..{greatest:.digits$})", self.median()),
        }
    }
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bar {
    /// The ratio is at most this.
    Ratio(f64),
    /// The measured figure is at most this.
    Figure(f64),
    /// The measured figure is at least this.
    Least(f64),
    /// Nothing but that no run failed: the figure is there to be known.
    None,
}

/// One line of the comparison.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// What was measured.
    pub(super) name: String,
    /// Its unit.
    pub(super) unit: &'static str,
    /// Length of the frames delivered, head included, in bytes; 0 where none were.
    pub(super) frame_bytes: usize,
    /// The daemon's figures.
    pub(super) measured: Series,
    /// The figures that they are compared with: the floor's, unless the name says otherwise.
    pub(super) floor: Series,
    /// What must hold.
    pub(super) bar: Bar,
    /// What else was seen; shown under the table.
    pub(super) seen: Vec<String>,
    /// Runs that lost something or were given up.
    pub(super) failures: Vec<String>,
}

impl Row {
    pub(super) fn new(name: impl Into<String>, unit: &'static str, bar: Bar) -> Self {
        Self {
            name: name.into(),
            unit,
            frame_bytes: 0,
            measured: Series::default(),
            floor: Series::default(),
            bar,
            seen: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Whether the bar is met and no run failed.
    pub(super) fn passed(&self) -> bool {
        let met = match self.bar {
            Bar::Ratio(most) => self.ratio().median() <= most,
            Bar::Figure(most) => self.measured.median() <= most,
            Bar::Least(least) => self.measured.median() >= least,
            Bar::None => !self.measured.is_empty(),
        };
        met && self.failures.is_empty()
    }

    fn ratio(&self) -> Series {
        self.measured.ratios(&self.floor)
    }

    /// What stands under the table about this row.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let failures = self.failures.iter().map(|failure| format!("{}: FAILED: {failure}", self.name));
        self.seen.iter().map(|seen| format!("{}: {seen}", self.name)).chain(failures)
    }

    /// For machines.
    pub(super) fn to_json(&self) -> Value {
        let bar = match self.bar {
            Bar::Ratio(most) => json!({ "of": "ratio", "most": most }),
            Bar::Figure(most) => json!({ "of": "measured", "most": most }),
            Bar::Least(least) => json!({ "of": "measured", "least": least }),
            Bar::None => Value::Null,
        };
        json!({
            "name": self.name, "unit": self.unit, "frame_bytes": self.frame_bytes,
            "measured": self.measured.to_json(), "floor": self.floor.to_json(), "ratio": self.ratio().to_json(),
            "bar": bar,
            "passed": self.passed(), "seen": self.seen, "failures": self.failures,
        })
    }

    fn cells(&self) -> Vec<String> {
        let bar = match self.bar {
            Bar::Ratio(most) => format!("{most} x"),
            Bar::Figure(most) => format!("{most} {}", self.unit),
            Bar::Least(least) => format!("at least {least} {}", self.unit),
            Bar::None => "-".to_owned(),
        };
        vec![
            self.name.clone(),
            if self.frame_bytes > 0 { format!("{} B", self.frame_bytes) } else { "-".to_owned() },
            self.unit.to_owned(),
            self.measured.to_string(),
            self.floor.to_string(),
            self.ratio().to_string(),
            bar,
            if self.passed() { "PASS" } else { "FAIL" }.to_owned(),
        ]
    }
}

/// All rows as a grid.
pub(super) fn grid(rows: &[Row]) -> Grid {
    let mut grid = Grid::new(&["measured", "frame", "unit", "daemon", "floor", "ratio", "bar", "verdict"]);
    for row in rows {
        grid.row(row.cells());
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::{Bar, Row, Series};

    fn series(values: &[f64]) -> Series {
        Series { values: values.to_vec() }
    }

    #[test]
    fn medians_and_ends() {
        assert!(series(&[]).median().is_nan());
        assert_eq!(series(&[3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(series(&[4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(series(&[1.5, 1.25]).to_string(), "1.38 (1.25..1.50)");
        assert_eq!(series(&[]).to_string(), "-");
    }

    #[test]
    fn the_median_of_the_ratios_is_judged() {
        let mut row = Row::new("x", "us", Bar::Ratio(1.5));
        assert!(!row.passed(), "nothing measured is not a pass");
        row.measured = series(&[3.0, 30.0, 1.0]);
        row.floor = series(&[2.0, 20.0, 0.1]);
        assert!(row.passed());
        row.bar = Bar::Ratio(1.4);
        assert!(!row.passed());
        row.bar = Bar::Figure(3.0);
        assert!(row.passed());
        row.bar = Bar::Least(3.5);
        assert!(!row.passed());
        for bar in [Bar::Least(3.0), Bar::None] {
            row.bar = bar;
            assert!(row.passed());
            assert!(!Row::new("y", "us", bar).passed(), "nothing measured is not a pass");
        }
        row.failures.push("lost".to_owned());
        assert!(!row.passed());
        assert!(row.to_json()["ratio"]["median"].is_number());
    }
}
