//! Small words for texts: counts, lengths, and texts from outside made harmless.

use std::borrow::Cow;

use escalator_engine::time::Duration;

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

/// A change of a number, with its sign.
#[must_use]
pub fn signed(old: u64, new: u64) -> String {
    let sign = match new.cmp(&old) {
        std::cmp::Ordering::Less => "-",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => "+",
    };
    format!("{sign}{}", grouped(new.abs_diff(old)))
}

/// A length to its two largest units, as people say it: `2d 3h`, `1h 30m`, `45s`. It is cut off
/// there, not rounded, so that a length within a limit never looks like one beyond it.
#[must_use]
pub fn brief(length: Duration) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let seconds = length.as_millis() / 1000;
    let Some(largest) = UNITS.iter().position(|(unit, _)| seconds >= *unit) else {
        return "0s".to_owned();
    };
    let (unit, name) = UNITS[largest];
    let count = seconds / unit;
    match UNITS.get(largest + 1) {
        Some((next, next_name)) if seconds % unit >= *next => {
            format!("{count}{name} {}{next_name}", seconds % unit / next)
        }
        Some(_) | None => format!("{count}{name}"),
    }
}

/// A length in hours, minutes and seconds, without days: of working time a day has as many hours as
/// its calendar gives it.
pub(super) fn in_hours(length: Duration) -> String {
    const HOUR_MS: i64 = 3_600_000;
    let ms = length.as_millis();
    let hours = ms / HOUR_MS;
    let rest = Duration::from_millis(ms % HOUR_MS);
    match (hours, rest.as_millis()) {
        (0, _) => rest.to_string(),
        (hours, 0) => format!("{hours}h"),
        (hours, rest) => format!("{hours}h{}", Duration::from_millis(rest.abs())),
    }
}

/// A text that is cut to so many characters.
#[must_use]
pub fn shortened(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept = text.chars().take(chars_max.saturating_sub(1));
            Cow::Owned(kept.chain(['…']).collect())
        }
    }
}

/// A text from outside without the characters that a terminal would obey: those that control it, that
/// begin another line, and that turn the direction of what follows.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_obeyed) {
        let replaced = text
            .chars()
            .map(|c| if is_obeyed(c) { '\u{fffd}' } else { c });
        Cow::Owned(replaced.collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Bytes from outside as text on one line: what is text stands as it is, and the rest, such as what
/// a terminal would obey, is escaped.
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                // Nothing is quoted here, so quotes need no escape.
                '"' | '\'' => out.push(c),
                c => out.extend(c.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            out.extend(byte.escape_ascii().map(char::from));
        }
    }
    out
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
    fn changes_carry_their_sign() {
        assert_eq!(signed(1, 2000), "+1,999");
        assert_eq!(signed(2000, 1), "-1,999");
        assert_eq!(signed(7, 7), "0");
    }

    #[test]
    fn lengths_have_two_units_and_are_never_rounded_up() {
        for (ms, text) in [
            (0, "0s"),
            (999, "0s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (5_400_000, "1h 30m"),
            (3_600_000 + 59_000, "1h"),
            (86_400_000 * 2 - 1, "1d 23h"),
        ] {
            assert_eq!(brief(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn working_time_has_no_days() {
        for (ms, text) in [
            (0, "0s"),
            (90_000, "1m30s"),
            (86_400_000 + 52_200_000, "38h30m"),
            (172_800_000, "48h"),
            (-90_000_000 - 60_000, "-25h1m"),
        ] {
            assert_eq!(in_hours(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(shortened("Zürich", 6), "Zürich");
        assert_eq!(shortened("Zürichs", 6), "Züric…");
    }

    #[test]
    fn texts_from_outside_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(harmless("a\u{2028}b\u{202e}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(harmless("Zürich"), "Zürich");
    }

    #[test]
    fn bytes_are_told_from_text_and_obeyed_by_no_terminal() {
        assert_eq!(escaped(b"T-1 \"it's\""), "T-1 \"it's\"");
        assert_eq!(escaped(b"\xffT\x1b[0m\n"), "\\xffT\\u{1b}[0m\\n");
        let reversed = "Z\u{fc}rich \u{202e}x";
        assert_eq!(escaped(reversed.as_bytes()), "Z\u{fc}rich \\u{202e}x");
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_replaced() {
        assert_eq!(
            xml("a < b && \"c\" > d\u{1b}[31m\u{ffff}\n"),
            "a &lt; b &amp;&amp; &quot;c&quot; &gt; d\u{fffd}[31m\u{fffd}\n"
        );
    }
}
