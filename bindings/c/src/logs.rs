//! What the engine has to say to whoever operates it, as events of its host.
//!
//! A subscriber of the whole process would be another engine's and the host's as well. So each thread of an engine has its own.

use crate::draft::{Draft, Texts};
use crate::event::{TidingsEventKind, TidingsLogLevel};
use crate::queue::Queue;
use crate::settings::LogLevel;
use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::Arc;
use tracing::dispatcher::{DefaultGuard, set_default};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

thread_local! {
    /// What keeps the subscriber of this thread.
    static KEPT: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// Tells a host what is logged.
#[derive(Debug)]
struct Logs {
    queue: Arc<Queue>,
    filter: LevelFilter,
}

/// Where the threads of an engine log to; `None` where the host does not want to hear it.
pub(crate) fn dispatch(queue: &Arc<Queue>, level: LogLevel) -> Option<Dispatch> {
    let filter = match level {
        LogLevel::Off => return None,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    Some(Dispatch::new(Logs { queue: Arc::clone(queue), filter }))
}

/// This thread logs there from now on.
pub(crate) fn begin(dispatch: &Dispatch) {
    KEPT.set(Some(set_default(dispatch)));
}

/// It no longer does.
pub(crate) fn end() {
    KEPT.set(None);
}

impl Subscriber for Logs {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.filter
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter)
    }

    /// The engine's own words have all that they need: spans of libraries are passed over.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { message, fields } = line;
        let text = message + &fields;
        let texts = Texts { target: event.metadata().target(), data: text.as_bytes(), ..Texts::default() };
        let detail = number(*event.metadata().level()) as i32;
        self.queue.notice(&Draft { texts, detail, ..Draft::new(TidingsEventKind::Log) });
    }
}

const fn number(level: Level) -> TidingsLogLevel {
    match level {
        Level::ERROR => TidingsLogLevel::Error,
        Level::WARN => TidingsLogLevel::Warn,
        Level::INFO => TidingsLogLevel::Info,
        _ => TidingsLogLevel::Debug,
    }
}

/// A message, and behind it what goes with it.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::dispatch;
    use crate::event::{TidingsEventKind, TidingsLogLevel};
    use crate::queue::{Bounds, Polled, Queue};
    use crate::settings::LogLevel;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn what_is_logged_is_an_event() {
        let queue = Arc::new(Queue::new(Bounds { events_max: 10, bytes_max: 10_000 }));
        let logs = dispatch(&queue, LogLevel::Warn).unwrap();
        tracing::dispatcher::with_default(&logs, || {
            tracing::info!("not wanted");
            tracing::warn!(times = 3, name = "x", "the disk is slow");
        });
        let Polled::Events(chunk) = queue.poll(Some(Duration::ZERO)) else { panic!("nothing came") };
        let event = chunk.get(0).unwrap();
        assert_eq!((chunk.len(), event.kind), (1, TidingsEventKind::Log as i32));
        assert_eq!(event.detail, TidingsLogLevel::Warn as i32);
        assert_eq!(event.data.len, "the disk is slow times=3 name=\"x\"".len());
        assert!(dispatch(&queue, LogLevel::Off).is_none());
    }
}
