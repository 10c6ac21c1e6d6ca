//! Tests of mappings (`*.test.yaml` beside mapping files): a record as its system writes it, and the
//! event that it has to become.
//!
//! Records are taken as JSON, whose numbers and truth values are none of the tree's: the file is read
//! a second time for them.

use std::path::Path;

use escalator_engine::ticket::Text;
use serde_json::Value as Json;

use super::node::{self, Node};
use super::problem::{Code, Place, Problem};
use super::reader::Reader;
use super::source::Sources;
use super::{Error, plans};

/// Tests of a file, as of a file of plan tests.
const TESTS_MAX: usize = 1000;

/// A file of tests that was checked.
#[derive(Clone, Debug)]
pub struct CheckedMappingTests {
    /// The file.
    pub sources: Sources,
    /// All problems, in the order of their places.
    pub problems: Vec<Problem>,
    /// The tests, unless there is an error.
    pub file: Option<MappingTestFile>,
}

/// What a file of tests says.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingTestFile {
    /// The mappings as written, relative to the test file.
    pub mappings: Text,
    /// Where they are named.
    pub mappings_place: Place,
    /// The tests in their order.
    pub tests: Vec<MappingTest>,
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingTest {
    /// What it shows.
    pub name: Text,
    /// Where the name stands.
    pub place: Place,
    /// Whether the record lies in the topic of created events.
    pub in_created: bool,
    /// The record's key, if it has one.
    pub key: Option<Text>,
    /// The record's value.
    pub record: Json,
    /// What has to become of it.
    pub expected: Expected,
}

/// What has to become of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// This event.
    Event {
        /// Whether it is a created event.
        is_created: bool,
        /// The event, whole.
        value: Json,
    },
    /// It says nothing of a ticket.
    Ignored,
    /// A dead letter for this reason.
    Refused(Text, Place),
}

/// Reads and checks a file of tests.
///
/// # Errors
/// The file cannot be read. What is wrong in it is among the problems.
pub fn load_mapping_tests(path: &Path) -> Result<CheckedMappingTests, Error> {
    Ok(check_mapping_tests(Sources::read(path)?))
}

/// Checks the first file of a set as tests of mappings.
#[must_use]
pub fn check_mapping_tests(sources: Sources) -> CheckedMappingTests {
    let mut reader = Reader::default();
    let mut file = None;
    if let Some(source) = sources.files().first() {
        match (node::parse(0, source), node::parse_json(0, source)) {
            (Ok(tree), Ok(json)) => file = tests(&mut reader, &tree, &json),
            (Err(problem), _) | (_, Err(problem)) => reader.push(*problem),
        }
    }
    let is_sound = reader.error_count() == 0;
    CheckedMappingTests {
        sources,
        problems: reader.into_problems(),
        file: file.filter(|_| is_sound),
    }
}

fn tests(reader: &mut Reader, tree: &Node, json: &Json) -> Option<MappingTestFile> {
    let what = "a test file of mappings";
    if tree.get("plans").is_some() && tree.get("mappings").is_none() {
        reader.report(
            Code::WrongType,
            tree.place,
            "these are tests of plans, not of mappings",
            "run them with `escalator test`, or name a directory without them",
        );
        return None;
    }
    let fields = reader.map(tree, what, &["mappings", "tests"]);
    let mappings = reader.required(&fields, "mappings", what);
    let mappings = mappings.map(|node| (reader.name(node, "`mappings`"), node.place));
    let node = reader.required(&fields, "tests", what)?;
    let nodes = reader.list_of(node, "`tests`", TESTS_MAX, "tests");
    if nodes.is_empty() {
        reader.report(
            Code::MissingKey,
            node.place,
            "the file holds no tests",
            "add a test with `name`, `record` and `expect`, or remove the file",
        );
    }
    let read = nodes.iter().zip(0..);
    let read =
        read.filter_map(|(node, index): (_, usize)| test(reader, node, &json["tests"][index]));
    let tests = read.collect();
    let (mappings, mappings_place) = mappings?;
    Some(MappingTestFile {
        mappings,
        mappings_place,
        tests,
    })
}

fn test(reader: &mut Reader, node: &Node, json: &Json) -> Option<MappingTest> {
    let keys = ["name", "topic", "key", "record", "expect"];
    let fields = reader.map(node, "a test", &keys);
    let name = reader.required(&fields, "name", "a test");
    let name = name.map(|node| reader.name(node, "the test's name"));
    let topics = [("ticket-created", true), ("ticket-updated", false)];
    let topic = fields.get("topic");
    let in_created = topic.is_some_and(|node| reader.word(node, "`topic`", &topics));
    let key = fields.get("key").map(|node| reader.name(node, "`key`"));
    reader.required(&fields, "record", "a test");
    let expected = reader.required(&fields, "expect", "a test");
    let expected = expected.and_then(|node| expected_of(reader, node, &json["expect"]));
    Some(MappingTest {
        name: name?,
        place: plans::name_place(node),
        in_created,
        key,
        record: json["record"].clone(),
        expected: expected?,
    })
}

fn expected_of(reader: &mut Reader, node: &Node, json: &Json) -> Option<Expected> {
    let keys = ["created", "updated", "ignored", "refused"];
    let fields = reader.map(node, "`expect`", &keys);
    let mut given = keys.into_iter().filter_map(|key| fields.entry(key));
    let (Some(entry), None) = (given.next(), given.next()) else {
        reader.report(
            Code::BadExpectation,
            node.place,
            "a record becomes one thing",
            "write one of `created: { … }`, `updated: { … }`, `ignored: true`, `refused: REASON`",
        );
        return None;
    };
    match &*entry.key {
        "ignored" => {
            reader.word(&entry.node, "`ignored`", &[("true", ())]);
            Some(Expected::Ignored)
        }
        "refused" => {
            let reason = reader.name(&entry.node, "`refused`");
            Some(Expected::Refused(reason, entry.node.place))
        }
        key => Some(Expected::Event {
            is_created: key == "created",
            value: json[key].clone(),
        }),
    }
}
