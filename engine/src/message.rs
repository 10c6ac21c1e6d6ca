//! Subject and body of a notification: from a template of the plan files, or built in.
//!
//! Plain text, the same for the same decision whenever it is sent: subscribers escape it for their
//! channel.

use std::fmt::Write as _;

use crate::decision::{Decision, Telling};
use crate::effect::{Cause, Purpose};
use crate::reason;
use crate::template::Variables;
use crate::ticket::Text;

/// Characters of a subject: several times what a list of mails or a chat shows of it, and far below
/// the 998 bytes of a mail's header line as long as most letters take one or two.
pub const SUBJECT_CHARS_MAX: usize = 256;

/// Bytes of a body: some pages, less than what the larger chat systems take of a message, and small
/// enough that a transaction of thousands stays in the tens of megabytes.
pub const BODY_BYTES_MAX: usize = 16 << 10;

/// The texts of one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line of at most [`SUBJECT_CHARS_MAX`] characters.
    pub subject: String,
    /// At most [`BODY_BYTES_MAX`] bytes, without control characters but line breaks and tabs, and
    /// without blanks at its end.
    pub body: String,
    /// Whether it is the built-in text because a template failed.
    pub has_failed_template: bool,
}

impl Words {
    /// Cuts and cleans texts: what a ticket holds must not steer a mail's header or a terminal.
    #[must_use]
    pub fn new(subject: String, mut body: String, has_failed_template: bool) -> Self {
        body.truncate(body.trim_end().len());
        Self {
            subject: one_line(subject),
            body: plain(body),
            has_failed_template,
        }
    }
}

/// The words for somebody who is told of a decision.
#[must_use]
pub fn words(ticket_id: &Text, decision: &Decision, telling: &Telling) -> Words {
    let rendered = telling.template.as_ref().map(|template| {
        let variables = Variables::new(ticket_id, decision, telling);
        template.render(variables)
    });
    match rendered {
        Some(Ok((subject, body))) => Words::new(subject, body, false),
        failed_or_none => {
            let has_failed = failed_or_none.is_some();
            let (subject, body) = if telling.is_customer {
                for_customer(ticket_id, decision, telling.purpose)
            } else {
                built_in(ticket_id, decision, telling.purpose)
            };
            Words::new(subject, body, has_failed)
        }
    }
}

/// Subject and body for one purpose.
fn built_in(ticket_id: &str, decision: &Decision, purpose: Purpose) -> (String, String) {
    let what = match purpose {
        Purpose::Warning => "warning".to_owned(),
        Purpose::Level
        | Purpose::Repeat
        | Purpose::Lowered
        | Purpose::CustomerUpdate
        // A digest has its own words: it tells of many decisions.
        | Purpose::Digest => reason::outcome(decision),
        Purpose::Ended => "the escalation is over".to_owned(),
        Purpose::PostMortem => {
            format!(
                "a look back at it is due (was level {})",
                decision.previous_level
            )
        }
    };
    let subject = subject(ticket_id, decision, &what);
    let because = reason::because(&decision.cause, decision.due_at, decision.actor.as_deref());
    let mut body = format!(
        "Ticket {ticket_id}: {what}.\nReason: {because}.\nAt: {}\n",
        decision.due_at
    );
    // At the deadline itself the line above says it.
    if let Some(deadline) = decision.deadline.filter(|it| *it != decision.due_at) {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(body, "Deadline: {deadline}");
    }
    let ticket = &decision.ticket;
    for (name, value) in [
        ("Status", &ticket.status),
        ("Priority", &ticket.priority),
        ("Category", &ticket.category),
        ("Queue", &ticket.queue),
        ("Assignee", &ticket.assignee),
        ("Requester", &ticket.requester),
    ] {
        if let Some(value) = value {
            let _ = writeln!(body, "{name}: {value}");
        }
    }
    if let Some(note) = &decision.note {
        let _ = writeln!(body, "Note: {note}");
    }
    let _ = write!(body, "Plan: {}", decision.plan.name);
    (subject, body)
}

