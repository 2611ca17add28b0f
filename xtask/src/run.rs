//! Other programs, run where everybody sees them.

use crate::tree::Tree;
use anyhow::Context;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// The cargo that runs this program, to be run in the project's folder.
pub(crate) fn cargo(tree: &Tree) -> Command {
    program(tree, &std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
}

/// A program, to be run in the project's folder.
pub(crate) fn program(tree: &Tree, name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(tree.root());
    command
}

/// Runs `command` with its output left to the terminal, and tells whether it succeeded.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn shown(command: &mut Command) -> anyhow::Result<bool> {
    announce(command);
    let status = command.status().with_context(|| format!("cannot start {}", line(command)))?;
    Ok(status.success())
}

/// Runs `command`, passes its standard output through, and hands each line of it to `read`.
///
/// # Errors
/// When it cannot be started or its output cannot be read.
pub(crate) fn read(command: &mut Command, mut read: impl FnMut(&str)) -> anyhow::Result<bool> {
    announce(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {}", line(command)))?;
    let output = child.stdout.take().context("its output was asked for")?;
    let mut terminal = std::io::stdout().lock();
    for text in BufReader::new(output).split(b'\n') {
        let text = text?;
        terminal.write_all(&text)?;
        terminal.write_all(b"\n")?;
        read(&String::from_utf8_lossy(&text));
    }
    drop(terminal);
    Ok(child.wait()?.success())
}

/// Whether `command` can be started and succeeds. Nothing is shown.
pub(crate) fn answers(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|done| done.success())
}

fn announce(command: &Command) {
    println!("$ {}", line(command));
}

/// A command as somebody would type it.
fn line(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = vec![name.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
