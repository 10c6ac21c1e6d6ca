//! The `escalator` binary: the command line and nothing else.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A quarter of the time of reading a recording went into the system's allocator, for states and
/// events are many small pieces that come and go.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    escalator::cli::main()
}
