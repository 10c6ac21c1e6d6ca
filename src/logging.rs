//! Where log lines go: to stderr, as text for people or as JSON for machines.
//!
//! What is logged is decided where it happens; this module only chooses the form. Lines never hold
//! payloads or personal data, and a failure is logged once, where it is settled.

use std::io;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::settings::{Log, LogFormat};

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error(
        "`{level}` is not a log filter; write a level, as in info, or info,escalator::shard=debug"
    )]
    Filter {
        /// What was written.
        level: String,
        /// What the parser says.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Logging was started before.
    #[error("logging is running already in this process")]
    Running(#[source] tracing::subscriber::SetGlobalDefaultError),
}

/// Sends the log lines of the whole process to stderr; `colour` is for text alone.
///
/// # Errors
/// The filter is none, or logging was started before.
pub fn start(log: &Log, colour: bool) -> Result<(), Error> {
    let subscriber = subscriber(log, colour, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(Error::Running)
}

fn subscriber<W>(
    log: &Log,
    colour: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, Error>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.level).map_err(|source| Error::Filter {
        level: log.level.clone(),
        source,
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    Ok(match log.format {
        LogFormat::Text => Box::new(lines.with_ansi(colour).finish()),
        LogFormat::Json => Box::new(
            lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .finish(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(format: LogFormat, level: &str) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let log = Log {
            format,
            level: level.to_owned(),
        };
        let subscriber = subscriber(&log, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(kafka.partition = 3, "partition restored");
            tracing::debug!("not for every day");
        });
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_is_one_object_with_its_fields() {
        let written = lines(LogFormat::Json, "info");
        assert_eq!(written.lines().count(), 1, "{written}");
        let line: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(line["kafka.partition"], 3);
        assert_eq!(line["message"], "partition restored");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn a_text_line_has_no_colours_unless_asked_for() {
        let written = lines(LogFormat::Text, "debug");
        assert_eq!(written.lines().count(), 2, "{written}");
        assert!(!written.contains('\u{1b}'), "{written}");
    }

    #[test]
    fn the_level_is_a_filter() {
        assert_eq!(lines(LogFormat::Text, "warn"), "");
        assert!(!lines(LogFormat::Text, "off,escalator=debug").is_empty());
    }
}
