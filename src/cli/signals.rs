//! Signals: how a process is asked to end, and to look at its files again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Asks what runs to end, in an orderly way, on the first SIGTERM or SIGINT.
pub(super) fn stop_on_signals(stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut term, mut interrupt) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        )
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
            tracing::info!("the process was asked to stop");
            stop.store(true, Ordering::Release);
        })?;
    Ok(())
}

/// Notes every SIGHUP, by which a process is asked to look at its files again.
pub(super) fn note_hang_ups(hang_up: Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut hang_ups = {
        let _inside = runtime.enter();
        signal(SignalKind::hangup())?
    };
    std::thread::Builder::new()
        .name("hang-ups".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                while hang_ups.recv().await.is_some() {
                    hang_up.store(true, Ordering::Release);
                }
            });
        })?;
    Ok(())
}
