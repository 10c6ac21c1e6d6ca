//! A day of tickets at high speed: made up, played to the real service, and told as it happens.
//!
//! ```text
//! story ──► writing ──► embedded broker ◄──► service ──► watcher ──► line, summary
//!              └──────── pace (one clock) ────────┘          expected ──┘
//! ```
//!
//! Nothing here decides anything about tickets and nothing is faked: the service is the one that
//! `run` starts, and what it says is compared with what `simulate` says about the same events.

mod case;
mod desk;
mod dice;
mod ending;
mod error;
mod expected;
mod heard;
mod life;
pub mod line;
mod pace;
mod page;
mod promises;
mod running;
mod site;
mod story;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod watcher;
mod writing;

pub use error::Error;
pub use expected::{Comparison, Difference};
pub use heard::{Decision, Notification};
pub use life::TicketEvent;
pub use page::day_page;
pub use promises::{Kept, Promises};
pub use running::{News, Play, Progress, Running};
pub use story::{Outline, Story, event_file};
pub use summary::{Lateness, Summary};
pub use table::summary_text;
pub use watcher::Told;

/// The plan that is played unless another is named: the one in `plans/`, part of the program so that
/// it runs from anywhere.
pub const SHIPPED_PLAN: &str = include_str!("../plans/itil.yaml");

/// How the shipped plan is called.
pub const SHIPPED_PLAN_PATH: &str = "plans/itil.yaml";
