//! Plans without a broker: what the commands over plan and event files share.
//!
//! Nothing is decided here: facts go from a file to the engine, and what the engine answers is told
//! to people. Reading the file ([`Recording`]), counting ([`Summary`]) and the words
//! ([`told`], [`explanation_text`], [`Columns`]) are apart from the commands, so that other
//! commands over event files can use them. Nothing is printed here and nothing here opens a file.

mod calendar;
mod columns;
mod event_line;
mod explanation;
mod listener;
mod occasion;
mod oddities;
mod recording;
mod summary;
mod words;

pub use calendar::CalendarDays;
pub use columns::{Columns, Side};
pub use event_line::{Told, sentence, told};
pub use explanation::{counted_of, explanation_text};
pub use listener::Listener;
pub use occasion::{Occasion, TEMPLATE_PURPOSES};
pub use recording::{Recording, Unreadable};
pub use summary::Summary;
pub use words::{brief, counted, escaped, grouped, harmless, shortened, signed, xml};
