//! Conditions and values of plan files in words.

use serde_json::{Map, Value as Json};

use crate::offline::harmless;

/// A scalar as the plan has it, without the characters that a terminal would obey.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => harmless(text).into_owned(),
        Json::Null => String::new(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}

/// `a, b or c`.
pub(super) fn list(words: impl Iterator<Item = String>, last: &str) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

/// A condition in words: `tier is gold and tags has one of legal, gdpr`.
pub(super) fn condition(condition: &Json) -> String {
    match condition {
        Json::Object(map) => all(map, " and "),
        // An expression is told as it was written.
        Json::String(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
            text(condition)
        }
    }
}

fn all(map: &Map<String, Json>, joint: &str) -> String {
    let parts = map.iter().map(|(key, value)| part(key, value));
    joined(parts.collect(), joint)
}

fn part(key: &str, value: &Json) -> String {
    match key {
        "any_of" => format!("({})", several(value, " or ")),
        "all_of" => format!("({})", several(value, " and ")),
        "not" => format!("not ({})", condition(value)),
        field => on_field(&harmless(field), value, false),
    }
}

fn several(value: &Json, joint: &str) -> String {
    let parts = value.as_array().into_iter().flatten();
    joined(parts.map(condition).collect(), joint)
}

/// Several conditions: those that have the other joint inside stand in brackets.
fn joined(mut parts: Vec<String>, joint: &str) -> String {
    let other = if joint == " and " { " or " } else { " and " };
    if parts.len() > 1 {
        for part in &mut parts {
            if part.contains(other) && !is_bracketed(part) {
                *part = format!("({part})");
            }
        }
    }
    parts.join(joint)
}

/// Whether one pair of brackets holds a whole condition.
fn is_bracketed(part: &str) -> bool {
    let inside = part.strip_prefix("not ").unwrap_or(part);
    let inside = inside.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    let mut depth = 0;
    inside.is_some_and(|inside| {
        inside.chars().all(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth >= 0
        })
    })
}

/// What is asked of one field, or its opposite.
fn on_field(field: &str, value: &Json, is_negated: bool) -> String {
    let Json::Object(operators) = value else {
        return operator(field, "any", value, is_negated);
    };
    let tests = operators.iter().map(|(name, value)| match &**name {
        "not" => on_field(field, value, !is_negated),
        name => operator(field, name, value, is_negated),
    });
    // Not all of several is at least one that is not.
    let joint = if is_negated { " or " } else { " and " };
    tests.collect::<Vec<_>>().join(joint)
}

fn operator(field: &str, name: &str, value: &Json, is_negated: bool) -> String {
    let is_tags = field == "tags";
    let values: Vec<String> = match value {
        Json::Array(values) => values.iter().map(text).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            vec![text(value)]
        }
    };
    let any = || list(values.iter().cloned(), "or");
    let every = || list(values.iter().cloned(), "and");
    let is_positive = !is_negated;
    match (name, is_positive) {
        ("any", true) | ("none", false) if is_tags => format!("{field} has {}", any()),
        ("none", true) | ("any", false) if is_tags => format!("{field} has no {}", any()),
        ("all", true) if is_tags => format!("{field} has {}", every()),
        ("all", false) if is_tags => format!("{field} lacks {}", any()),
        ("any" | "all", true) | ("none", false) => format!("{field} is {}", any()),
        ("none", true) | ("any" | "all", false) => format!("{field} is not {}", any()),
        ("at_least", true) => format!("{field} is at least {}", any()),
        ("at_least", false) => format!("{field} is below {}", any()),
        ("at_most", true) => format!("{field} is at most {}", any()),
        ("at_most", false) => format!("{field} is above {}", any()),
        ("contains", true) => format!("{field} contains {}", any()),
        ("contains", false) => format!("{field} does not contain {}", any()),
        ("exists", is_positive) => {
            let has_value = (*value == true) == is_positive;
            let word = if has_value { "has a value" } else { "is empty" };
            format!("{field} {word}")
        }
        (other, true) => format!("{field} {other} {}", any()),
        (other, false) => format!("not {field} {other} {}", any()),
    }
}

/// A text in lines of at most so many characters.
pub(super) fn broken(text: &str, chars: usize) -> Vec<String> {
    broken_by(text, chars as f64, |_| 1.0)
}

/// A text in lines of at most this width, broken between words, and words that are wider than a
/// line anywhere.
pub(super) fn broken_by(text: &str, width: f64, width_of: impl Fn(char) -> f64) -> Vec<String> {
    let measured = |text: &str| text.chars().map(&width_of).sum::<f64>();
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && measured(&line) + width_of(' ') + measured(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if !line.is_empty() && measured(&line) + width_of(c) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_told_in_words() {
        for (written, told) in [
            (json!({"tier": "gold"}), "tier is gold"),
            (
                json!({"tier": ["gold", "platinum"]}),
                "tier is gold or platinum",
            ),
            (json!({"tags": ["a", "b", "c"]}), "tags has a, b or c"),
            (json!({"tags": {"all": ["a", "b"]}}), "tags has a and b"),
            (json!({"tags": {"none": ["a", "b"]}}), "tags has no a or b"),
            (
                json!({"category": {"not": ["a", "b"]}}),
                "category is not a or b",
            ),
            (
                json!({"severity": {"at_least": 2, "at_most": 4}}),
                "severity is at least 2 and severity is at most 4",
            ),
            (
                json!({"severity": {"not": {"at_least": 2}}}),
                "severity is below 2",
            ),
            (json!({"assignee": {"exists": false}}), "assignee is empty"),
            (
                json!({"assignee": {"not": {"exists": false}}}),
                "assignee has a value",
            ),
            (
                json!({"subject": {"contains": "down"}}),
                "subject contains down",
            ),
            (
                json!({"any_of": [{"tier": "gold"}, {"labels.vip": true}], "priority": {"at_least": "high"}}),
                "(tier is gold or labels.vip is true) and priority is at least high",
            ),
            (
                json!({"any_of": [{"labels.site": ["A", "B"], "tier": "gold"}, {"priority": "critical"}]}),
                "(((labels.site is A or B) and tier is gold) or priority is critical)",
            ),
            (
                json!({"not": {"tier": "gold", "queue": "a"}}),
                "not (queue is a and tier is gold)",
            ),
            (
                json!("ticket.reopen_count >= 2"),
                "ticket.reopen_count >= 2",
            ),
        ] {
            assert_eq!(condition(&written), told);
        }
    }

    #[test]
    fn lines_are_broken_between_words_and_long_words_anywhere() {
        assert_eq!(broken("a bc def", 4), ["a bc", "def"]);
        assert_eq!(broken("ab abcdefghij k", 4), ["ab", "abcd", "efgh", "ij k"]);
        assert_eq!(broken("", 4), [""]);
    }

    #[test]
    fn control_characters_of_a_plan_do_not_reach_the_terminal() {
        assert_eq!(
            condition(&json!({"tier": "a\u{1b}[31m"})),
            "tier is a\u{fffd}[31m"
        );
    }
}
