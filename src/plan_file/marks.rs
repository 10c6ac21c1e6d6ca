//! `marks:` what happens on the way of a clock: a threshold, who is warned, which level is asked.

use escalator_engine::length::{Length, LengthError};
use escalator_engine::plan::{Mark, MarkAt, Within};
use escalator_engine::time::Duration;

use super::node::Node;
use super::plans::Frame;
use super::problem::{Code, Place, Problem};
use super::reader::Reader;

/// Marks of a timeframe; each is a deadline in the state of every ticket.
const MARKS_MAX: usize = 100;

/// Millionths in one per cent; four decimals of a per cent are exact.
const MILLIONTHS_PER_CENT: u64 = 10_000;

/// A hundred times the length is far beyond any use, and far from overflow.
const PER_CENT_MAX: u64 = 10_000;

/// Reads the marks of a timeframe with this length.
pub(super) fn collect(
    reader: &mut Reader,
    frame: &Frame<'_>,
    node: &Node,
    within: Option<&Within>,
) -> Vec<Mark> {
    let mut marks: Vec<(Mark, Place)> = Vec::new();
    for node in reader.list_of(node, "`marks`", MARKS_MAX, "marks") {
        let Some((mark, place)) = mark(reader, frame, node, within) else {
            continue;
        };
        if let Some(first) = marks.iter().find(|(other, _)| is_same(other.at, mark.at)) {
            // One threshold can be written in several ways.
            let message = if first.0.text == mark.text {
                format!("a mark stands at `{}` already", mark.text)
            } else {
                format!(
                    "`{}` is where the mark `{}` stands already",
                    mark.text, first.0.text
                )
            };
            reader.push(
                Problem::new(
                    Code::DuplicateMark,
                    place,
                    &message,
                    "put what they do into one mark: it can both warn and ask for a level",
                )
                .with_other(first.1, "the first one"),
            );
        }
        marks.push((mark, place));
    }
    marks.into_iter().map(|(mark, _)| mark).collect()
}

/// Whether two marks have the same threshold whatever the length.
fn is_same(a: MarkAt, b: MarkAt) -> bool {
    a == b || (a.is_breach() && b.is_breach())
}

fn mark(
    reader: &mut Reader,
    frame: &Frame<'_>,
    node: &Node,
    within: Option<&Within>,
) -> Option<(Mark, Place)> {
    let fields = reader.map(node, "a mark", &["at", "warn", "level"]);
    let warn = match fields.get("warn") {
        Some(node) => frame.scope.addresses(reader, node, "`warn`"),
        None => Vec::new(),
    };
    let level = fields
        .get("level")
        .map(|node| frame.level(reader, node, "`level`"));
    let at_node = reader.required(&fields, "at", "a mark")?;
    if level.is_none() && fields.get("warn").is_none() {
        reader.report(
            Code::IdleMark,
            at_node.place,
            "this mark neither warns nor asks for a level",
            "add `warn: [TARGET]` or `level: N`",
        );
    }
    let text = reader.scalar(at_node, "`at`")?;
    let at = at(reader, at_node, text)?;
    if let Some(within) = within {
        check_positive(reader, at_node, text, at, within);
    }
    let mark = Mark {
        text: text.into(),
        at,
        warn,
        level,
    };
    Some((mark, at_node.place))
}

fn at(reader: &mut Reader, node: &Node, text: &str) -> Option<MarkAt> {
    let at = parse(text);
    if at.is_none() {
        let offset = text.strip_prefix(['+', '-']).unwrap_or(text);
        let remedy = match Length::parse(offset) {
            Err(LengthError::TooLong(_)) => format!("write at most {}", Duration::MAX),
            Ok(_) if offset == text => {
                format!("write `+{text}` for so long after `within`, or `-{text}` for before")
            }
            _ => "write a share of `within` as in 80%, or a time relative to it as in -30m, +2h or +1wd"
                .to_owned(),
        };
        reader.report(
            Code::BadMark,
            node.place,
            &format!("a mark cannot stand at `{text}`"),
            &remedy,
        );
    }
    at
}

fn parse(text: &str) -> Option<MarkAt> {
    if let Some(share) = text.strip_suffix('%') {
        return share_millionths(share).map(MarkAt::Share);
    }
    let is_before = match text.bytes().next()? {
        b'-' => true,
        b'+' => false,
        _ => return None,
    };
    match (Length::parse(&text[1..]).ok()?, is_before) {
        (Length::Working(offset), false) => Some(MarkAt::Offset(offset)),
        (Length::Working(offset), true) => {
            Some(MarkAt::Offset(Duration::from_millis(-offset.as_millis())))
        }
        (Length::Days(days), false) => Some(MarkAt::After(days)),
        (Length::Days(days), true) => Some(MarkAt::Before(days)),
    }
}

/// Per cent with up to four decimals, in millionths.
fn share_millionths(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| {
        !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 4 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{decimals:0<4}").parse().ok()?;
    (whole <= PER_CENT_MAX).then_some(whole * MILLIONTHS_PER_CENT + part)
}

fn check_positive(reader: &mut Reader, node: &Node, text: &str, at: MarkAt, within: &Within) {
    // The shortest is the first to fail.
    let failing = within
        .extremes()
        .into_iter()
        .find(|length| !is_positive(at, *length));
    if let Some(length) = failing {
        reader.report(
            Code::MarkNotPositive,
            node.place,
            &format!("the mark `{text}` would not fall after the start when `within` is {length}"),
            "write a share of `within`, as in 80%, or make the offset smaller",
        );
    }
}

/// Whether a mark can fall after the start. One so many working days before the deadline may lie
/// before the start of one ticket and after that of another, so it is never refused.
fn is_positive(at: MarkAt, length: Length) -> bool {
    // No working day has more; a shorter one is a matter of the date.
    const DAY_MS: i64 = 86_400_000;
    let longest = match length {
        Length::Working(working) => working,
        Length::Days(days) => Duration::from_millis(i64::from(days.count()) * DAY_MS),
    };
    at.threshold(longest)
        .is_none_or(|threshold| threshold > Duration::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_read_shares_and_signed_offsets() {
        let minutes = |m: i64| Some(MarkAt::Offset(Duration::from_millis(m * 60_000)));
        for (text, at) in [
            ("80%", Some(MarkAt::Share(800_000))),
            ("100%", Some(MarkAt::BREACH)),
            ("12.5%", Some(MarkAt::Share(125_000))),
            ("0.0001%", Some(MarkAt::Share(1))),
            ("150%", Some(MarkAt::Share(1_500_000))),
            ("+2h", minutes(120)),
            ("-30m", minutes(-30)),
            ("+0s", minutes(0)),
            ("2h", None),
            ("100", None),
            ("%", None),
            ("1.23456%", None),
            ("-5%", None),
            ("100000%", None),
            ("+", None),
            ("+-2h", None),
        ] {
            assert_eq!(parse(text), at, "{text}");
        }
    }
}
