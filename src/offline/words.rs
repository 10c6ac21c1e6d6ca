//! Small words for texts: counts, lengths, and texts from outside made harmless.

use std::borrow::Cow;

/// A count with its noun, and a comma at every thousand.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", grouped(count))
}

/// A number with a comma at every thousand.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A text from outside without the characters that a terminal would obey.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        let replaced = text
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c });
        Cow::Owned(replaced.collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A text as XML may hold it, between tags and in quotes. Most control characters have no place in
/// XML 1.0 at all, not even escaped.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_at_a_glance() {
        assert_eq!(counted(1, "fact"), "1 fact");
        assert_eq!(counted(0, "fact"), "0 facts");
        assert_eq!(counted(141_712, "fact"), "141,712 facts");
        assert_eq!(grouped(1_000_000), "1,000,000");
        assert_eq!(grouped(999), "999");
    }

    #[test]
    fn texts_from_outside_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(harmless("Zürich"), "Zürich");
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_replaced() {
        assert_eq!(
            xml("a < b && \"c\" > d\u{1b}[31m\u{ffff}\n"),
            "a &lt; b &amp;&amp; &quot;c&quot; &gt; d\u{fffd}[31m\u{fffd}\n"
        );
    }
}
