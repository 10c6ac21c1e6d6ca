//! The broker inside the process, behind `run --embedded` and `demo`.
