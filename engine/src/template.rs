//! Templates: the texts of notifications as the plan files write them, in minijinja.
//!
//! A template is checked when the plans are loaded (`check.rs`): every name in it must exist, and
//! nothing in it may call anything. Then it is tried out for an empty ticket, for one with
//! everything, and for the largest one (`sample.rs`). What passes all that can still fail for some
//! ticket, for instance by adding a label's text to a number: [`Template::render`] says so, and the
//! built-in text is sent in its place.
//!
//! The same variables give the same texts: there is no clock, no file, no order that is random, and
//! time zones are those of the bundled data. The syntax is plain text's: nothing is escaped, and a
//! block that stands alone on its line leaves no blank line. An empty field is `none` and prints
//! nothing.

mod check;
mod error;
mod filters;
mod sample;
mod size;
#[cfg(test)]
mod tests;
mod tree;
mod variables;

use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

pub use self::check::FIELDS;
pub use self::error::{Flaw, Part, TemplateError};
pub use self::filters::{FILTERS, TESTS};
pub use self::variables::{VARIABLES, Variables};
use crate::ticket::Text;

/// Bytes of the text of a subject: what comes out is one line of 256 characters.
const SUBJECT_BYTES_MAX: usize = 2 << 10;

/// Bytes of the text of a body: as much as may come out.
const BODY_BYTES_MAX: usize = 16 << 10;

/// What the rendering of one text may cost: a step of the template is 1, and so are 64 bytes of text
/// that are made. It is several times what going through 200 tags and 200 labels takes, and too
/// little for what takes longer than two milliseconds or makes more than 1.3 MB.
const FUEL: u64 = 20_000;

/// Blocks inside of blocks; texts for people have three or four.
const DEPTH_MAX: usize = 50;

/// The text of a notification with the ticket's values still to come.
#[derive(Clone)]
pub struct Template {
    name: Text,
    subject: Text,
    body: Text,
    environment: Environment<'static>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name)
            .field("subject", &self.subject)
            .field("body", &self.body)
            .finish()
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.subject, &self.body) == (&other.name, &other.subject, &other.body)
    }
}

impl Eq for Template {}

impl Template {
    /// A template from its texts.
    ///
    /// # Errors
    /// A text is no template, names something that does not exist, or fails for some ticket: all
    /// that is wrong, each with its place.
    pub fn new(name: &str, subject: &str, body: &str) -> Result<Self, Vec<Flaw>> {
        let mut environment = environment();
        let mut flaws = Vec::new();
        for (part, text, bytes_max) in [
            (Part::Subject, subject, SUBJECT_BYTES_MAX),
            (Part::Body, body, BODY_BYTES_MAX),
        ] {
            let before = flaws.len();
            if text.len() > bytes_max {
                let (bytes, max) = (text.len(), bytes_max);
                let error = TemplateError::TooLong { bytes, max };
                flaws.push(Flaw::new(part, 0..0, error));
            } else if let Some(excess) = size::excess(part, text) {
                flaws.push(excess);
            } else {
                check::check(part, text, &mut flaws);
            }
            if flaws.len() == before
                && let Err(error) = environment.add_template_owned(part.name(), text.to_owned())
            {
                flaws.push(Flaw::syntax(part, &error));
            }
        }
        let template = Self {
            name: name.into(),
            subject: subject.into(),
            body: body.into(),
            environment,
        };
        if flaws.is_empty() {
            flaws = template.try_out();
        }
        if flaws.is_empty() {
            Ok(template)
        } else {
            Err(flaws)
        }
    }

    /// Its name in the plan files.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// Subject and body with the values in them, neither cut nor cleaned.
    ///
    /// # Errors
    /// The template fails for these values.
    pub fn render(&self, variables: Variables) -> Result<(String, String), Flaw> {
        let root = Value::from_object(variables);
        Ok((
            self.render_part(Part::Subject, &root)?,
            self.render_part(Part::Body, &root)?,
        ))
    }

    fn render_part(&self, part: Part, root: &Value) -> Result<String, Flaw> {
        self.environment
            .get_template(part.name())
            .and_then(|template| template.render(root.clone()))
            .map_err(|error| Flaw::failing(part, &error))
    }

    /// Renders it for tickets that lie as far apart as tickets do; each text is told once.
    fn try_out(&self) -> Vec<Flaw> {
        let mut flaws: Vec<Flaw> = Vec::new();
        for (ticket, variables) in sample::extremes() {
            let root = Value::from_object(variables);
            for part in [Part::Subject, Part::Body] {
                if let Err(flaw) = self.render_part(part, &root)
                    && flaws.iter().all(|other| other.part != part)
                {
                    flaws.push(flaw.with_ticket(ticket));
                }
            }
        }
        flaws
    }
}

/// What templates can do: no loader, no functions, and the filters of a short list.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_syntax(syntax());
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(filters::print);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH_MAX);
    // Errors know their place; nothing else changes by it.
    environment.set_debug(true);
    filters::add_to(&mut environment);
    environment
}

fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the delimiters are the usual ones")
}

/// Whether an error says that the fuel is used up.
fn is_too_costly(error: &minijinja::Error) -> bool {
    error.kind() == ErrorKind::OutOfFuel
}
