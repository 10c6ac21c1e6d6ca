//! One assigned partition: records in, a decided batch out. No Kafka client in here.
