//! What plans may refer to: priorities, targets, templates, calendars; collected from all files before any
//! plan is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use escalator_engine::calendar::Calendar;
use escalator_engine::plan::{Address, Recipient, RecipientField, Target};
use escalator_engine::status::{StatusCategory, built_in, spelling};
use escalator_engine::template::Template;
use escalator_engine::ticket::Text;
use escalator_engine::time::Duration;

use super::goals::Goal;
use super::imports::Imports;
use super::node::{Node, Value};
use super::problem::{Code, Place, Problem};
use super::reader::{Fields, Reader};
use super::{targets, templates};

/// The priorities where no file lists them.
const PRIORITIES: [&str; 4] = ["low", "normal", "high", "critical"];

/// Ranks of a list of priorities; ticketing systems have about five.
const PRIORITIES_MAX: usize = 100;

/// Targets of a set: far more than an organization has teams and roles, and still a small record.
const TARGETS_MAX: usize = 10_000;

/// Entries of one `notify` or `warn`; each is at least one notification per level.
const ADDRESSES_MAX: usize = 100;

/// The declarations of a whole set.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Whether a file that cannot be read may declare more, so that no name is unknown for certain.
    pub(super) may_have_more: bool,
    /// Whether the declarations are without an error.
    pub(super) is_sound: bool,
    priorities: Option<(Vec<Text>, Place)>,
    priorities_used: Vec<Text>,
    /// Status words by spelling, and where each is declared.
    pub(super) statuses: BTreeMap<String, (StatusCategory, Place)>,
    targets: BTreeMap<Text, (Target, Place)>,
    calendars: BTreeMap<Text, (Calendar, Place)>,
    /// What was taken from files of holidays.
    pub(super) imports: Imports,
    /// Templates, none where the text of one was refused.
    templates: BTreeMap<Text, (Option<Arc<Template>>, Place)>,
    /// How long a ticket is kept that is done, where a file says so.
    pub(super) forget_after: Option<Duration>,
    /// Goals by timeframe, and where each is declared.
    pub(super) goals: BTreeMap<Text, (Goal, Place)>,
}

impl Scope {
    /// Notes the list of priorities of one file.
    pub(super) fn add_priorities(&mut self, reader: &mut Reader, node: &Node) {
        let mut names: Vec<Text> = Vec::new();
        for item in reader.list_of(node, "`priorities`", PRIORITIES_MAX, "priorities") {
            let name = reader.name(item, "a priority");
            if names.contains(&name) {
                reader.report(
                    Code::DuplicateName,
                    item.place,
                    &format!("the priority `{name}` is in the list twice"),
                    "keep it at its rank, from low to high",
                );
            } else {
                names.push(name);
            }
        }
        match &self.priorities {
            Some((first, place)) if *first != names => reader.push(
                Problem::new(
                    Code::DuplicateName,
                    node.place,
                    "another file lists other priorities",
                    "list the priorities in one file",
                )
                .with_other(*place, "the other list"),
            ),
            Some(_) => {}
            None => self.priorities = Some((names, node.place)),
        }
    }

    /// Notes the targets of one file.
    pub(super) fn add_targets(&mut self, reader: &mut Reader, node: &Node) {
        for entry in reader.entries_of(node, "`targets`", TARGETS_MAX, "targets") {
            reader.check_name(&entry.key, entry.place, "the target's name");
            if RecipientField::named(&entry.key).is_some() {
                reader.report(
                    Code::BadName,
                    entry.place,
                    &format!("`{}` already means the ticket's field", entry.key),
                    "give the target another name",
                );
            }
            let target = targets::target(reader, &entry.node, entry.place, &entry.key);
            let name: Text = (&*entry.key).into();
            if let Some((_, first)) = self.targets.get(&name) {
                reader.push(twice("target", &name, entry.place, *first));
            } else {
                self.targets.insert(name, (target, entry.place));
            }
        }
        reader.at_most(self.targets.len(), TARGETS_MAX, node.place, "targets");
    }

    /// Notes a calendar.
    pub(super) fn add_calendar(
        &mut self,
        reader: &mut Reader,
        name: &str,
        place: Place,
        calendar: Calendar,
    ) {
        let name: Text = name.into();
        if let Some((_, first)) = self.calendars.get(&name) {
            reader.push(twice("calendar", &name, place, *first));
        } else {
            self.calendars.insert(name, (calendar, place));
        }
    }

    /// The declared calendars by name.
    pub(super) fn calendars(&self) -> BTreeMap<Text, Calendar> {
        let calendars = self.calendars.iter();
        calendars
            .map(|(name, (calendar, _))| (name.clone(), calendar.clone()))
            .collect()
    }

