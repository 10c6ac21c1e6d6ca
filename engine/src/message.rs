//! The built-in subject and body of a notification.
//!
//! Plain text, the same for the same decision whenever it is sent: subscribers escape it for their
//! channel.

use std::fmt::Write as _;

use crate::decision::Decision;
use crate::effect::Purpose;
use crate::reason;

/// Subject and body for one purpose.
#[must_use]
pub fn built_in(ticket_id: &str, decision: &Decision, purpose: Purpose) -> (String, String) {
    let what = match purpose {
        Purpose::Warning => "warning".to_owned(),
        Purpose::Level | Purpose::Repeat | Purpose::Lowered => reason::outcome(decision),
        Purpose::Ended => "the escalation is over".to_owned(),
    };
    let mut subject = format!("[{ticket_id}] {what}");
    if let Some(title) = &decision.ticket.subject {
        // Writing to a string cannot fail, here and below.
        let _ = write!(subject, ": {title}");
    }
    let because = reason::because(&decision.cause, decision.due_at, decision.actor.as_deref());
    let mut body = format!(
        "Ticket {ticket_id}: {what}.\nReason: {because}.\nDue: {}\n",
        decision.due_at
    );
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
