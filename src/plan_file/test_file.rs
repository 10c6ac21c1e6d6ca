//! Plan tests (`*.test.yaml`): which plans, which events go in at which time, and what must come
//! out. Read with the same care as plans: every problem has its place, a code and a remedy.
//!
//! Only the form is settled here. Events become JSON as the topics carry it; whether the service
//! would take them, and what plans make of them, is found out by whoever runs the tests.

mod events;
mod expectations;
mod fields;
mod times;

use std::collections::{BTreeMap, BTreeSet};

use escalator_engine::effect::EscalatedType;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde_json::Value as Json;

use self::times::Times;
use super::node::{self, Node, Value};
use super::problem::{self, Code, Place, Problem, Severity};
use super::reader::{Fields, Reader};
use super::scope::twice;
use super::source::Sources;

/// Tests of a file; more belong into several files, which people find their way in.
const TESTS_MAX: usize = 1000;

/// Events and expectations of a test, each. What needs more is a recording for `simulate`.
const STEPS_MAX: usize = 10_000;

/// A test file that was checked.
#[derive(Clone, Debug)]
pub struct CheckedTests {
    /// The file.
    pub sources: Sources,
    /// All problems, in the order of their places.
    pub problems: Vec<Problem>,
    /// The plans as written and where they are named, whatever else is wrong.
    pub plans: Option<(Text, Place)>,
    /// The tests, unless there is an error.
    pub file: Option<TestFile>,
}

impl CheckedTests {
    /// Adds problems that were found later; an error takes the tests away.
    pub fn add(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
        self.problems
            .sort_by_key(|problem| (problem.place, problem.code));
        if problem::count(&self.problems, Severity::Error) > 0 {
            self.file = None;
        }
    }
}

/// What a test file says.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// The plans as written, relative to the test file.
    pub plans: Text,
    /// Where they are named.
    pub plans_place: Place,
    /// The tests in their order.
    pub tests: Vec<PlanTest>,
}

/// One test: a timeline of its own.
#[derive(Clone, Debug)]
pub struct PlanTest {
    /// Unique in its file.
    pub name: Text,
    /// Where the name stands.
    pub place: Place,
    /// The instant that offsets count from.
    pub start: Timestamp,
    /// What goes in, as written.
    pub events: Vec<TestEvent>,
    /// What must come out, as written.
    pub expectations: Vec<Expectation>,
    /// Nothing may come out later than this.
    pub none_after: Option<(Timestamp, Place)>,
    /// Whether everything that comes out must be expected, and where that is said.
    pub only: Option<Place>,
    /// Where the virtual clock stops at the earliest; see [`PlanTest::end`].
    pub until: Option<Timestamp>,
}

impl PlanTest {
    /// Where the virtual clock stops, itself included: at `until`, else at the last instant that
    /// the test speaks of.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        if let Some(until) = self.until {
            return until;
        }
        let events = self.events.iter().map(|event| event.at);
        let expectations = self.expectations.iter().map(|it| it.at);
        let none_after = self.none_after.iter().map(|(at, _)| *at);
        events
            .chain(expectations)
            .chain(none_after)
            .fold(self.start, Timestamp::max)
    }
}

/// One event in.
#[derive(Clone, Debug)]
pub struct TestEvent {
    /// Where it stands.
    pub place: Place,
    /// When it happens.
    pub at: Timestamp,
    /// Whether it is a created event rather than an update.
    pub is_created: bool,
    /// Whose event it is.
    pub ticket_id: Text,
    /// The event as its topic carries it.
    pub value: Json,
    /// The status word that it brings, and where that stands.
    pub status: Option<(Text, Place)>,
}

/// One event that must come out.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Where it stands.
    pub place: Place,
    /// When it comes out.
    pub at: Timestamp,
    /// Whether that is written as an instant rather than as a time since the start.
    pub is_instant: bool,
    /// What it is.
    pub kind: ExpectedKind,
    /// Whose it is; none is a digest, which is nobody's.
    pub ticket_id: Option<Text>,
    /// What its fields must be.
    pub fields: Vec<ExpectedField>,
    /// Exactly who is told by it, when that is asked: `target` or `target/channel`.
    pub told: Option<Vec<Text>>,
}

/// The kinds of event out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedKind {
    /// An event on `escalated`.
    Escalated(EscalatedType),
    /// An event on `notify`.
    Notify,
}

impl ExpectedKind {
    /// The word in test files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Escalated(kind) => kind.name(),
            Self::Notify => "notify",
        }
    }
}

/// What one field of an event out must be.
#[derive(Clone, Debug)]
pub struct ExpectedField {
    /// The field's name in the event.
    pub name: &'static str,
    /// Its value.
    pub wanted: Wanted,
}

/// A value that a field must have.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// This value; of a map only the keys that are written.
    Is(Json),
    /// A text with this part.
    Contains(String),
    /// A cause of this kind, of this name, or of this name and mark.
    Cause(String),
}