    /// Notes a template, which was refused when it is none.
    pub(super) fn add_template(
        &mut self,
        reader: &mut Reader,
        name: &str,
        place: Place,
        template: Option<Arc<Template>>,
    ) {
        let name: Text = name.into();
        if let Some((_, first)) = self.templates.get(&name) {
            reader.push(twice("template", &name, place, *first));
        } else {
            self.templates.insert(name, (template, place));
        }
    }

    /// Ends the declarations: from now on they are looked up.
    pub(super) fn settle(&mut self) {
        self.priorities_used = match &self.priorities {
            Some((names, _)) => names.clone(),
            None => PRIORITIES.map(Text::from).to_vec(),
        };
    }

    /// The priorities, ascending.
    pub(super) fn priorities(&self) -> &[Text] {
        &self.priorities_used
    }

    /// Whether a priority is in the list, as far as that is known.
    pub(super) fn has_priority(&self, name: &str) -> bool {
        self.may_have_more || self.priorities_used.iter().any(|p| **p == *name)
    }

    /// Warns of a priority that no ticket will have by the list.
    pub(super) fn unknown_priority(&self, reader: &mut Reader, place: Place, name: &str) {
        reader.report_unknown(
            Code::UnknownPriority,
            place,
            &format!("`{name}` is not in the list of priorities"),
            (name, self.priorities_are()),
            self.priorities(),
        );
    }

