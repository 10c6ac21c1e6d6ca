//! The connections of the HTTP server: how many there are at once, and for how long.
//!
//! Whoever reaches the port may open as many as it likes and say nothing. Each takes a file of the
//! process, of which the connections to the brokers need some as well.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What is granted to whoever connects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// So many at once; others wait to be accepted. Ten times what some Prometheus servers, probes and
    /// people at a time need, and a tenth of the files that a process may have open by default.
    pub(super) connections: usize,
    /// So long a request may be in coming, and the last answer in being read. Prometheus keeps its
    /// connections, and asks once a minute unless told otherwise.
    pub(super) silence: Duration,
    /// After so long a connection ends behind the answer that is under way, whatever goes on on it: one
    /// whose answer nobody reads would never end otherwise.
    pub(super) age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100,
            silence: Duration::from_secs(90),
            age: Duration::from_secs(3_600),
        }
    }
}

/// A connection that cannot be accepted is either gone, or there are no more files for it.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and answers on them, for as long as it is polled.
pub(super) async fn serve(listener: TcpListener, router: Router, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(limits.silence);
    // The places are never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = loop {
            match listener.accept().await {
                Ok((stream, _)) => break stream,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let answering = server.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let mut answering = pin!(answering);
            if timeout(limits.age, &mut answering).await.is_err() {
                answering.as_mut().graceful_shutdown();
                timeout(limits.silence, answering).await.ok();
            }
            drop(place);
        });
    }
}
