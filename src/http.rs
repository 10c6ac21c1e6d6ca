//! What the service answers over HTTP: metrics, health and administration.
//!
//! `/metrics` is for Prometheus, `/livez` and `/readyz` for whatever supervises the process, and
//! `/-/reload` for whoever changed the plan files, `/-/activate/HASH` for whoever wants an old
//! revision back. The routes under `/-/` exist only while there is
//! an admin token; without one they answer 404 like any other path, so nobody learns of them.
//! Nothing here knows Kafka or decides anything: health is what the service has noted in [`Health`],
//! and what is asked for is a message to it.

mod admin;
mod connections;
mod health;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::metrics::{self, Metrics};
use crate::settings::Secret;

pub use admin::{
    ActivateAnswer, NotActivated, Question, ReloadAnswer, Request, Requests, requests,
};
use connections::Limits;
pub use health::{Check, Health};

/// Two requests at once: a scrape and a probe do not wait for each other, and nothing else is expected.
const WORKERS: usize = 2;

/// Why there is no HTTP server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {listen}; set http.listen to an address of this host and a port that is free"
    )]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The runtime cannot be started.
    #[error("cannot start the threads that answer HTTP requests")]
    Runtime(#[source] std::io::Error),
}

/// What the routes work with.
#[derive(Clone)]
pub struct Parts {
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// What `/livez` and `/readyz` tell.
    pub health: Arc<Health>,
    /// As of when ages are told.
    pub clock: Arc<dyn Clock>,
    /// What the admin routes ask for; none hides them.
    pub admin_token: Option<Secret>,
    /// Where other plans are asked for.
    pub requests: Requests,
}

/// A running server with threads of its own; dropping it stops it.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Listens and answers from now on.
    ///
    /// # Errors
    /// The address cannot be listened on, or threads cannot be started.
    pub fn start(listen: SocketAddr, parts: Parts) -> Result<Self, Error> {
        Self::start_with(listen, parts, Limits::default())
    }

    fn start_with(listen: SocketAddr, parts: Parts, limits: Limits) -> Result<Self, Error> {
        let failed = |source| Error::Listen { listen, source };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let (stop, stopped) = oneshot::channel();
        let router = router(parts);
        let serve = move || {
            runtime.block_on(async {
                // Stopping means that the sender is used or gone; both end the server.
                tokio::select! {
                    () = connections::serve(listener, router, limits) => {}
                    _ = stopped => {}
                }
            });
            // A request that is under way has had its answer or never will.
            runtime.shutdown_background();
        };
        let served = std::thread::Builder::new()
            .name("http-server".to_owned())
            .spawn(serve)
            .map_err(Error::Runtime)?;
        Ok(Self {
            address,
            stop: Some(stop),
            served: Some(served),
        })
    }

    /// The address that is listened on, with the port that was given when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have stopped by itself; then nobody listens.
            stop.send(()).ok();
        }
        if let Some(served) = self.served.take()
            && served.join().is_err()
        {
            tracing::error!("the thread of the HTTP server panicked");
        }
    }
}

fn router(parts: Parts) -> Router {
    let open = Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready));
    match parts.admin_token.clone() {
        Some(token) => open.merge(admin::router(token)),
        None => open,
    }
    .with_state(parts)
}

async fn metrics(State(parts): State<Parts>) -> impl IntoResponse {
    for (check, passing) in parts.health.checks() {
        parts.metrics.show_check(check.label(), passing);
    }
    let text = parts.metrics.render(parts.clock.now());
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text)
}
