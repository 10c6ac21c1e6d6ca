//! `template`: looks at the texts that the templates of plan files make.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use escalator_engine::effect::Purpose;
use escalator_engine::message::Words;
use escalator_engine::plan::Revision;
use escalator_engine::rules::Rules;
use escalator_engine::ticket::Text;
use escalator_engine::time::Timestamp;
use serde::Serialize;

use super::inputs::{self, Inputs, instant};
use super::{Output, Verdict, failure, print};
use crate::offline::{Occasion, TEMPLATE_PURPOSES};
use crate::plan_file::did_you_mean;

/// The commands under `template`.
#[derive(Subcommand)]
pub(super) enum Template {
    /// Renders a template: for a sample ticket, or for one of an event file as its people were told.
    #[command(after_help = EXAMPLES)]
    Render(Render),
}

const EXAMPLES: &str = "\
Examples:
  escalator template render --plans plans --template raised
  escalator template render --plans plans --template raised --purpose repeat --output json
  escalator template render --plans plans --template raised --events events.jsonl --ticket INC0000045";

#[derive(Args)]
pub(super) struct Render {
    /// A plan file, or a directory of plan files.
    #[arg(long, value_name = "PATH")]
    plans: PathBuf,
    /// The template's name.
    #[arg(long, value_name = "NAME")]
    template: String,
    /// An event file (JSON Lines, in any order); `-` reads standard input.
    #[arg(long, value_name = "FILE", requires = "ticket")]
    events: Option<PathBuf>,
    /// The id of a ticket in it [default: a sample ticket].
    #[arg(long, value_name = "ID", requires = "events")]
    ticket: Option<String>,
    /// The last instant that counts, itself included [default: the last event of the file].
    #[arg(long, value_name = "INSTANT", requires = "events", value_parser = instant)]
    at: Option<Timestamp>,
    /// Why somebody is told [default: what they were told last, else `level`].
    #[arg(long, value_parser = purposes())]
    purpose: Option<Purpose>,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

fn purposes() -> impl TypedValueParser<Value = Purpose> {
    PossibleValuesParser::new(TEMPLATE_PURPOSES.map(Purpose::name)).map(|name| {
        let mut known = TEMPLATE_PURPOSES.into_iter();
        known
            .find(|purpose| purpose.name() == name)
            .expect("only the names of purposes are possible")
    })
}

/// What was rendered, and for what.
#[derive(Serialize)]
struct Rendered<'a> {
    template: &'a str,
    ticket_id: &'a str,
    purpose: Purpose,
    level: u32,
    /// Whether level, reason and instants are a sample.
    is_sample: bool,
    subject: &'a str,
    body: &'a str,
}

impl Template {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        match self {
            Self::Render(command) => command.run(),
        }
    }
}

impl Render {
    fn run(self) -> anyhow::Result<Verdict> {
        let Some(plans) = inputs::plans(&self.plans)? else {
            return Ok(Verdict::Bad);
        };
        let revision = plans.revision();
        let Some(template) = revision.templates.get(&*self.template) else {
            self.unknown(revision);
            return Ok(Verdict::Bad);
        };
        let Some(occasion) = self.occasion(revision)? else {
            return Ok(Verdict::Bad);
        };
        let variables = &occasion.variables;
        let (subject, body) = match template.render(variables.clone()) {
            Ok(texts) => texts,
            Err(flaw) => {
                let (name, part, why) = (&self.template, flaw.part.name(), flaw.error);
                failure::refuse(
                    &format!("the {part} of `{name}` cannot be rendered: {why}"),
                    "mend the template; until then this ticket's people get the built-in text",
                );
                return Ok(Verdict::Bad);
            }
        };
        let words = Words::new(subject, body, false);
        match self.output {
            Output::Json => print::json(&Rendered {
                template: &self.template,
                ticket_id: &variables.ticket_id,
                purpose: variables.purpose,
                level: variables.level,
                is_sample: occasion.is_sample,
                subject: &words.subject,
                body: &words.body,
            })?,
            Output::Text => {
                print::text(&format!("Subject: {}\n\n{}\n", words.subject, words.body))?;
            }
        }
        Ok(Verdict::Good)
    }

    /// The values to render with; none when the ticket is not known, which is then told.
    fn occasion(&self, revision: &Arc<Revision>) -> anyhow::Result<Option<Occasion>> {
        let (Some(events), Some(ticket)) = (&self.events, &self.ticket) else {
            return Ok(Some(Occasion::sample(self.purpose)));
        };
        let inputs = Inputs::new(self.plans.clone(), events.clone());
        let recording = inputs.recording()?;
        let at = self.at.or(recording.last_at).unwrap_or(Timestamp::MIN);
        let ticket_id = Text::from(&**ticket);
        let facts = recording.facts.iter();
        let facts = facts.filter(|fact| fact.ticket_id == ticket_id).cloned();
        let rules = Arc::new(Rules::new(Arc::clone(revision)));
        let occasion = Occasion::recorded(&ticket_id, facts.collect(), at, self.purpose, &rules);
        match &occasion {
            None => {
                let (what, help) = inputs.unknown_ticket(&recording, ticket, at);
                failure::refuse(&what, &help);
            }
            Some(occasion) if occasion.is_sample => {
                let purpose = self.purpose.map(Purpose::name);
                let purpose = purpose.map_or_else(String::new, |it| format!(" for `{it}`"));
                print::error(&format!(
                    "nobody was told of ticket `{ticket}`{purpose} up to {at}: level and reason are \
                     a sample\n"
                ));
            }
            Some(_) => {}
        }
        Ok(occasion)
    }

    fn unknown(&self, revision: &Revision) {
        let name = &self.template;
        let names: Vec<_> = revision.templates.keys().collect();
        let help = if names.is_empty() {
            "the plans declare none: add one under `templates:`".to_owned()
        } else {
            did_you_mean(name, &names, "the plans declare")
        };
        failure::refuse(&format!("there is no template `{name}`"), &help);
    }
}