/// Subject and body for somebody who is kept informed: how it stands, and nothing that the house
/// says to itself.
fn for_customer(ticket_id: &str, decision: &Decision, purpose: Purpose) -> (String, String) {
    let is_first = decision.cause != Cause::waiting("communication");
    let what = match purpose {
        Purpose::CustomerUpdate if is_first => "it has our special attention now",
        Purpose::Warning
        | Purpose::Level
        | Purpose::Repeat
        | Purpose::Lowered
        | Purpose::CustomerUpdate => "we are still working on it",
        Purpose::Ended | Purpose::PostMortem | Purpose::Digest => {
            "our special attention to it has ended"
        }
    };
    let mut body = format!("Ticket {ticket_id}: {what}.");
    if let Some(status) = &decision.ticket.status {
        // Writing to a string cannot fail.
        let _ = write!(body, "\nStatus: {status}");
    }
    (subject(ticket_id, decision, what), body)
}

/// The ticket, what is said of it, and its title.
fn subject(ticket_id: &str, decision: &Decision, what: &str) -> String {
    match &decision.ticket.subject {
        Some(title) => format!("[{ticket_id}] {what}: {title}"),
        None => format!("[{ticket_id}] {what}"),
    }
}

/// Whether a byte can be no part of a control character, nor of what has to be looked at more
/// closely: most texts are cleaned by looking at their bytes.
const fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}

/// A text on one line: every run of line breaks and other control characters is one blank.
fn one_line(text: String) -> String {
    let is_clean = text.len() <= SUBJECT_CHARS_MAX && text.bytes().all(is_printable);
    if is_clean && !text.starts_with(' ') && !text.ends_with(' ') {
        return text;
    }
    let text = text.trim();
    let mut out = String::with_capacity(text.len().min(4 * SUBJECT_CHARS_MAX));
    let mut chars_left = SUBJECT_CHARS_MAX;
    for c in text.chars() {
        if c.is_control() && out.ends_with(' ') {
            continue;
        }
        if chars_left == 0 {
            out.pop();
            out.push('…');
            break;
        }
        out.push(if c.is_control() { ' ' } else { c });
        chars_left -= 1;
    }
    out
}

/// A text of several lines without what a terminal or a page would obey.
fn plain(text: String) -> String {
    /// Room for the mark of what was cut off.
    const END: &str = "…";
    let is_kept = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    let is_kept_byte = |byte: u8| is_printable(byte) || matches!(byte, b'\n' | b'\t');
    if text.len() <= BODY_BYTES_MAX && text.bytes().all(is_kept_byte) {
        return text;
    }
    let mut out = String::with_capacity(text.len().min(BODY_BYTES_MAX));
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '\r' if chars.peek() == Some(&'\n') => continue,
            kept if is_kept(kept) => kept,
            '\r' => '\n',
            _ => char::REPLACEMENT_CHARACTER,
        };
        if out.len() + c.len_utf8() > BODY_BYTES_MAX {
            while out.len() + END.len() > BODY_BYTES_MAX {
                out.pop();
            }
            out.push_str(END);
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_that_ends_somewhere() {
        assert_eq!(
            one_line(" a\r\n\tb \n c\u{1b}[1m\n".to_owned()),
            "a b  c [1m"
        );
        let exact = "ü".repeat(SUBJECT_CHARS_MAX);
        assert_eq!(one_line(exact.clone()), exact);
        let cut = one_line(format!("{exact}!"));
        assert_eq!(cut.chars().count(), SUBJECT_CHARS_MAX);
        assert!(cut.ends_with("ü…"), "{cut}");
    }

    #[test]
    fn a_body_keeps_its_lines_and_nothing_that_is_obeyed() {
        assert_eq!(
            plain("a\r\nb\rc\td\u{1b}[31m\u{9b}".to_owned()),
            "a\nb\nc\td\u{fffd}[31m\u{fffd}"
        );
        let exact = "ü".repeat(BODY_BYTES_MAX / 2);
        assert_eq!(plain(exact.clone()), exact);
        let cut = plain(format!("{exact}!"));
        assert!(
            cut.len() <= BODY_BYTES_MAX && cut.ends_with("ü…"),
            "{}",
            cut.len()
        );
    }
}
