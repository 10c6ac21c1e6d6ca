//! The calls of librdkafka that the safe wrapper lacks, each behind a small safe function.
//!
//! Six things are here. Committing and aborting natively, because the wrapper flushes in steps of
//! 100 ms before it commits. Listing offsets of many partitions with one request per broker,
//! because the wrapper asks for one partition at a time. Reading in batches with borrowed payloads,
//! for restores only: a group consumer must not read that way, since the batch call answers a
//! rebalance event by dropping the whole assignment without telling the application. Hearing why a
//! client fails that the wrapper does not poll, which is how an administrating one is used. Having a
//! client reach a broker, because the wrapper asks for topics then, of which there may be thousands. And
//! the generation of a group member, which the wrapper keeps to itself.

#![expect(
    unsafe_code,
    reason = "librdkafka is a C library; only this module calls it directly"
)]

mod offsets;

use std::ffi::{CStr, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{RDKafkaError, RDKafkaErrorCode};
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};
use rdkafka_sys as sys;

pub use offsets::OffsetOf;
pub(super) use offsets::{list_each_offset, list_offsets};

use super::batch::{Batch, Message};
use super::client::log_line;

/// The generation of the group that a member belongs to, or its epoch, whichever the protocol has; -1
/// while it belongs to none.
pub(super) fn generation<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> i32 {
    let handle = consumer.client().native_ptr();
    // SAFETY: the consumer lives, and what the library answers is looked at before it is destroyed, once.
    unsafe {
        let metadata = sys::rd_kafka_consumer_group_metadata(handle);
        if metadata.is_null() {
            return -1;
        }
        let generation = sys::rd_kafka_consumer_group_metadata_generation_id(metadata);
        sys::rd_kafka_consumer_group_metadata_destroy(metadata);
        generation
    }
}

/// Why a transactional call failed, with the three flags that say what may be done about it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({code:?})")]
pub struct TransactionError {
    /// The library's or the broker's code.
    pub code: RDKafkaErrorCode,
    /// The same call may be made again.
    pub retriable: bool,
    /// The transaction can only be aborted, and then tried again as a whole.
    pub requires_abort: bool,
    /// The producer is of no more use.
    pub fatal: bool,
    /// The library's own words.
    pub message: String,
}

impl From<&RDKafkaError> for TransactionError {
    fn from(error: &RDKafkaError) -> Self {
        Self {
            code: error.code(),
            retriable: error.is_retriable(),
            requires_abort: error.txn_requires_abort(),
            fatal: error.is_fatal(),
            message: error.string(),
        }
    }
}

impl TransactionError {
    /// Takes the error over from the library and frees it.
    fn check(error: *mut sys::rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: a non-null pointer from a transactional call is a live error object that the
        // caller owns; its string lives until it is destroyed, after the copy.
        unsafe {
            let taken = Self {
                code: sys::rd_kafka_error_code(error).into(),
                retriable: sys::rd_kafka_error_is_retriable(error) != 0,
                requires_abort: sys::rd_kafka_error_txn_requires_abort(error) != 0,
                fatal: sys::rd_kafka_error_is_fatal(error) != 0,
                message: CStr::from_ptr(sys::rd_kafka_error_string(error))
                    .to_string_lossy()
                    .into_owned(),
            };
            sys::rd_kafka_error_destroy(error);
            Err(taken)
        }
    }
}

/// Commits the open transaction; waits for every outstanding record first.
///
/// The producer's own thread serves the delivery reports meanwhile, which is why only a
/// [`ThreadedProducer`] is accepted: with nobody polling, the call would wait out its time.
pub(super) fn commit_transaction<C: ProducerContext + 'static>(
    producer: &ThreadedProducer<C>,
    timeout: Duration,
) -> Result<(), TransactionError> {
    // SAFETY: the pointer is live for as long as the producer is borrowed.
    TransactionError::check(unsafe {
        sys::rd_kafka_commit_transaction(producer.client().native_ptr(), milliseconds(timeout))
    })
}

