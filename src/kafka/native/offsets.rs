//! Listing offsets of many partitions with one request per broker.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::ptr;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys as sys;

use super::{CallError, capacity, milliseconds, reach_broker};

/// Which end of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetOf {
    /// The first record that is still there.
    Start,
    /// One past the last record, those of open transactions included.
    HighWatermark,
    /// One past the last record that a reader of committed records can see.
    LastStable,
    /// The first record whose timestamp is at least this, in Unix milliseconds; -1 when none is.
    Timestamp(i64),
}

impl OffsetOf {
    fn spec(self) -> i64 {
        match self {
            Self::Start => -2,
            Self::HighWatermark | Self::LastStable => -1,
            Self::Timestamp(at) => at.max(0),
        }
    }

    /// Whether this is an answer; anything else stands for none.
    fn may_be(self, offset: i64) -> bool {
        offset >= 0 || offset == -1 && matches!(self, Self::Timestamp(_))
    }

    fn isolation(self) -> sys::rd_kafka_IsolationLevel_t {
        if self == Self::LastStable {
            sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
        } else {
            sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
        }
    }
}

/// Lists one offset of each partition, in the order asked, with one request per broker.
pub(in crate::kafka) fn list_offsets<C: ClientContext>(
    client: &Client<C>,
    partitions: &[(&str, i32)],
    of: OffsetOf,
    timeout: Duration,
) -> Result<Vec<i64>, CallError> {
    let listed = list_each_offset(client, partitions, of, timeout)?;
    listed.into_iter().collect()
}

/// The same, where a partition without a leader, or whose leader does not answer, fails by itself.
///
/// The library asks whom it knows as the leaders and does not look again when they answer that they
/// are not, or are newly elected; a client that reads nothing would go on so for minutes. So after
/// any failure the leaders are looked up, and the next call finds them. Before it has heard of any
/// broker it asks for the leaders in vain, and not again before three seconds are over
/// (`rd_kafka_topic_partition_list_query_leaders_async` of librdkafka 2.12.1), so a client that has not
/// is made to.
pub(in crate::kafka) fn list_each_offset<C: ClientContext>(
    client: &Client<C>,
    partitions: &[(&str, i32)],
    of: OffsetOf,
    timeout: Duration,
) -> Result<Vec<Result<i64, CallError>>, CallError> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    reach_broker(client, timeout)?;
    let answer = list_offsets_once(client, partitions, of, timeout);
    let is_missing = |index: usize| answer.as_ref().map_or(true, |each| each[index].is_err());
    let missing = partitions.iter().enumerate();
    let missing = missing.filter(|(index, _)| is_missing(*index));
    let mut topics: Vec<&str> = missing.map(|(_, (topic, _))| *topic).collect();
    topics.sort_unstable();
    topics.dedup();
    for topic in topics {
        // Without an answer the next call fails again, and comes back here.
        drop(client.fetch_metadata(Some(topic), timeout));
    }
    answer
}

fn list_offsets_once<C: ClientContext>(
    client: &Client<C>,
    partitions: &[(&str, i32)],
    of: OffsetOf,
    timeout: Duration,
) -> Result<Vec<Result<i64, CallError>>, CallError> {
    let handle = client.native_ptr();
    // SAFETY: every object made here is destroyed here, the event last, after its contents have
    // been copied; names are C strings that live through the call that reads them.
    unsafe {
        let list = sys::rd_kafka_topic_partition_list_new(capacity(partitions.len()));
        for (topic, partition) in partitions {
            let name = CString::new(*topic).unwrap_or_default();
            let element = sys::rd_kafka_topic_partition_list_add(list, name.as_ptr(), *partition);
            (*element).offset = of.spec();
        }
        let options = sys::rd_kafka_AdminOptions_new(
            handle,
            sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS,
        );
        sys::rd_kafka_AdminOptions_set_request_timeout(
            options,
            milliseconds(timeout),
            ptr::null_mut(),
            0,
        );
        let refused = sys::rd_kafka_AdminOptions_set_isolation_level(options, of.isolation());
        if !refused.is_null() {
            sys::rd_kafka_error_destroy(refused);
        }
        let queue = sys::rd_kafka_queue_new(handle);
        sys::rd_kafka_ListOffsets(handle, list, options, queue);
        // The request ends by itself at its timeout; the second more is for the answer to arrive.
        let event = sys::rd_kafka_queue_poll(queue, milliseconds(timeout + Duration::from_secs(1)));
        let answer = listed(event, partitions, of);
        if !event.is_null() {
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_queue_destroy(queue);
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_topic_partition_list_destroy(list);
        answer
    }
}

/// Copies the offsets out of the answer to a listing.
///
/// A leader that did not answer in time leaves its partitions without an error and without an
/// offset: the library begins with an invalid one and passes over the request that failed
/// (`rd_kafka_ListOffsets_response_merge` of librdkafka 2.12.1).
///
/// # Safety
/// The event is null or a live answer of the admin call.
unsafe fn listed(
    event: *mut sys::rd_kafka_event_t,
    partitions: &[(&str, i32)],
    of: OffsetOf,
) -> Result<Vec<Result<i64, CallError>>, CallError> {
    let silent = || CallError::new(sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TIMED_OUT);
    if event.is_null() {
        return Err(silent());
    }
    let mut offsets = vec![Err(silent()); partitions.len()];
    let asked = partitions.iter().enumerate();
    let slots: HashMap<_, _> = asked
        .map(|(slot, (name, partition))| ((name.as_bytes(), *partition), slot))
        .collect();
    // SAFETY: the result and everything it points at belong to the event, which the caller keeps.
    unsafe {
        CallError::check(sys::rd_kafka_event_error(event))?;
        let result = sys::rd_kafka_event_ListOffsets_result(event);
        let mut count = 0;
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        for index in 0..count {
            let element = sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(index));
            let topic = CStr::from_ptr((*element).topic).to_bytes();
            if let Some(slot) = slots.get(&(topic, (*element).partition)) {
                let offset = Some((*element).offset).filter(|offset| of.may_be(*offset));
                offsets[*slot] =
                    CallError::check((*element).err).and_then(|()| offset.ok_or_else(silent));
            }
        }
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::mocking::MockCluster;

    use super::*;
    use crate::kafka::error::is_transient;

    #[test]
    fn a_partition_whose_leader_does_not_answer_has_no_offset() {
        let brokers = MockCluster::new(2).unwrap();
        brokers.create_topic("state", 2, 1).unwrap();
        brokers.partition_leader("state", 0, Some(1)).unwrap();
        brokers.partition_leader("state", 1, Some(2)).unwrap();
        let reader: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers.bootstrap_servers())
            .set("group.id", "escalator")
            .create()
            .unwrap();
        let both = [("state", 0), ("state", 1)];
        let ask = |of, patience| list_offsets(reader.client(), &both, of, patience);
        let every = [
            OffsetOf::Start,
            OffsetOf::HighWatermark,
            OffsetOf::LastStable,
            OffsetOf::Timestamp(0),
        ];
        for of in &every[..3] {
            let offsets = ask(*of, Duration::from_secs(10)).unwrap();
            assert_eq!(offsets, [0, 0], "{of:?}");
        }
        brokers.broker_down(2).unwrap();
        for of in every {
            let patience = Duration::from_millis(300);
            let error = ask(of, patience).unwrap_err();
            assert!(is_transient(error.code), "{of:?}: {error:?}");
            let each = list_each_offset(reader.client(), &both, of, patience).unwrap();
            assert!(each[0].is_ok() && each[1].is_err(), "{of:?}: {each:?}");
        }
    }
}
