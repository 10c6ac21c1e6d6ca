//! What can be wrong with a template, and where in its text.

use std::ops::Range;

/// The two texts of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One line.
    Subject,
    /// Several.
    Body,
}

impl Part {
    /// The key in plan files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Body => "body",
        }
    }
}

/// One thing that is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// In which of its texts.
    pub part: Part,
    /// The bytes of the text that are meant; none when it is the text as a whole.
    pub range: Range<usize>,
    /// What is wrong.
    pub error: TemplateError,
}

/// Why a text is no template, or fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is too long to be looked at.
    #[error("the text has {bytes} bytes, more than {max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// It has more parts than can be looked at.
    #[error("the text has {count} {what}, and {max} are allowed")]
    TooMany {
        /// How many were found.
        count: usize,
        /// The limit.
        max: usize,
        /// Of what.
        what: &'static str,
    },
    /// It cannot be parsed.
    #[error("the template is not complete, or not well-formed: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// There is no such variable at this place.
    #[error("unknown variable `{name}`")]
    UnknownVariable {
        /// The name.
        name: String,
    },
    /// Tickets have no such field.
    #[error("unknown field `ticket.{name}`")]
    UnknownField {
        /// The name.
        name: String,
    },
    /// There is no such filter.
    #[error("unknown filter `{name}`")]
    UnknownFilter {
        /// The name.
        name: String,
    },
    /// There is no such test.
    #[error("unknown test `{name}`")]
    UnknownTest {
        /// The name.
        name: String,
    },
    /// There is no such time zone.
    #[error("there is no time zone `{name}`")]
    UnknownZone {
        /// The name.
        name: String,
    },
    /// The format of an instant has something that formats do not know.
    #[error("`{format}` is no format of an instant")]
    BadFormat {
        /// The format.
        format: String,
    },
    /// The arguments of `local` are not written out.
    #[error("`local` takes a time zone, and a format if need be, that are written out")]
    OpenZone,
    /// The ticket as a whole is no text.
    #[error("`ticket` stands alone")]
    WholeTicket,
    /// The labels as a whole are no text.
    #[error("`ticket.labels` stands alone")]
    WholeLabels,
    /// A part is asked of something that has none.
    #[error("`{name}` has no parts")]
    NoParts {
        /// What was asked.
        name: String,
    },
    /// Something is called.
    #[error("`{name}` is called, and there is nothing to call")]
    Call {
        /// What is called.
        name: String,
    },
    /// A statement has no place in a text for people.
    #[error("`{name}` has no place here")]
    Statement {
        /// Its name.
        name: &'static str,
    },
    /// A name that is given already is set.
    #[error("`{name}` is given, and cannot be set")]
    Reserved {
        /// The name.
        name: String,
    },
    /// Rendering fails.
    #[error("the template fails for {ticket}: {message}")]
    Failing {
        /// What kind of ticket.
        ticket: &'static str,
        /// Why.
        message: String,
    },
    /// Rendering costs more than is spent on a notification.
    #[error("the template costs too much for {ticket}")]
    TooCostly {
        /// What kind of ticket.
        ticket: &'static str,
    },
}

impl Flaw {
    /// Something wrong at a place.
    pub(super) const fn new(part: Part, range: Range<usize>, error: TemplateError) -> Self {
        Self { part, range, error }
    }

    /// What the parser refuses.
    pub(super) fn syntax(part: Part, error: &minijinja::Error) -> Self {
        let message = error.detail().unwrap_or("syntax error").to_owned();
        let range = error.range().unwrap_or_default();
        Self::new(part, range, TemplateError::Syntax { message })
    }

    /// What fails while it is rendered.
    pub(super) fn failing(part: Part, error: &minijinja::Error) -> Self {
        const TICKET: &str = "the ticket";
        let reason = if super::is_too_costly(error) {
            TemplateError::TooCostly { ticket: TICKET }
        } else {
            let mut message = error.kind().to_string();
            if let Some(detail) = error.detail() {
                message = format!("{message}: {detail}");
            }
            TemplateError::Failing {
                ticket: TICKET,
                message,
            }
        };
        Self::new(part, meant(error), reason)
    }

    /// Says for which kind of ticket it fails.
    pub(super) fn with_ticket(mut self, name: &'static str) -> Self {
        if let TemplateError::Failing { ticket, .. } | TemplateError::TooCostly { ticket } =
            &mut self.error
        {
            *ticket = name;
        }
        self
    }
}

/// The part of the text that an error is about, without what stands before an expression.
fn meant(error: &minijinja::Error) -> Range<usize> {
    let range = error.range().unwrap_or_default();
    let text = error.template_source().and_then(|it| it.get(range.clone()));
    let Some(text) = text else {
        return range;
    };
    let opening = ["{{-", "{{", "{%-", "{%"].into_iter();
    let inner = opening
        .filter_map(|opening| text.strip_prefix(opening))
        .next()
        .unwrap_or(text);
    range.end - inner.trim_start().len()..range.end
}
