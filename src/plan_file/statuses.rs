//! `statuses:` words for the categories, and the categories that `pause` names.

use std::collections::BTreeMap;

use escalator_engine::status::{CategorySet, StatusCategory, spelling};

use super::node::Node;
use super::problem::{Code, Place, Problem};
use super::reader::Reader;

/// Words that a plan set may add; ticketing systems have a few dozen.
const WORDS_MAX: usize = 1000;

/// Adds the words of one file.
pub(super) fn collect(
    reader: &mut Reader,
    node: &Node,
    words: &mut BTreeMap<String, (StatusCategory, Place)>,
) {
    for entry in reader.entries(node, "`statuses`") {
        let Some(category) = category(reader, &entry.place, &entry.key) else {
            continue;
        };
        let what = "the list of status words";
        for word in reader.list_of(&entry.node, what, WORDS_MAX, "status words") {
            let text = reader.name(word, "a status word");
            let spelling = spelling(&text).into_owned();
            match words.get(&spelling) {
                Some((first, place)) => {
                    let remedy = if *first == category {
                        "keep one of the two"
                    } else {
                        "decide for one of the two categories"
                    };
                    reader.push(
                        Problem::new(
                            Code::StatusTwice,
                            word.place,
                            &format!("the status word `{text}` has a category already"),
                            remedy,
                        )
                        .with_other(*place, &format!("`{}` here", first.name())),
                    );
                }
                None => {
                    words.insert(spelling, (category, word.place));
                }
            }
        }
    }
    reader.at_most(words.len(), WORDS_MAX, node.place, "status words");
}

/// The category of that name, or `None` after it was reported.
pub(super) fn category(reader: &mut Reader, place: &Place, text: &str) -> Option<StatusCategory> {
    let category = StatusCategory::named(text);
    if category.is_none() {
        let names = StatusCategory::ALL.map(StatusCategory::name);
        reader.report_unknown(
            Code::UnknownCategory,
            *place,
            &format!("`{text}` is not a status category"),
            (text, "the categories are"),
            &names,
        );
    }
    category
}

/// The categories of a `pause`.
pub(super) fn categories(reader: &mut Reader, node: &Node) -> CategorySet {
    let mut categories = Vec::new();
    for node in reader.list(node, "`pause`") {
        if let Some(text) = reader.scalar(node, "a status category") {
            categories.extend(category(reader, &node.place, text));
        }
    }
    categories.into_iter().collect()
}
