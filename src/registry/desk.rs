//! Where the cycle leaves word of the schemas that it needs, and finds the answers.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::client::{Client, Found};
use super::error::{Error, Kind};
use crate::wire::{DeadLetterReason, Refusal, SchemaId, WriterSchema};

/// A registry that fails is asked again after this…
const RETRY_MIN: Duration = Duration::from_millis(500);
/// …doubling up to this: one that has come back is noticed soon, and not run over by all who wait.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// That there is no schema of an id is believed for so long: a producer that writes nonsense must
/// not be a question for every record, and whoever registers the schema and replays what was
/// refused for want of it must find that known.
pub const UNKNOWN_FOR: Duration = Duration::from_secs(1);

/// What came of a question.
pub enum News {
    /// The schema, or why no record that names it can be read; known until a moment, if it may be
    /// otherwise later.
    Known {
        /// Its id.
        id: SchemaId,
        /// The schema, or what its records are refused with.
        schema: Result<Box<WriterSchema>, Refusal>,
        /// The moment, as [`Desk::ask`] counts.
        until: Option<Duration>,
    },
    /// The registry has failed; it is asked again.
    Failed {
        /// Why.
        error: Error,
    },
}

/// What a question came to.
pub(crate) type Answer = (SchemaId, Result<Compiled, Error>);

/// Asks a registry on a thread of its own, each question once until it is answered.
pub struct Desk {
    questions: Sender<SchemaId>,
    answers: Receiver<Answer>,
    /// What was asked, and for what fails, when it may be asked again.
    asked: BTreeMap<SchemaId, Option<Duration>>,
    /// Failures in a row.
    failures: u32,
}

impl Desk {
    /// Starts the thread; it ends by itself once the desk is gone and its last question answered.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn open(mut client: Client) -> Result<Self, std::io::Error> {
        let (questions, asked) = channel::<SchemaId>();
        let (tell, answers) = channel();
        std::thread::Builder::new()
            .name("registry".to_owned())
            .spawn(move || {
                for id in asked {
                    // Here, where nobody waits: a large schema takes its time.
                    let answer = compile(id, client.schema(id));
                    if tell.send((id, answer)).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self::between(questions, answers))
    }

    /// A desk between whoever asks and whoever answers.
    pub(crate) const fn between(questions: Sender<SchemaId>, answers: Receiver<Answer>) -> Self {
        Self {
            questions,
            answers,
            asked: BTreeMap::new(),
            failures: 0,
        }
    }

    /// Asks for a schema, unless that is being done, or failed just now. `now` counts from any
    /// moment that stays the same.
    ///
    /// # Panics
    /// When the thread has ended, which it does after the desk.
    pub fn ask(&mut self, id: SchemaId, now: Duration) {
        match self.asked.get(&id) {
            Some(None) => return,
            Some(Some(again)) if *again > now => return,
            Some(Some(_)) | None => {}
        }
        self.asked.insert(id, None);
        self.questions
            .send(id)
            .expect("the thread ends after its questions do");
    }

    /// What has been answered since the last time this was asked.
    pub fn take_news(&mut self, now: Duration) -> Vec<News> {
        let answers: Vec<_> = self.answers.try_iter().collect();
        let answers = answers.into_iter();
        answers
            .map(|(id, answer)| self.news(id, answer, now))
            .collect()
    }

    fn news(&mut self, id: SchemaId, answer: Result<Compiled, Error>, now: Duration) -> News {
        match answer {
            Ok(Compiled { schema, is_unknown }) => {
                self.failures = 0;
                self.asked.remove(&id);
                let until = is_unknown.then_some(now + UNKNOWN_FOR);
                News::Known { id, schema, until }
            }
            Err(error) => {
                let wait = RETRY_MIN * 2_u32.pow(self.failures.min(10));
                self.failures += 1;
                self.asked.insert(id, Some(now + wait.min(RETRY_MAX)));
                News::Failed { error }
            }
        }
    }
}

/// What a registry has said of a schema, once and for all or for a while.
pub struct Compiled {
    /// The schema, or what its records are refused with.
    pub schema: Result<Box<WriterSchema>, Refusal>,
    /// Whether there is none, which may be otherwise later.
    pub is_unknown: bool,
}

/// Makes of an answer what records can be read with.
///
/// # Errors
/// The registry has failed, and has to be asked again.
pub fn compile(id: SchemaId, answer: Result<Found, Error>) -> Result<Compiled, Error> {
    let refuse = |reason, error| Err(Refusal::new(reason, error));
    let (schema, is_unknown) = match answer {
        Ok(found) => match WriterSchema::parse(&found.text, &found.references) {
            Ok(schema) => (Ok(Box::new(schema)), false),
            Err(_) => {
                let error = format!("schema {id} of the registry is no Avro schema");
                (refuse(DeadLetterReason::UnsupportedFormat, error), false)
            }
        },
        Err(error) => match error.kind() {
            Kind::Retry => return Err(error),
            Kind::Unknown => {
                let error = format!("the registry has no schema {id}: {error}");
                (refuse(DeadLetterReason::UnknownSchema, error), true)
            }
            Kind::Refused => {
                let error = format!("schema {id} of the registry cannot be used: {error}");
                (refuse(DeadLetterReason::UnsupportedFormat, error), false)
            }
        },
    };
    Ok(Compiled { schema, is_unknown })
}