/// Reads the first file of a set as plan tests.
#[must_use]
pub fn check_tests(sources: Sources) -> CheckedTests {
    let mut reader = Reader::default();
    let (mut file, mut plans) = (None, None);
    if let Some(source) = sources.files().first() {
        match node::parse(0, source) {
            Ok(tree) => {
                file = plan_tests(&mut reader, &tree);
                let named = file.as_ref();
                plans = named.map(|file| (file.plans.clone(), file.plans_place));
            }
            Err(problem) => reader.push(*problem),
        }
    }
    let mut checked = CheckedTests {
        sources,
        problems: Vec::new(),
        plans,
        file,
    };
    checked.add(reader.into_problems());
    checked
}

fn plan_tests(reader: &mut Reader, tree: &Node) -> Option<TestFile> {
    if matches!(tree.value, Value::Null) {
        reader.report(
            Code::WrongType,
            tree.place,
            "the file is empty",
            "begin it with `plans: FILE` and `tests:`, or remove it",
        );
        return None;
    }
    if tree.get("mappings").is_some() && tree.get("plans").is_none() {
        reader.report(
            Code::WrongType,
            tree.place,
            "these are tests of mappings, not of plans",
            "run them with `escalator mapping test`, or name a directory without them",
        );
        return None;
    }
    let fields = reader.map(tree, "a test file", &["plans", "tests"]);
    let plans = reader.required(&fields, "plans", "a test file");
    let plans = plans.map(|node| (reader.name(node, "`plans`"), node.place));
    let nodes = match reader.required(&fields, "tests", "a test file") {
        Some(node) => reader.list_of(node, "`tests`", TESTS_MAX, "tests"),
        None => &[],
    };
    if let Some(node) = fields.get("tests")
        && nodes.is_empty()
    {
        reader.report(
            Code::MissingKey,
            node.place,
            "the file holds no tests",
            "add a test with `name`, `start`, `events` and `expect`, or remove the file",
        );
    }
    let mut names: BTreeMap<Text, Place> = BTreeMap::new();
    let mut tests = Vec::new();
    for node in nodes {
        let test = plan_test(reader, node);
        match names.get(&test.name) {
            Some(first) => reader.push(twice("test", &test.name, test.place, *first)),
            // A test without a name was reported and is no namesake of others.
            None if test.name.is_empty() => {}
            None => {
                names.insert(test.name.clone(), test.place);
            }
        }
        tests.push(test);
    }
    let (plans, plans_place) = plans?;
    Some(TestFile {
        plans,
        plans_place,
        tests,
    })
}

const TEST_KEYS: [&str; 7] = [
    "name",
    "start",
    "events",
    "expect",
    "expect_none_after",
    "expect_only",
    "until",
];

fn plan_test(reader: &mut Reader, node: &Node) -> PlanTest {
    let errors = reader.error_count();
    let fields = reader.map(node, "a test", &TEST_KEYS);
    let name = match reader.required(&fields, "name", "a test") {
        Some(node) => reader.name(node, "the test's name"),
        None => Text::from(""),
    };
    let start = reader.required(&fields, "start", "a test");
    let times = Times::from_start(reader, start);
    let nodes = steps(reader, &fields, "events").iter().enumerate();
    let events: Vec<_> = nodes
        .map(|(index, node)| events::event(reader, &times, node, index))
        .collect();
    // With an event that could not be read its ticket would be missed for a second time.
    let is_complete = events.iter().all(Option::is_some);
    let events: Vec<_> = events.into_iter().flatten().collect();
    let tickets: Option<BTreeSet<&str>> =
        is_complete.then(|| events.iter().map(|event| &*event.ticket_id).collect());
    let expectations: Vec<_> = steps(reader, &fields, "expect")
        .iter()
        .filter_map(|node| expectations::expectation(reader, &times, tickets.as_ref(), node))
        .collect();
    let mut test = PlanTest {
        name,
        place: super::plans::name_place(node),
        start: times.start(),
        events,
        expectations,
        none_after: fields.get("expect_none_after").map(|node| {
            (
                times.instant(reader, node, "`expect_none_after`"),
                node.place,
            )
        }),
        only: fields.get("expect_only").and_then(|node| {
            let is_only = reader.truth(node, "`expect_only`");
            is_only.then_some(node.place)
        }),
        until: None,
    };
    if let Some(node) = fields.get("until") {
        let until = times.instant(reader, node, "`until`");
        times.no_later(reader, node, until, &test);
        test.until = Some(until);
    }
    let expects_nothing =
        test.expectations.is_empty() && test.none_after.is_none() && test.only.is_none();
    // One with an error may have meant to.
    if expects_nothing && reader.is_sound_since(errors) {
        reader.report(
            Code::MissingKey,
            test.place,
            "this test expects nothing, so that it cannot fail",
            "add `expect`, or `expect_only: true` when nothing may come out",
        );
    }
    test
}

/// The entries of a list that may be missing.
fn steps<'n>(reader: &mut Reader, fields: &Fields<'n>, key: &str) -> &'n [Node] {
    let Some(node) = fields.get(key) else {
        return &[];
    };
    reader.list_of(node, &format!("`{key}`"), STEPS_MAX, "entries")
}
