//! What there is to say to the broker for a client that is gone without a word.

use bytes::BytesMut;
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, ApiKey, EndTxnRequest, GroupId, HeartbeatRequest,
    InitProducerIdRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::{Decodable, StrBytes, decode_request_header_from_buffer};
use noida::kafka::engine::Engine;

/// What a transaction may last of a producer that begins none: Kafka's own default.
const TRANSACTION_TIMEOUT_MS: i32 = 60_000;

/// The requests that tell what is left to say; all others are handed on without a look.
const TELLING: [ApiKey; 6] = [
    ApiKey::JoinGroup,
    ApiKey::SyncGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::AddPartitionsToTxn,
    ApiKey::EndTxn,
];

/// What is left to say when a connection ends.
#[derive(Debug, Default)]
pub(super) struct Farewell {
    leaving: Option<LeaveGroupRequest>,
    aborting: Option<EndTxnRequest>,
}

impl Farewell {
    /// Takes from a request whose connection this is.
    pub(super) fn note(&mut self, request: &BytesMut) {
        let number = request.first_chunk().map(|key| i16::from_be_bytes(*key));
        let is_it = |key: &ApiKey| Some(*key as i16) == number;
        if let Some(key) = TELLING.into_iter().find(is_it) {
            // What cannot be read is the broker's to refuse.
            self.take(key, request.clone()).unwrap_or_default();
        }
    }

    fn take(&mut self, key: ApiKey, mut request: BytesMut) -> Option<()> {
        let version = decode_request_header_from_buffer(&mut request).ok()?;
        let version = version.request_api_version;
        if key == ApiKey::LeaveGroup {
            self.leaving = None;
        } else if key == ApiKey::EndTxn {
            self.aborting = None;
        } else if key == ApiKey::AddPartitionsToTxn {
            let request = AddPartitionsToTxnRequest::decode(&mut request, version).ok()?;
            let aborting = EndTxnRequest::default()
                .with_transactional_id(request.v3_and_below_transactional_id)
                .with_producer_id(request.v3_and_below_producer_id)
                .with_producer_epoch(request.v3_and_below_producer_epoch);
            self.aborting = Some(aborting.with_committed(false));
        } else {
            let (group_id, member_id) = member(key, &mut request, version)?;
            let leaving = LeaveGroupRequest::default().with_group_id(group_id);
            // Who asks for the first time has no name yet.
            self.leaving = (!member_id.is_empty()).then(|| leaving.with_member_id(member_id));
        }
        Some(())
    }

    /// Says it: that the member leaves, and that the transaction is aborted.
    pub(super) fn say(self, broker: &Engine) {
        if let Some(leaving) = self.leaving {
            broker.handle_leave_group(&leaving, 0);
        }
        let Some(aborting) = self.aborting else {
            return;
        };
        // The next producer of that name may have ended it already.
        if broker.handle_end_txn(&aborting, 0).error_code == 0 {
            // What is still on its way from the one that is gone is refused from now on.
            let fencing = InitProducerIdRequest::default()
                .with_transactional_id(Some(aborting.transactional_id))
                .with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS);
            broker.handle_init_producer_id(&fencing, 0);
        }
    }
}

/// The group and the member that a request names.
fn member(key: ApiKey, request: &mut BytesMut, version: i16) -> Option<(GroupId, StrBytes)> {
    if key == ApiKey::JoinGroup {
        let request = JoinGroupRequest::decode(request, version).ok()?;
        Some((request.group_id, request.member_id))
    } else if key == ApiKey::SyncGroup {
        let request = SyncGroupRequest::decode(request, version).ok()?;
        Some((request.group_id, request.member_id))
    } else {
        let request = HeartbeatRequest::decode(request, version).ok()?;
        Some((request.group_id, request.member_id))
    }
}
