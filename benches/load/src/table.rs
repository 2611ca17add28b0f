//! Tables for people.

use std::fmt::{self, Display};

/// Rows of a name and a value.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<(String, String)>,
}

impl Table {
    /// Adds a row.
    pub fn row(&mut self, name: impl Display, value: impl Display) {
        self.rows.push((name.to_string(), value.to_string()));
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in &self.rows {
            for (at, line) in value.lines().enumerate() {
                let name = if at == 0 { name } else { "" };
                writeln!(f, "{name:width$}  {line}")?;
            }
        }
        Ok(())
    }
}

/// A grid with a head, aligned by spaces or written as Markdown.
#[derive(Debug)]
pub struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A grid with these columns.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(ToString::to_string).collect()] }
    }

    /// Adds a row of as many cells as there are columns.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        (0..self.rows[0].len()).map(width).collect()
    }

    /// The grid as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
            if at == 0 {
                text.push_str(&format!("|{}\n", "---|".repeat(row.len())));
            }
        }
        text
    }
}

impl Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Grid, Table};

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::default();
        table.row("a", 1);
        table.row("longer", "x\ny");
        assert_eq!(table.to_string(), "a       1\nlonger  x\n        y\n");
        let mut grid = Grid::new(&["a", "bb"]);
        grid.row(vec!["ccc".to_owned(), "d".to_owned()]);
        assert_eq!(grid.to_string(), "a    bb\nccc  d\n");
        assert_eq!(grid.markdown(), "| a | bb |\n|---|---|\n| ccc | d |\n");
    }
}
