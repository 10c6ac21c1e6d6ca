//! The HTTP client: one question, one answer, within a time and a size.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use super::error::{Error, Kind};
use crate::settings::{Registry, Secret};
use crate::wire::SchemaId;

/// The longest answer, in bytes. Schemas have some kilobytes; what has more is none, or none that
/// should be compiled by a service that others wait for.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Schemas that one schema may name, directly or not: enough for a type of its own for every field.
const REFERENCES_MAX: usize = 100;

/// A schema that was registered a moment ago may be unknown to a replica of the registry for as
/// long as this. Only what is still unknown then does not exist.
const REPLICATED_WITHIN: Duration = Duration::from_millis(250);

/// The content type of the interface, in both directions.
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Asks a registry; used by one thread.
pub struct Client {
    agent: ureq::Agent,
    urls: Vec<String>,
    /// Which of the addresses answered last.
    first: usize,
    authorization: Option<Secret>,
}

/// An Avro schema as a registry holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its text.
    pub text: String,
    /// The texts of the schemas whose types it names.
    pub references: Vec<String>,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

#[derive(Deserialize)]
struct SchemaAnswer {
    schema: String,
    #[serde(rename = "schemaType", default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct Reference {
    subject: String,
    version: i64,
}

#[derive(Deserialize)]
struct IdAnswer {
    id: SchemaId,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error_code: u32,
    #[serde(default)]
    message: String,
}

impl Client {
    /// Makes ready to ask; nothing is asked yet.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub fn new(settings: &Registry) -> Result<Self, Error> {
        let roots = match &settings.certificates {
            None => RootCerts::PlatformVerifier,
            Some(pem) => certificates(pem)?,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(roots)
            .build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Whoever is redirected would show the credentials to somebody else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // What is not a setting is not used.
            .proxy(None)
            .timeout_global(Some(settings.timeout))
            .user_agent(concat!("escalator/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let credentials = settings.user.as_ref().map(|user| {
            let password = settings.password.as_ref().map_or("", Secret::expose);
            let encoded = STANDARD.encode(format!("{user}:{password}"));
            Secret::new(format!("Basic {encoded}"))
        });
        Ok(Self {
            agent: config.new_agent(),
            urls: settings.urls.clone(),
            first: 0,
            authorization: credentials,
        })
    }

    /// The schema of an id, with those that it refers to.
    ///
    /// # Errors
    /// There is none, it is not Avro, or the registry does not answer as it should.
    pub fn schema(&mut self, id: SchemaId) -> Result<Found, Error> {
        let path = format!("/schemas/ids/{id}");
        let answer = match self.get(&path) {
            Err(error) if error.kind() == Kind::Unknown => {
                std::thread::sleep(REPLICATED_WITHIN);
                self.get(&path)
            }
            answer => answer,
        };
        self.follow(answer?)
    }

    /// The latest schema of a subject.
    ///
    /// # Errors
    /// As of [`Self::schema`].
    pub fn latest(&mut self, subject: &str) -> Result<Found, Error> {
        let path = format!("/subjects/{}/versions/latest", encoded(subject));
        let answer = self.get(&path)?;
        self.follow(answer)
    }

    /// Registers a schema under a subject, where it may be already; answers with its id.
    ///
    /// # Errors
    /// The registry does not accept it, or does not answer as it should.
    pub fn register(&mut self, subject: &str, schema: &str) -> Result<SchemaId, Error> {
        self.post(&format!("/subjects/{}/versions", encoded(subject)), schema)
    }

    /// The id of a schema under a subject.
    ///
    /// # Errors
    /// The subject does not have it, or the registry does not answer as it should.
    pub fn look_up(&mut self, subject: &str, schema: &str) -> Result<SchemaId, Error> {
        self.post(&format!("/subjects/{}", encoded(subject)), schema)
    }

    /// Fetches what a schema refers to.
    fn follow(&mut self, answer: SchemaAnswer) -> Result<Found, Error> {
        let mut texts = Vec::new();
        let mut left = avro(&answer)?;
        let mut seen: Vec<(String, i64)> = Vec::new();
        while let Some(Reference { subject, version }) = left.pop() {
            let key = (subject, version);
            if seen.contains(&key) {
                continue;
            }
            if seen.len() == REFERENCES_MAX {
                let text = format!("it refers to more than {REFERENCES_MAX} other schemas");
                return Err(Error::new(Kind::Refused, text));
            }
            let path = format!("/subjects/{}/versions/{version}", encoded(&key.0));
            let found = self.get(&path)?;
            left.extend(avro(&found)?);
            texts.push(found.schema);
            seen.push(key);
        }
        Ok(Found {
            text: answer.schema,
            references: texts,
        })
    }

