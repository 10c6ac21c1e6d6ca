//! What becomes of the values in a record: texts, numbers, instants and lists of texts.

use std::collections::BTreeMap;

use escalator_engine::time::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::condition::Condition;
use super::path::{Path, is_nothing, text_of};

/// Where a value comes from: the first of some choices that gives one.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(Vec<Choice>);

/// One place where a value may come from, and what is done with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The records that it is for; all without one.
    pub when: Option<Condition>,
    /// Where it comes from.
    pub from: Origin,
    /// Other texts for some of its texts; none empties the field.
    pub table: BTreeMap<String, Option<String>>,
    /// The text for those that are not in the table; they stay as they are without one.
    pub default: Option<String>,
    /// What is put before the text.
    pub prefix: String,
    /// How an instant is written.
    pub form: Form,
    /// Where the texts of a list are split, beside its items.
    pub split: Option<String>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// What a path leads to.
    Path(Path),
    /// The same value in every record.
    Constant(Json),
}

/// How an instant is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Form {
    /// RFC 3339; the offset may lack its colon.
    #[default]
    Rfc3339,
    /// Milliseconds since 1970.
    Millis,
    /// Seconds since 1970, with or without a fraction.
    Seconds,
    /// A pattern of `strftime`, and the time zone of what names none.
    Pattern(String, TimeZone),
}

/// A value that is not what its field needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    /// What the field needs.
    pub(super) expected: &'static str,
    /// What was found.
    pub(super) found: &'static str,
}

impl Choice {
    /// What comes from there, by its own text.
    #[must_use]
    pub const fn of(from: Origin) -> Self {
        Self {
            when: None,
            from,
            table: BTreeMap::new(),
            default: None,
            prefix: String::new(),
            form: Form::Rfc3339,
            split: None,
        }
    }

    /// Everything that is there: none when the record does not say, nothing when it says nothing.
    fn find<'s: 'r, 'r>(&'s self, record: &'r Json) -> Option<Vec<&'r Json>> {
        let mut values = match &self.from {
            Origin::Constant(value) => vec![value],
            Origin::Path(path) => path.find(record)?,
        };
        values.retain(|value| !is_nothing(value));
        Some(values)
    }

    fn looked_up(&self, text: String) -> Option<String> {
        let found = match self.table.get(&text) {
            Some(other) => other.clone(),
            None => Some(self.default.clone().unwrap_or(text)),
        };
        found.filter(|text| !text.is_empty())
    }

    fn prefixed(&self, text: &str) -> String {
        format!("{}{text}", self.prefix)
    }

    fn parts(&self, text: String) -> Vec<String> {
        match &self.split {
            Some(split) => text.split(split.as_str()).map(str::to_owned).collect(),
            None => vec![text],
        }
    }
}

impl Value {
    /// The first of these that gives something.
    #[must_use]
    pub const fn new(choices: Vec<Choice>) -> Self {
        Self(choices)
    }

    /// Where it comes from, as people write it.
    pub(super) fn place(&self) -> String {
        let places = self.0.iter().map(|choice| match &choice.from {
            Origin::Path(path) => format!("`{path}`"),
            Origin::Constant(value) => format!("`{}`", value.as_str().unwrap_or_default()),
        });
        places.collect::<Vec<_>>().join(" or ")
    }

