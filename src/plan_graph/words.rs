//! Conditions and values of plan files in words.

use serde_json::Value as Json;

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
    said(condition).text
}

/// A condition in words, and how these hang together.
#[derive(Default)]
struct Said {
    text: String,
    has_and: bool,
    has_or: bool,
    /// Whether one pair of brackets holds all of it.
    is_bracketed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
}

impl Joint {
    const fn between(self) -> &'static str {
        match self {
            Self::And => " and ",
            Self::Or => " or ",
        }
    }
}

impl Said {
    fn plain(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }

    fn in_brackets(self, before: &str) -> Self {
        Self {
            text: format!("{before}({})", self.text),
            is_bracketed: true,
            ..self
        }
    }

    /// Several, one behind the other.
    fn joined(mut parts: Vec<Self>, joint: Joint) -> Self {
        if parts.len() < 2 {
            return parts.pop().unwrap_or_default();
        }
        let texts: Vec<&str> = parts.iter().map(|part| &*part.text).collect();
        Self {
            text: texts.join(joint.between()),
            has_and: joint == Joint::And || parts.iter().any(|part| part.has_and),
            has_or: joint == Joint::Or || parts.iter().any(|part| part.has_or),
            is_bracketed: false,
        }
    }

    /// Several conditions: those that have the other joint inside stand in brackets.
    fn together(mut parts: Vec<Self>, joint: Joint) -> Self {
        if parts.len() > 1 {
            for part in &mut parts {
                if part.has_other(joint) && !part.is_bracketed {
                    *part = std::mem::take(part).in_brackets("");
                }
            }
        }
        Self::joined(parts, joint)
    }

    const fn has_other(&self, joint: Joint) -> bool {
        match joint {
            Joint::And => self.has_or,
            Joint::Or => self.has_and,
        }
    }
}

fn said(condition: &Json) -> Said {
    match condition {
        Json::Object(map) => {
            let parts = map.iter().map(|(key, value)| part(key, value));
            Said::together(parts.collect(), Joint::And)
        }
        // An expression is told as it was written.
        Json::String(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
            Said::plain(text(condition))
        }
    }
}

fn part(key: &str, value: &Json) -> Said {
    match key {
        "any_of" => several(value, Joint::Or).in_brackets(""),
        "all_of" => several(value, Joint::And).in_brackets(""),
        "not" => said(value).in_brackets("not "),
        field => on_field(&harmless(field), value, false),
    }
}

fn several(value: &Json, joint: Joint) -> Said {
    let parts = value.as_array().into_iter().flatten();
    Said::together(parts.map(said).collect(), joint)
}

/// What is asked of one field, or its opposite.
fn on_field(field: &str, value: &Json, is_negated: bool) -> Said {
    let Json::Object(operators) = value else {
        return operator(field, "any", value, is_negated);
    };
    let tests = operators.iter().map(|(name, value)| match &**name {
        "not" => on_field(field, value, !is_negated),
        name => operator(field, name, value, is_negated),
    });
    // Not all of several is at least one that is not.
    let joint = if is_negated { Joint::Or } else { Joint::And };
    Said::joined(tests.collect(), joint)
}

fn operator(field: &str, name: &str, value: &Json, is_negated: bool) -> Said {
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
    let has_several = values.len() > 1 && name != "exists";
    let has_and = has_several && is_tags && name == "all" && is_positive;
    let text = match (name, is_positive) {
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
    };
    Said {
        text,
        has_and,
        has_or: has_several && !has_and,
        is_bracketed: false,
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