    fn get(&mut self, path: &str) -> Result<SchemaAnswer, Error> {
        let (url, answer) = self.ask(path, None)?;
        parse(&url, &answer)
    }

    fn post(&mut self, path: &str, schema: &str) -> Result<SchemaId, Error> {
        let body = json!({ "schema": schema, "schemaType": "AVRO" }).to_string();
        let (url, answer) = self.ask(path, Some(&body))?;
        parse::<IdAnswer>(&url, &answer).map(|answer| answer.id)
    }

    /// Asks one address after the other until one answers well, or says why not.
    fn ask(&mut self, path: &str, body: Option<&str>) -> Result<(String, Answer), Error> {
        let mut failure = None;
        for step in 0..self.urls.len() {
            let index = (self.first + step) % self.urls.len();
            let url = self.urls[index].clone();
            match self.ask_one(&format!("{url}{path}"), body) {
                Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                    failure = Some(Error::status(&url, answer.status, told(&answer)));
                }
                Ok(answer) => {
                    self.first = index;
                    return Ok((url, answer));
                }
                Err(ureq::Error::BodyExceedsLimit(_)) => {
                    let text = format!("it has more than {ANSWER_BYTES_MAX} bytes");
                    return Err(Error::new(Kind::Refused, text));
                }
                Err(error) => failure = Some(Error::unreachable(&url, &error)),
            }
        }
        let none = || Error::new(Kind::Retry, "no `registry.url` is set".to_owned());
        Err(failure.unwrap_or_else(none))
    }

    fn ask_one(&self, url: &str, body: Option<&str>) -> Result<Answer, ureq::Error> {
        let authorization = self.authorization.as_ref().map(Secret::expose);
        let mut response = match body {
            None => {
                let mut request = self.agent.get(url).header("accept", CONTENT_TYPE);
                if let Some(authorization) = authorization {
                    request = request.header("authorization", authorization);
                }
                request.call()?
            }
            Some(body) => {
                let mut request = self.agent.post(url).header("accept", CONTENT_TYPE);
                if let Some(authorization) = authorization {
                    request = request.header("authorization", authorization);
                }
                request.content_type(CONTENT_TYPE).send(body)?
            }
        };
        let status = response.status().as_u16();
        let reading = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        Ok(Answer {
            status,
            body: reading.read_to_vec()?,
        })
    }
}

/// Reads a successful answer.
fn parse<'a, T: Deserialize<'a>>(url: &str, answer: &'a Answer) -> Result<T, Error> {
    if !(200..300).contains(&answer.status) {
        return Err(Error::status(url, answer.status, told(answer)));
    }
    serde_json::from_slice(&answer.body).map_err(|_| Error::stranger(url, "with something else"))
}

/// What a registry says went wrong: its code and its words.
fn told(answer: &Answer) -> Option<(u32, String)> {
    let told: ErrorAnswer = serde_json::from_slice(&answer.body).ok()?;
    Some((told.error_code, told.message))
}

/// The references of a schema that must be Avro; without a type it is.
fn avro(answer: &SchemaAnswer) -> Result<Vec<Reference>, Error> {
    match answer.schema_type.as_deref() {
        None | Some("AVRO") => {
            let references = answer.references.iter().flatten();
            let copy = |reference: &Reference| Reference {
                subject: reference.subject.clone(),
                version: reference.version,
            };
            Ok(references.map(copy).collect())
        }
        Some("JSON") => Err(Error::new(
            Kind::Refused,
            "it is JSON Schema, not Avro".into(),
        )),
        Some("PROTOBUF") => Err(Error::new(Kind::Refused, "it is Protobuf, not Avro".into())),
        Some(_) => Err(Error::new(Kind::Refused, "it is not Avro".into())),
    }
}

fn certificates(pem: &str) -> Result<RootCerts, Error> {
    let mut roots = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            roots.push(certificate);
        }
    }
    if roots.is_empty() {
        let text = "`registry.ca_file` holds no certificate in PEM".to_owned();
        return Err(Error::new(Kind::Refused, text));
    }
    Ok(RootCerts::new_with_certs(&roots))
}

/// A name as a part of a path.
fn encoded(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}