/// Aborts the open transaction; outstanding records are purged.
pub(super) fn abort_transaction<C: ProducerContext + 'static>(
    producer: &ThreadedProducer<C>,
    timeout: Duration,
) -> Result<(), TransactionError> {
    // SAFETY: the pointer is live for as long as the producer is borrowed.
    TransactionError::check(unsafe {
        sys::rd_kafka_abort_transaction(producer.client().native_ptr(), milliseconds(timeout))
    })
}

/// Waits until a client has heard of the brokers, which it is made to; costs nothing when it has.
///
/// A new client connects to a broker by itself, but whether at once or when its thread wakes, once a
/// second, is left to chance, and calls that find it without one wait for longer than that.
pub(super) fn reach_broker<C: ClientContext>(
    client: &Client<C>,
    timeout: Duration,
) -> Result<(), CallError> {
    if client.fetch_cluster_id(Duration::ZERO).is_some() {
        return Ok(());
    }
    let mut metadata = ptr::null();
    // SAFETY: what is answered is destroyed here; without a topic, and not of all, it is the brokers.
    let code = unsafe {
        let handle = client.native_ptr();
        let wait = milliseconds(timeout);
        let code = sys::rd_kafka_metadata(handle, 0, ptr::null_mut(), &raw mut metadata, wait);
        if !metadata.is_null() {
            sys::rd_kafka_metadata_destroy(metadata);
        }
        code
    };
    CallError::check(code)
}

/// A failed call that is not transactional.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} ({code:?})")]
pub struct CallError {
    /// The library's or the broker's code.
    pub code: RDKafkaErrorCode,
    /// The library's own words.
    pub message: String,
}

impl CallError {
    fn check(code: sys::rd_kafka_resp_err_t) -> Result<(), Self> {
        let is_good = code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        is_good.then_some(()).ok_or_else(|| Self::new(code))
    }

    fn new(code: sys::rd_kafka_resp_err_t) -> Self {
        // SAFETY: err2str answers with a static string for every code.
        let message = unsafe { CStr::from_ptr(sys::rd_kafka_err2str(code)) };
        Self {
            code: code.into(),
            message: message.to_string_lossy().into_owned(),
        }
    }
}

/// A manually assigned consumer that is read in batches.
///
/// Never subscribe it: see the head of this file.
pub(super) struct BatchReader<C: ConsumerContext> {
    queue: NonNull<sys::rd_kafka_queue_t>,
    log_queue: NonNull<sys::rd_kafka_queue_t>,
    slots: Vec<*mut sys::rd_kafka_message_t>,
    consumer: BaseConsumer<C>,
}

// SAFETY: librdkafka's handles may be used from any thread; the slots are empty between calls,
// because a batch borrows the reader mutably and clears them when it is dropped.
unsafe impl<C: ConsumerContext> Send for BatchReader<C> {}

impl<C: ConsumerContext> BatchReader<C> {
    /// Wraps a consumer; at most `batch_records` records are read at a time.
    pub(super) fn new(consumer: BaseConsumer<C>, batch_records: usize) -> Self {
        let handle = consumer.client().native_ptr();
        // SAFETY: the handle is live; both queues are destroyed before the consumer. The log queue
        // is separate because the batch call would print the library's lines to standard error.
        let (queue, log_queue) = unsafe {
            let log_queue = sys::rd_kafka_queue_new(handle);
            sys::rd_kafka_set_log_queue(handle, log_queue);
            (sys::rd_kafka_queue_get_consumer(handle), log_queue)
        };
        let queue = NonNull::new(queue).expect("a consumer with a group has a queue");
        // SAFETY: it is live. Nothing is assigned, so only what was said of the settings waits in it.
        unsafe { drain_log(queue) };
        Self {
            queue,
            log_queue: NonNull::new(log_queue).expect("making a queue does not fail"),
            slots: vec![ptr::null_mut(); batch_records],
            consumer,
        }
    }

    /// The wrapped consumer, for assignments and offsets.
    pub(super) fn consumer(&self) -> &BaseConsumer<C> {
        &self.consumer
    }

    /// Takes what has arrived, waiting at most `timeout` for it.
    pub(super) fn poll(&mut self, timeout: Duration) -> Batch<'_> {
        // SAFETY: the queue is destroyed with the reader.
        unsafe { drain_log(self.log_queue) };
        // SAFETY: the queue is live and the slots are as many as announced.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                milliseconds(timeout),
                self.slots.as_mut_ptr(),
                self.slots.len(),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        Batch::new(NativeMessages(&mut self.slots[..count]))
    }
}

