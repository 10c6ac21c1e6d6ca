//! What can go wrong with a registry, told apart by what has to be done about it.

/// The longest words of a registry that are passed on, in bytes: its messages are a line or two,
/// but what stands between it and the service may answer with a page.
const WORDS_BYTES_MAX: usize = 300;

/// What has to be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asking again later helps, by itself or when somebody has mended what the error names.
    Retry,
    /// There is no such thing.
    Unknown,
    /// It is there and cannot be used, or must not be written.
    Refused,
}

/// Why a registry was asked in vain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    kind: Kind,
    text: String,
}

impl Error {
    /// What has to be done about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether asking again later helps.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        matches!(self.kind, Kind::Retry)
    }

    pub(crate) const fn new(kind: Kind, text: String) -> Self {
        Self { kind, text }
    }

    /// It does not answer.
    pub(super) fn unreachable(url: &str, why: &ureq::Error) -> Self {
        let why = words(&why.to_string());
        Self::new(
            Kind::Retry,
            format!(
                "the schema registry at {url} does not answer ({why}); check `registry.url` and \
                 the network"
            ),
        )
    }

    /// It answers as nothing but a registry would.
    pub(super) fn stranger(url: &str, what: &str) -> Self {
        Self::new(
            Kind::Retry,
            format!("{url} answers {what}, as no schema registry does; check `registry.url`"),
        )
    }

    /// It answers with a status that is none of success.
    pub(super) fn status(url: &str, status: u16, told: Option<(u32, String)>) -> Self {
        let said = match &told {
            Some((_, message)) if !message.is_empty() => format!(" ({})", words(message)),
            Some(_) | None => String::new(),
        };
        let (kind, text) = match (status, told.map(|(code, _)| code)) {
            (401 | 403, _) => (
                Kind::Retry,
                format!(
                    "the schema registry at {url} refuses access with {status}{said}; check \
                     `registry.user` and `registry.password` and what they may do there"
                ),
            ),
            (404, Some(40401..=40499)) => (Kind::Unknown, format!("there is none{said}")),
            (409 | 422, Some(_)) => (Kind::Refused, format!("it is refused with {status}{said}")),
            (300..=399, _) => return Self::stranger(url, &format!("with a redirect ({status})")),
            // A path that is not there is a registry somewhere else.
            (404, _) => return Self::stranger(url, "404"),
            (status, _) => (
                Kind::Retry,
                format!(
                    "the schema registry at {url} fails with {status}{said}; look for the reason \
                     there"
                ),
            ),
        };
        Self::new(kind, text)
    }
}

/// A text from outside, short and in one line.
fn words(text: &str) -> String {
    let line = text.replace(char::is_control, " ");
    let end = line.floor_char_boundary(WORDS_BYTES_MAX);
    line[..end].trim().to_owned()
}