    /// What is said before the list of priorities.
    pub(super) const fn priorities_are(&self) -> &'static str {
        match self.priorities {
            Some(_) => "the priorities are",
            None => {
                "declare yours, the least urgent first, as in `priorities: [P4, P3, P2, P1]`; without that they are"
            }
        }
    }

    /// The list of priorities where a file has one, and where it stands.
    pub(super) fn declared_priorities(&self) -> Option<(&[Text], Place)> {
        let declared = self.priorities.as_ref();
        declared.map(|(names, place)| (names.as_slice(), *place))
    }

    /// Where each target is declared.
    pub(super) fn target_places(&self) -> impl Iterator<Item = (&Text, Place)> {
        let targets = self.targets.iter();
        targets.map(|(name, (_, place))| (name, *place))
    }

    /// The declared calendars, and where each is.
    pub(super) fn calendar_entries(&self) -> impl Iterator<Item = (&Text, &Calendar, Place)> {
        let calendars = self.calendars.iter();
        calendars.map(|(name, (calendar, place))| (name, calendar, *place))
    }

    /// Whether a name is that of a calendar which is closed at times.
    pub(super) fn is_business(&self, name: &str) -> bool {
        let declared = self.calendars.get(name);
        declared.is_some_and(|(calendar, _)| *calendar != Calendar::Always)
    }

    /// The first of the declared calendars that is closed at times.
    pub(super) fn business_name(&self) -> Option<&str> {
        let mut calendars = self.calendars.iter();
        let business = calendars.find(|(_, (calendar, _))| *calendar != Calendar::Always)?;
        Some(business.0)
    }

    /// The declared targets by name.
    pub(super) fn targets(&self) -> BTreeMap<Text, Target> {
        let targets = self.targets.iter();
        targets
            .map(|(name, (target, _))| (name.clone(), target.clone()))
            .collect()
    }

    /// Whether a template is declared.
    pub(super) fn has_template(&self, name: &str) -> bool {
        self.templates.contains_key(name)
    }

    /// The names of the declared templates.
    pub(super) fn template_names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(|name| &**name)
    }

    /// Where each template is declared.
    pub(super) fn template_places(&self) -> impl Iterator<Item = (&Text, Place)> {
        let templates = self.templates.iter();
        templates.map(|(name, (_, place))| (name, *place))
    }

    /// The declared templates by name.
    pub(super) fn templates(&self) -> BTreeMap<Text, Arc<Template>> {
        let templates = self.templates.iter();
        templates
            .filter_map(|(name, (template, _))| Some((name.clone(), template.clone()?)))
            .collect()
    }

    /// The calendar of that name.
    pub(super) fn calendar(&self, reader: &mut Reader, node: &Node) -> Calendar {
        let name = match reader.scalar(node, "`calendar`") {
            Some("always") | None => return Calendar::Always,
            Some(name) => name,
        };
        if let Some((calendar, _)) = self.calendars.get(name) {
            return calendar.clone();
        }
        if self.may_have_more {
            return Calendar::Always;
        }
        let names: Vec<&str> = std::iter::once("always")
            .chain(self.calendars.keys().map(|name| &**name))
            .collect();
        reader.report_unknown(
            Code::UnknownCalendar,
            node.place,
            &format!("there is no calendar `{name}`"),
            (name, "the calendars are"),
            &names,
        );
        Calendar::Always
    }

    /// The entries of a `notify` or `warn`.
    pub(super) fn addresses(&self, reader: &mut Reader, node: &Node, what: &str) -> Vec<Address> {
        let nodes = reader.list_of(node, what, ADDRESSES_MAX, "entries");
        let mut addresses: Vec<Address> = Vec::new();
        for node in nodes {
            let Some(address) = self.address(reader, node) else {
                continue;
            };
            let is_told = |channel| {
                let mut same = addresses.iter().filter(|before| before.to == address.to);
                same.any(|before| before.channels.contains(channel))
            };
            if !address.channels.is_empty() && address.channels.iter().all(is_told) {
                reader.report(
                    Code::DoubleEntry,
                    node.place,
                    "an entry before this one tells the same target by the same channel",
                    "keep one of the two: each channel of a target is told once, by the first entry",
                );
            }
            addresses.push(address);
        }
        addresses
    }

    /// The category of a status word, as far as it is known.
    pub(super) fn status_category(&self, word: &str) -> Option<StatusCategory> {
        let spelling = spelling(word);
        let declared = self.statuses.get(&*spelling).map(|(category, _)| *category);
        declared.or_else(|| built_in(&spelling))
    }

    fn address(&self, reader: &mut Reader, node: &Node) -> Option<Address> {
        const KEYS: [&str; 3] = ["to", "channel", "template"];
        if !matches!(node.value, Value::Map(_)) {
            let to = self.recipient(reader, node)?;
            let channels = self.channels(&to);
            return Some(Address {
                to,
                channels,
                names_channel: false,
                template: None,
            });
        }
        let fields = reader.map(node, "an entry that tells somebody", &KEYS);
        self.address_of(reader, &fields, "an entry that tells somebody")
    }

    /// Whom the keys `to`, `channel` and `template` of a map tell.
    pub(super) fn address_of(
        &self,
        reader: &mut Reader,
        fields: &Fields<'_>,
        what: &str,
    ) -> Option<Address> {
        let channel = fields
            .get("channel")
            .map(|node| reader.name(node, "the channel"));
        let template = fields
            .get("template")
            .and_then(|node| templates::reference(reader, self, node));
        let to = reader.required(fields, "to", what)?;
        let to = self.recipient(reader, to)?;
        if let (Some(channel), Some(node)) = (&channel, fields.get("channel")) {
            self.check_channel(reader, node, &to, channel);
        }
        let names_channel = channel.is_some();
        let channels = channel.map_or_else(|| self.channels(&to), |channel| vec![channel]);
        Some(Address {
            to,
            channels,
            names_channel,
            template,
        })
    }

    /// Warns of a channel that a declared target does not have; those of a field are not declared.
    fn check_channel(&self, reader: &mut Reader, node: &Node, to: &Recipient, channel: &Text) {
        let Recipient::Target { name, .. } = to else {
            return;
        };
        let channels = self.channels(to);
        if self.is_sound && !channels.contains(channel) {
            reader.report_unknown(
                Code::UnknownChannel,
                node.place,
                &format!("the target `{name}` has no channel `{channel}`"),
                (channel, "declared with it are"),
                &channels,
            );
        }
    }

    /// Whom a name means.
    pub(super) fn recipient(&self, reader: &mut Reader, node: &Node) -> Option<Recipient> {
        let name = reader.scalar(node, "the target")?;
        if let Some(field) = RecipientField::named(name) {
            return Some(Recipient::Field(field));
        }
        if let Some((name, (target, _))) = self.targets.get_key_value(name) {
            return Some(Recipient::Target {
                name: name.clone(),
                kind: target.kind.clone(),
            });
        }
        if self.may_have_more {
            return None;
        }
        let names: Vec<&str> = self
            .targets
            .keys()
            .map(|name| &**name)
            .filter(|name| RecipientField::named(name).is_none())
            .chain(["requester", "assignee", "queue"])
            .collect();
        reader.report_unknown(
            Code::UnknownTarget,
            node.place,
            &format!("there is no target `{name}`"),
            (name, "declare it under `targets:`; declared are"),
            &names,
        );
        None
    }

    fn channels(&self, to: &Recipient) -> Vec<Text> {
        match to {
            Recipient::Target { name, .. } => self
                .targets
                .get(name)
                .map(|(target, _)| target.channels.clone())
                .unwrap_or_default(),
            Recipient::Field(_) => vec![Text::from("email")],
        }
    }
}

/// A name that was used before.
pub(super) fn twice(kind: &str, name: &str, place: Place, first: Place) -> Problem {
    Problem::new(
        Code::DuplicateName,
        place,
        &format!("there is a {kind} `{name}` already"),
        "give one of the two another name",
    )
    .with_other(first, "the first one")
}
