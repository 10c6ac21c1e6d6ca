//! The pure core of `escalator`.