/// Passes on the log lines that wait in a queue where nothing else of interest waits.
///
/// # Safety
/// The queue must be live.
unsafe fn drain_log(queue: NonNull<sys::rd_kafka_queue_t>) {
    // SAFETY: the queue is live, says the caller; each event is destroyed after its strings have
    // been read.
    unsafe {
        loop {
            let event = sys::rd_kafka_queue_poll(queue.as_ptr(), 0);
            if event.is_null() {
                return;
            }
            let (mut facility, mut text, mut level) = (ptr::null(), ptr::null(), 0);
            let found =
                sys::rd_kafka_event_log(event, &raw mut facility, &raw mut text, &raw mut level);
            if found == 0 {
                let [facility, text] =
                    [facility, text].map(|text| CStr::from_ptr(text).to_string_lossy());
                log_line(level, facility.trim(), text.trim());
            }
            sys::rd_kafka_event_destroy(event);
        }
    }
}

impl<C: ConsumerContext> Drop for BatchReader<C> {
    fn drop(&mut self) {
        // SAFETY: both were made by `new` and are destroyed once, before the consumer itself,
        // which is dropped with the fields.
        unsafe {
            sys::rd_kafka_queue_destroy(self.queue.as_ptr());
            sys::rd_kafka_set_log_queue(self.consumer.client().native_ptr(), ptr::null_mut());
            sys::rd_kafka_queue_destroy(self.log_queue.as_ptr());
        }
    }
}

/// The messages of one batch; they are given back to the library when this is dropped.
pub(super) struct NativeMessages<'a>(&'a mut [*mut sys::rd_kafka_message_t]);

impl NativeMessages<'_> {
    /// How many entries there are, errors and ends of partitions included.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A view of one entry; it lives no longer than the batch.
    pub(super) fn get(&self, index: usize) -> Message<'_> {
        // SAFETY: the library filled the slot with a live message that is destroyed on drop only;
        // payload and key stay in place until then.
        unsafe {
            let message = &*self.0[index];
            let error = CallError::check(message.err).err();
            let failed = error.is_some();
            Message {
                partition: message.partition,
                offset: message.offset,
                key: borrowed(message.key, message.key_len).filter(|_| !failed),
                // With an error the payload is the error's text, not a value.
                value: borrowed(message.payload, message.len).filter(|_| !failed),
                error,
            }
        }
    }
}

impl Drop for NativeMessages<'_> {
    fn drop(&mut self) {
        for slot in self.0.iter_mut() {
            // SAFETY: each slot holds a message of this batch, destroyed exactly once.
            unsafe { sys::rd_kafka_message_destroy(*slot) };
            *slot = ptr::null_mut();
        }
    }
}

/// # Safety
/// A non-null start is followed by `length` bytes that live as long as the answer is used.
unsafe fn borrowed<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: promised by the caller.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast::<u8>(), length) })
}

/// The last reason that a client has heard for a failure, when nobody polls it; that all brokers are
/// down is none.
pub(super) fn last_reason<C: ClientContext>(
    client: &Client<C>,
) -> Option<(RDKafkaErrorCode, String)> {
    let mut last = None;
    // SAFETY: the client lives as long as it is borrowed, the reference to its queue is given back,
    // and each event is destroyed after its string has been read.
    unsafe {
        let queue = sys::rd_kafka_queue_get_main(client.native_ptr());
        loop {
            let event = sys::rd_kafka_queue_poll(queue, 0);
            if event.is_null() {
                break;
            }
            let code = sys::rd_kafka_event_error(event);
            if sys::rd_kafka_event_type(event) == sys::RD_KAFKA_EVENT_ERROR
                && code != sys::RDKafkaRespErr::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
            {
                let reason = CStr::from_ptr(sys::rd_kafka_event_error_string(event));
                last = Some((code.into(), reason.to_string_lossy().into_owned()));
            }
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_queue_destroy(queue);
    }
    last
}

/// The library counts in C integers; what does not fit is as good as for ever.
fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

fn capacity(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