    /// The choice that gives something, with all that it gives; the last that says that there is nothing
    /// when none does, and none when the record does not say.
    fn chosen<'s: 'r, 'r>(&'s self, record: &'r Json) -> Option<(&'s Choice, Vec<&'r Json>)> {
        let mut nothing = None;
        for choice in &self.0 {
            if choice.when.as_ref().is_some_and(|it| !it.holds(record)) {
                continue;
            }
            match choice.find(record) {
                Some(values) if values.is_empty() => nothing = Some((choice, values)),
                Some(values) => return Some((choice, values)),
                None => {}
            }
        }
        nothing
    }

    /// The first text with the choice that gives it: none when the record does not say, no text when the
    /// field is empty.
    fn first(&self, record: &Json) -> Result<Option<(&Choice, Option<String>)>, Unfit> {
        let Some((choice, values)) = self.chosen(record) else {
            return Ok(None);
        };
        let Some(value) = values.first() else {
            return Ok(Some((choice, None)));
        };
        let text = text_of(value).ok_or_else(|| unfit("a single value", value))?;
        Ok(Some((choice, choice.looked_up(text))))
    }

    /// The text of a field: null when the field is empty.
    pub(super) fn text(&self, record: &Json) -> Result<Option<Json>, Unfit> {
        let first = self.first(record)?;
        Ok(first.map(|(choice, text)| text.map(|text| choice.prefixed(&text)).into()))
    }

    /// An id, and what it is before anything is put before it; none where there is none.
    pub(super) fn id(&self, record: &Json) -> Result<Option<[String; 2]>, Unfit> {
        let first = self.first(record)?;
        let found = first.and_then(|(choice, own)| Some((choice, own?)));
        Ok(found.map(|(choice, own)| [choice.prefixed(&own), own]))
    }

    /// A number, or a text that is one.
    pub(super) fn number(&self, record: &Json) -> Result<Option<Json>, Unfit> {
        self.read(record, "a number", |_, text| {
            let whole = text.parse::<i64>().map(Json::from);
            let number = whole.or_else(|_| text.parse::<f64>().map(Json::from));
            // JSON has no number for some, such as `NaN`.
            number.ok().filter(|number| !number.is_null())
        })
    }

    /// The texts of a list.
    pub(super) fn texts(&self, record: &Json) -> Result<Option<Json>, Unfit> {
        let Some((choice, values)) = self.chosen(record) else {
            return Ok(None);
        };
        let mut texts = Vec::new();
        for value in values {
            let text = text_of(value).ok_or_else(|| unfit("a list of single values", value))?;
            for part in choice.parts(text) {
                let text = Some(part.trim()).filter(|text| !text.is_empty());
                let text = text.and_then(|text| choice.looked_up(text.to_owned()));
                texts.extend(text.map(|text| choice.prefixed(&text)));
            }
        }
        Ok(Some(texts.into()))
    }

    /// An instant, in RFC 3339.
    pub(super) fn instant(&self, record: &Json) -> Result<Option<Json>, Unfit> {
        self.read(
            record,
            "an instant of the form that the mapping gives",
            |form, text| Some(form.read(text)?.to_string().into()),
        )
    }

    /// A whole number, or the milliseconds of an instant.
    pub(super) fn version(&self, record: &Json) -> Result<Option<Json>, Unfit> {
        self.read(record, "a whole number or an instant", |form, text| {
            let number = text.parse::<i64>().ok().filter(|_| *form == Form::Rfc3339);
            let version = number.or_else(|| form.read(text).map(Timestamp::as_millis));
            version.map(Json::from)
        })
    }

    fn read(
        &self,
        record: &Json,
        expected: &'static str,
        read: impl Fn(&Form, &str) -> Option<Json>,
    ) -> Result<Option<Json>, Unfit> {
        match self.first(record)? {
            None => Ok(None),
            Some((_, None)) => Ok(Some(Json::Null)),
            Some((choice, Some(text))) => match read(&choice.form, &text) {
                Some(value) => Ok(Some(value)),
                None => Err(Unfit {
                    expected,
                    found: "another text",
                }),
            },
        }
    }
}

fn unfit(expected: &'static str, value: &Json) -> Unfit {
    let found = match value {
        Json::Null => "null",
        Json::Bool(_) => "a truth value",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    Unfit { expected, found }
}

impl Form {
    /// A pattern with which a date and a time can be read.
    #[must_use]
    pub fn pattern(pattern: &str, zone: TimeZone) -> Option<Self> {
        let form = Self::Pattern(pattern.to_owned(), zone.clone());
        // A morning and an evening, of which nothing is lost that people write.
        let is_read = |second: i64| {
            let sample = jiff::Timestamp::from_second(second).ok()?;
            let text = strtime::format(pattern, &sample.to_zoned(zone.clone())).ok()?;
            let read = form.read(&text)?;
            Some(read.as_millis() == sample.as_millisecond())
        };
        let are_read = [1_795_424_400, 1_795_467_600].map(is_read);
        are_read.iter().all(|it| *it == Some(true)).then_some(form)
    }

    fn read(&self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Rfc3339 => rfc3339(text),
            Self::Millis => since_1970(text, 1),
            Self::Seconds => since_1970(text, 1000),
            Self::Pattern(pattern, zone) => {
                let parts = strtime::parse(pattern, text).ok()?;
                let instant = parts.to_zoned().map(|at| at.timestamp()).or_else(|_| {
                    let local = parts.to_datetime()?;
                    zone.to_timestamp(local)
                });
                Some(Timestamp::from_millis(instant.ok()?.as_millisecond()))
            }
        }
    }
}

/// An instant by a number of so many milliseconds, which may have a fraction.
fn since_1970(text: &str, unit_ms: i64) -> Option<Timestamp> {
    let whole = text.parse::<i64>().ok();
    let ms = whole
        .and_then(|whole| whole.checked_mul(unit_ms))
        .or_else(|| {
            let number = text.parse::<f64>().ok()? * unit_ms as f64;
            number.is_finite().then_some(number.round() as i64)
        })?;
    // What no calendar has is no instant.
    let instant = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

/// RFC 3339, whose offset may lack the colon.
fn rfc3339(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = Timestamp::parse(text) {
        return Some(instant);
    }
    let at = text
        .len()
        .checked_sub(2)
        .filter(|at| text.is_char_boundary(*at))?;
    let (front, minutes) = text.split_at(at);
    Timestamp::parse(&format!("{front}:{minutes}")).ok()
}
