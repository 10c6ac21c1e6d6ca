//! `run`: the service.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::Args;

use super::failure::Trouble;
use super::inputs;
use super::setting_flags::SettingArgs;
use super::signals::{note_hang_ups, stop_on_signals};
use super::{SystemClock, Verdict};
use crate::{logging, plan_file, service};

/// The examples under the help text.
pub(super) const EXAMPLES: &str = "\
Examples:
  escalator run --brokers kafka-1:9092,kafka-2:9092 --plans plans
  escalator run --config deploy/escalator.toml --create-topics
  escalator run --embedded --plans plans";

/// The command `run`.
#[derive(Args)]
pub(super) struct Run {
    /// Starts a broker inside the process and makes the topics; everything is gone at the end.
    #[cfg(feature = "embedded")]
    #[arg(long)]
    embedded: bool,
    #[command(flatten)]
    settings: SettingArgs,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        #[cfg(feature = "embedded")]
        let is_embedded = self.embedded;
        let settings = self.settings.load()?.settings;
        logging::start(&settings.log, std::io::stderr().is_terminal())?;
        #[cfg(feature = "embedded")]
        let settings = if is_embedded {
            with_embedded_broker(settings)?
        } else {
            settings
        };
        let plans = plan_file::load(&settings.plans).with_context(|| Trouble {
            doing: "cannot load the plans".to_owned(),
            remedy: "name a plan file or a directory of them with --plans; `escalator validate` shows every problem",
        })?;
        let mappings = inputs::mappings(&settings)?.into();
        let stop = Arc::new(AtomicBool::new(false));
        let hang_up = Arc::new(AtomicBool::new(false));
        stop_on_signals(Arc::clone(&stop))?;
        note_hang_ups(Arc::clone(&hang_up))?;
        service::run(service::Start {
            settings,
            plans,
            mappings,
            clock: Arc::new(SystemClock),
            stop,
            follows_files: true,
            hang_up,
            run_number: std::process::id(),
        })?;
        Ok(Verdict::Good)
    }
}

#[cfg(feature = "embedded")]
fn with_embedded_broker(
    mut settings: crate::settings::Settings,
) -> anyhow::Result<crate::settings::Settings> {
    let address = crate::embedded::start().with_context(|| Trouble {
        doing: "cannot start the embedded broker".to_owned(),
        remedy: "free a port on the loopback interface, or name brokers with --brokers",
    })?;
    tracing::info!(kafka.brokers = %address, "a broker runs inside the process");
    settings.kafka.brokers = address.to_string();
    settings.topics.create = true;
    // Nobody else can be in its group.
    settings.standby.copies = 0;
    Ok(settings)
}
