//! The few values of a field at which tests on it can change their mind.

use escalator_engine::condition::{Counter, Field, Scalar, Subject, Test};
use escalator_engine::status::StatusCategory;
use escalator_engine::ticket::{Change, NumberField, Text, TextField, Ticket};

use super::Chosen;

/// A text that no plan asks for: a character for private use.
const OTHER: &str = "\u{f8ff}";

/// The values that a test writes.
pub(super) fn scalars(test: &Test) -> &[Scalar] {
    match test {
        Test::Any(scalars) | Test::All(scalars) | Test::None(scalars) => scalars,
        Test::AtLeast(bound) | Test::AtMost(bound) => std::slice::from_ref(bound),
        Test::Contains(_) | Test::Exists(_) => &[],
        Test::Not(inner) => scalars(inner),
    }
}

/// The part of a text that a test asks for.
fn part(test: &Test) -> Option<&Text> {
    match test {
        Test::Contains(part) => Some(part),
        Test::Not(inner) => part(inner),
        Test::Any(_)
        | Test::All(_)
        | Test::None(_)
        | Test::AtLeast(_)
        | Test::AtMost(_)
        | Test::Exists(_) => None,
    }
}

fn is_comparison(test: &Test) -> bool {
    match test {
        Test::AtLeast(_) | Test::AtMost(_) => true,
        Test::Not(inner) => is_comparison(inner),
        Test::Any(_) | Test::All(_) | Test::None(_) | Test::Contains(_) | Test::Exists(_) => false,
    }
}

/// Tickets that differ in the one field that is looked at.
#[derive(Debug, Default)]
pub(super) struct Values(Vec<Candidate>);

/// A ticket with a value in the field that is looked at.
#[derive(Clone, Debug, Default)]
struct Candidate {
    ticket: Ticket,
    category: Option<StatusCategory>,
    counter: Option<(Counter, u32)>,
}

impl Candidate {
    fn subject<'a>(&'a self, priorities: &'a [Text]) -> Subject<'a> {
        let count = |counter| match self.counter {
            Some((which, count)) if which == counter => count,
            Some(_) | None => 0,
        };
        Subject {
            ticket: &self.ticket,
            category: self.category.unwrap_or(StatusCategory::Open),
            reopen_count: count(Counter::Reopen),
            reassignment_count: count(Counter::Reassignment),
            customer_reply_count: count(Counter::CustomerReply),
            escalation_level: count(Counter::EscalationLevel),
            priorities,
        }
    }
}

