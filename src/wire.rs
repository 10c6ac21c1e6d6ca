//! Framing and formats: bytes to events and effects to bytes.
