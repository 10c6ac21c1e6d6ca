//! Everything that speaks to Kafka; bytes in and out, no knowledge of tickets.