impl Values {
    /// The values at which tests on a field can change their mind; none when there are too many.
    pub(super) fn of(field: &Field, chosen: &[Chosen<'_>], priorities: &[Text]) -> Option<Self> {
        let mut values = Self::default();
        match field {
            Field::Tags => values.tags(chosen),
            Field::StatusCategory => values.categories(),
            Field::Counter(counter) => values.counts(*counter, chosen),
            Field::Number(number) => values.numbers(*number, chosen),
            Field::Text(_) | Field::Label(_) => {
                let contains = chosen.iter().any(|(_, test, _)| part(test).is_some());
                let compares = chosen.iter().any(|(_, test, _)| is_comparison(test));
                if contains && compares && matches!(field, Field::Label(_)) {
                    // A number that contains a text is rare enough not to be looked for.
                    return None;
                }
                values.texts(field, chosen, priorities);
            }
        }
        Some(values)
    }

    /// Whether one of them is as asked.
    pub(super) fn any(&self, priorities: &[Text], is_it: impl Fn(&Subject<'_>) -> bool) -> bool {
        let mut candidates = self.0.iter();
        candidates.any(|candidate| is_it(&candidate.subject(priorities)))
    }

    fn add(&mut self, change: impl FnOnce(&mut Candidate)) {
        let mut candidate = Candidate::default();
        change(&mut candidate);
        self.0.push(candidate);
    }

    fn categories(&mut self) {
        for category in StatusCategory::ALL {
            self.add(|it| it.category = Some(category));
        }
    }

    /// Whole numbers at and beside those that are written.
    fn counts(&mut self, counter: Counter, chosen: &[Chosen<'_>]) {
        let mut counts = vec![0];
        for number in numbers(chosen) {
            // The conversion takes what is out of range to the end of the range.
            let count = number.floor() as u32;
            counts.extend([count.saturating_sub(1), count, count.saturating_add(1)]);
        }
        for count in counts {
            self.add(|it| it.counter = Some((counter, count)));
        }
    }

    /// No number, those that are written, and one on each side of them.
    fn numbers(&mut self, field: NumberField, chosen: &[Chosen<'_>]) {
        self.add(|_| {});
        for number in around(numbers(chosen)) {
            self.add(|it| match field {
                NumberField::Severity => it.ticket.severity = Some(number),
                NumberField::Satisfaction => it.ticket.satisfaction = Some(number),
            });
        }
    }

    /// No text, those that are written, all parts that are asked for in one text, any other text;
    /// every priority, and numbers for labels that are compared with some.
    fn texts(&mut self, field: &Field, chosen: &[Chosen<'_>], priorities: &[Text]) {
        let written = chosen.iter().flat_map(|(_, test, _)| scalars(test));
        let mut texts: Vec<Text> = written.map(|scalar| scalar.text.clone()).collect();
        texts.push(wanted_parts(chosen).into());
        if *field == Field::Text(TextField::Priority) {
            texts.extend(priorities.iter().cloned());
        }
        if chosen.iter().any(|(_, test, _)| is_comparison(test)) {
            texts.extend(around(numbers(chosen)).map(|number| number.to_string().into()));
        }
        self.add(|_| {});
        for text in texts {
            self.add(|it| match field {
                Field::Label(name) => {
                    it.ticket.labels.insert(name.clone(), text);
                }
                Field::Text(field) => {
                    it.ticket.merge(&[Change::Text(*field, Some(text))]);
                }
                Field::Number(_) | Field::Tags | Field::StatusCategory | Field::Counter(_) => {}
            });
        }
    }

    /// No tags, and as many of those that are written as are not excluded.
    fn tags(&mut self, chosen: &[Chosen<'_>]) {
        let written = chosen.iter().flat_map(|(_, test, _)| scalars(test));
        let mut tags: Vec<Text> = written.map(|scalar| scalar.text.clone()).collect();
        for part in chosen.iter().filter_map(|(_, test, _)| part(test)) {
            tags.extend([part.clone(), format!("{part}{OTHER}").into()]);
        }
        tags.push(OTHER.into());
        tags.sort_unstable();
        tags.dedup();
        tags.retain(|tag| {
            !chosen
                .iter()
                .any(|(_, test, passes)| excludes(test, *passes, tag))
        });
        self.add(|_| {});
        self.add(|it| it.ticket.tags = tags);
    }
}

/// Whether a test keeps a ticket from having a tag.
fn excludes(test: &Test, passes: bool, tag: &str) -> bool {
    let is_listed = |scalars: &[Scalar]| scalars.iter().any(|scalar| *scalar.text == *tag);
    match test {
        Test::Not(inner) => excludes(inner, !passes, tag),
        Test::Any(scalars) => !passes && is_listed(scalars),
        Test::None(scalars) => passes && is_listed(scalars),
        Test::All(scalars) => !passes && scalars.len() == 1 && is_listed(scalars),
        Test::Contains(part) => !passes && tag.contains(&**part),
        Test::AtLeast(_) | Test::AtMost(_) | Test::Exists(_) => false,
    }
}

/// Every part that a text has to contain, in one text.
fn wanted_parts(chosen: &[Chosen<'_>]) -> String {
    fn is_wanted(test: &Test, passes: bool) -> bool {
        match test {
            Test::Not(inner) => is_wanted(inner, !passes),
            Test::Any(_)
            | Test::All(_)
            | Test::None(_)
            | Test::AtLeast(_)
            | Test::AtMost(_)
            | Test::Contains(_)
            | Test::Exists(_) => passes,
        }
    }
    let mut text = OTHER.to_owned();
    for (_, test, passes) in chosen {
        if let Some(part) = part(test).filter(|_| is_wanted(test, *passes)) {
            text.push_str(part);
            text.push_str(OTHER);
        }
    }
    text
}

/// The numbers that tests write, in order.
fn numbers(chosen: &[Chosen<'_>]) -> Vec<f64> {
    let written = chosen.iter().flat_map(|(_, test, _)| scalars(test));
    let mut numbers: Vec<f64> = written.filter_map(|scalar| scalar.number).collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.dedup();
    numbers
}

/// Numbers in order, and one before, between and after them.
fn around(numbers: Vec<f64>) -> impl Iterator<Item = f64> {
    let between: Vec<f64> = numbers
        .windows(2)
        .map(|pair| f64::midpoint(pair[0], pair[1]))
        .collect();
    [f64::MIN, f64::MAX]
        .into_iter()
        .chain(numbers)
        .chain(between)
}
