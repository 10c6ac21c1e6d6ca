//! What can go wrong between this process and the brokers.

use std::fmt;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::native::{CallError, TransactionError};

/// A failed dealing with Kafka: what was being done, where, and the remedy where there is one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be made: nearly always a property that the library does not accept.
    #[error("the {client} client cannot be made; look at `kafka.properties`")]
    Create {
        /// Which client.
        client: &'static str,
        /// The library's reason.
        #[source]
        source: Unfit,
    },
    /// No broker answered. Waiting and trying again is right.
    #[error("{obstacle} at {brokers} ({doing}: {why}); {}", obstacle.remedy())]
    Unreachable {
        /// What is in the way, as far as that is known.
        obstacle: Obstacle,
        /// The addresses asked.
        brokers: String,
        /// What was being done.
        doing: &'static str,
        /// What the library says about it.
        why: String,
    },
    /// A call to the library failed.
    #[error("{doing} failed{}", right_of(code_of(source)))]
    Call {
        /// What was being done, with topic and partition where it was about one.
        doing: String,
        /// The library's reason.
        #[source]
        source: KafkaError,
    },
    /// A call around the wrapper failed.
    #[error("{doing} failed{}", right_of(Some(source.code)))]
    Native {
        /// What was being done.
        doing: String,
        /// The library's reason.
        #[source]
        source: CallError,
    },
    /// The producer of a lane cannot begin its work.
    #[error(
        "starting the transactions of {transactional_id} failed{}",
        right_of(Some(source.code))
    )]
    Producer {
        /// The transactional id.
        transactional_id: String,
        /// The library's reason.
        #[source]
        source: TransactionError,
    },
    /// The broker removed records, or the topic was made anew, behind the read position.
    #[error(
        "the records at the read position of an input are gone ({detail}); raise the topic's \
         retention, and set the group's offsets to where reading shall go on"
    )]
    InputGone {
        /// What the library says about it.
        detail: String,
    },
    /// Another process has joined the group as this very member.
    #[error(
        "another live process has taken the place of `{instance}` in the group; give each replica \
         its own `instance`"
    )]
    Replaced {
        /// The name.
        instance: String,
    },
    /// Replicas are at work.
    #[error(
        "group {group} has members; stop all replicas first (one that crashed is gone when its \
         session is over)"
    )]
    GroupInUse {
        /// The group.
        group: String,
    },
    /// A transaction that is made once was not committed, or is not known to be.
    #[error("what was to be written is not known to be committed ({why}); do it again")]
    NotCommitted {
        /// What the library says about it.
        why: String,
    },
    /// A transaction is open, as one of a former owner is until it ends or runs out.
    #[error("a transaction that is still open holds back {held_back}")]
    HeldBack {
        /// What cannot be read because of it.
        held_back: String,
    },
    /// A transaction stays open although whoever began it must have lost it long ago.
    #[error(
        "a transaction has held back {held_back} for more than {} s, longer than any of this service \
         lasts: the broker lost its end; `kafka-transactions.sh find-hanging` names it, `abort` ends it",
        longer_than.as_secs()
    )]
    Hanging {
        /// What cannot be read because of it.
        held_back: String,
        /// How long that has been so at least.
        longer_than: Duration,
    },
    /// Topics are missing or unfit; each defect names its remedy.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Topics(Vec<super::topics::Defect>),
}

/// Why the library makes no client, without the value that it does not accept: it may be a secret
/// under a name that the library does not know.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

impl From<KafkaError> for Unfit {
    fn from(error: KafkaError) -> Self {
        Self(
            if let KafkaError::ClientConfig(_, reason, property, _) = &error {
                format!("`{property}`: {reason}")
            } else {
                error.to_string()
            },
        )
    }
}

/// What is between this process and brokers that do not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing is known of it.
    Silence,
    /// They do not believe that it is who it says.
    Login,
    /// One of the two does not trust the other's certificate, or does not speak TLS.
    Encryption,
}

impl Obstacle {
    fn of(code: RDKafkaErrorCode, why: &str) -> Self {
        use RDKafkaErrorCode::{Authentication, SSL, SaslAuthenticationFailed};
        // What OpenSSL says of a handshake comes as a failed connection when the broker hangs up first.
        if matches!(code, Authentication | SaslAuthenticationFailed) {
            Self::Login
        } else if matches!(code, SSL) || why.contains("SSL routines:") {
            Self::Encryption
        } else {
            Self::Silence
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Silence => {
                "check `kafka.brokers`, `kafka.properties` (`security.protocol`) and the network"
            }
            Self::Login => {
                "check `sasl.mechanisms`, `sasl.username` and `sasl.password` in \
                 `kafka.properties`"
            }
            Self::Encryption => {
                "check `security.protocol` and `ssl.ca.location` in `kafka.properties`, and the \
                 broker's certificate"
            }
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silence => "no broker answers",
            Self::Login => "the brokers refuse the login",
            Self::Encryption => "no secure connection can be made to the brokers",
        })
    }
}

/// What to do where the brokers do not let this user do what was asked.
const fn right_of(code: Option<RDKafkaErrorCode>) -> &'static str {
    match code {
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed,
        ) => "; let the brokers allow it to this user (docs/security.md lists what it needs)",
        _ => "",
    }
}

