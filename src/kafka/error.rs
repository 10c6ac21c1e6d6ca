//! What can go wrong between this process and the brokers.

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
        source: KafkaError,
    },
    /// No broker answered. Waiting and trying again is right.
    #[error(
        "no broker answers at {brokers} ({doing}: {why}); check `kafka.brokers`, \
         `kafka.properties` and the network"
    )]
    Unreachable {
        /// The addresses asked.
        brokers: String,
        /// What was being done.
        doing: &'static str,
        /// What the library says about it.
        why: String,
    },
    /// A call to the library failed.
    #[error("{doing} failed")]
    Call {
        /// What was being done, with topic and partition where it was about one.
        doing: String,
        /// The library's reason.
        #[source]
        source: KafkaError,
    },
    /// A call around the wrapper failed.
    #[error("{doing} failed")]
    Native {
        /// What was being done.
        doing: String,
        /// The library's reason.
        #[source]
        source: CallError,
    },
    /// The producer of a lane cannot begin its work.
    #[error("starting the transactions of {transactional_id} failed")]
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

impl Error {
    /// Whether waiting and doing the same again may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Hanging { .. } => true,
            Self::Call { source, .. } => source.rdkafka_error_code().is_some_and(is_transient),
            Self::Native { source, .. } => is_transient(source.code),
            Self::Producer { source, .. } => source.retriable || is_transient(source.code),
            Self::Create { .. } | Self::InputGone { .. } | Self::Topics(_) => false,
        }
    }
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
    fn a_refusal_is_not_asked_again() {
        assert!(!asking(RDKafkaErrorCode::GroupAuthorizationFailed).is_retriable());
    }
}