impl Error {
    /// No broker answers; `heard` is what the library says about it.
    pub(crate) fn unreachable(
        brokers: &str,
        doing: &'static str,
        heard: Option<(RDKafkaErrorCode, String)>,
    ) -> Self {
        let silence = || (RDKafkaErrorCode::NoError, "no answer in time".to_owned());
        let (code, why) = heard.unwrap_or_else(silence);
        Self::Unreachable {
            obstacle: Obstacle::of(code, &why),
            brokers: brokers.to_owned(),
            doing,
            why,
        }
    }

    /// Whether a record was not taken because its topic takes none of so many bytes.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Call { source: KafkaError::MessageProduction(code), .. } if is_too_large(*code))
    }

    /// Whether waiting and doing the same again may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::HeldBack { .. } | Self::Hanging { .. } => true,
            Self::Call { source, .. } => passes(source),
            Self::Native { source, .. } => is_transient(source.code),
            Self::Producer { source, .. } => source.retriable || is_transient(source.code),
            Self::Create { .. }
            | Self::InputGone { .. }
            | Self::Replaced { .. }
            | Self::GroupInUse { .. }
            | Self::NotCommitted { .. }
            | Self::Topics(_) => false,
        }
    }
}

/// The code of an error; of those of the admin client the library does not give it away.
fn code_of(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    if let KafkaError::AdminOp(code) = error {
        Some(*code)
    } else {
        error.rdkafka_error_code()
    }
}

/// Whether the cause of an error lies in a broker or the way to it, and passes.
pub(super) fn passes(error: &KafkaError) -> bool {
    code_of(error).is_some_and(is_transient)
}

/// Whether a broker refuses records because of their size, one by one or sent together.
pub(super) const fn is_too_large(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::MessageBatchTooLarge
    )
}

/// Whether a broker refuses records because of what they are, so that none like them will be taken.
pub(super) const fn is_refusal(code: RDKafkaErrorCode) -> bool {
    is_too_large(code)
        || matches!(
            code,
            RDKafkaErrorCode::InvalidTimestamp
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::PolicyViolation
        )
}

/// Whether the cause lies in a broker or the way to it, and passes.
pub(super) fn is_transient(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            // The library has given up its handle of a broker that left the cluster, as one does that
            // is dead for longer than its session, and with it what was asked of that broker.
            | RDKafkaErrorCode::DestroyBroker
            // So the library says that a partition has no leader that could be asked.
            | RDKafkaErrorCode::NoEnt
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SSL
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::MessageTimedOut
            | RDKafkaErrorCode::WaitingForCoordinator
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::NetworkException
            | RDKafkaErrorCode::BrokerNotAvailable
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::ReplicaNotAvailable
            | RDKafkaErrorCode::EligibleLeadersNotAvailable
            | RDKafkaErrorCode::ListenerNotFound
            | RDKafkaErrorCode::NotEnoughReplicas
            | RDKafkaErrorCode::NotEnoughReplicasAfterAppend
            // A leader that has just become one does not know yet what is committed.
            | RDKafkaErrorCode::OffsetNotAvailable
            | RDKafkaErrorCode::KafkaStorageError
            | RDKafkaErrorCode::ThrottlingQuotaExceeded
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::UnstableOffsetCommit
            | RDKafkaErrorCode::FencedLeaderEpoch
            | RDKafkaErrorCode::UnknownLeaderEpoch
            | RDKafkaErrorCode::ConcurrentTransactions
            | RDKafkaErrorCode::NotController
            | RDKafkaErrorCode::Partial
            | RDKafkaErrorCode::PollExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(code: RDKafkaErrorCode) -> Error {
        Error::Call {
            doing: "asking for the members of a group".to_owned(),
            source: KafkaError::GroupListFetch(code),
        }
    }

    #[test]
    fn a_handshake_that_failed_is_no_silence_however_it_is_told() {
        let code = RDKafkaErrorCode::BrokerTransportFailure;
        let why = "error:0A000086:SSL routines::certificate verify failed";
        assert_eq!(Obstacle::of(code, why), Obstacle::Encryption);
        assert_eq!(Obstacle::of(code, "timed out"), Obstacle::Silence);
    }

    #[test]
    fn a_question_to_a_broker_that_has_left_the_cluster_is_asked_again() {
        assert!(asking(RDKafkaErrorCode::DestroyBroker).is_retriable());
    }

    #[test]
    fn a_question_without_a_leader_or_to_a_new_one_is_asked_again() {
        for code in [
            RDKafkaErrorCode::NoEnt,
            RDKafkaErrorCode::OffsetNotAvailable,
        ] {
            assert!(asking(code).is_retriable(), "{code:?}");
        }
    }

    #[test]
    fn what_the_admin_client_is_told_counts_as_well() {
        let making = |code| Error::Call {
            doing: "creating topics".to_owned(),
            source: KafkaError::AdminOp(code),
        };
        let slow = making(RDKafkaErrorCode::OperationTimedOut);
        assert!(slow.is_retriable());
        let refused = making(RDKafkaErrorCode::TopicAuthorizationFailed);
        assert!(!refused.is_retriable());
        assert!(
            refused.to_string().contains("docs/security.md"),
            "{refused}"
        );
    }

    #[test]
    fn a_refusal_is_not_asked_again() {
        assert!(!asking(RDKafkaErrorCode::GroupAuthorizationFailed).is_retriable());
    }
}
