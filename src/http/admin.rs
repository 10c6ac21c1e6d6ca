//! The routes that change something, for those who show the admin token.

use std::sync::mpsc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::Parts;
use crate::settings::Secret;

/// Longer than any reading of plan files takes, shorter than most callers' patience.
const RELOAD_PATIENCE: Duration = Duration::from_secs(30);

/// A request to load the plan files again, with a way to answer.
pub struct Reload {
    answer: oneshot::Sender<ReloadAnswer>,
}

/// What came of a reload: the revision that is in force or will be, or why nothing changed.
pub type ReloadAnswer = Result<String, String>;

impl Reload {
    /// Tells the caller what came of it; a caller who has gone misses it.
    pub fn answer(self, answer: ReloadAnswer) {
        self.answer.send(answer).ok();
    }
}

/// Where reloads are asked for.
#[derive(Clone)]
pub struct Reloads(mpsc::SyncSender<Reload>);

/// A way to ask for reloads, and the end at which they arrive.
#[must_use]
pub fn reloads() -> (Reloads, mpsc::Receiver<Reload>) {
    // One waits while one runs; a third would only find what the second finds.
    let (sender, receiver) = mpsc::sync_channel(1);
    (Reloads(sender), receiver)
}

/// The admin routes behind their token.
pub(super) fn router(token: Secret) -> Router<Parts> {
    Router::new()
        .route("/-/reload", post(reload))
        .route_layer(middleware::from_fn(move |request, next| {
            let token = token.clone();
            async move { admit(&token, request, next).await }
        }))
}

async fn admit(token: &Secret, request: Request, next: Next) -> Response {
    if shows(token, request.headers()) {
        return next.run(request).await;
    }
    (
        StatusCode::UNAUTHORIZED,
        [(WWW_AUTHENTICATE, "Bearer")],
        "show http.admin_token as in `Authorization: Bearer TOKEN`\n",
    )
        .into_response()
}

fn shows(token: &Secret, headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        // Digests take equally long to compare wherever the texts differ.
        .is_some_and(|shown| Sha256::digest(shown) == Sha256::digest(token.expose()))
}

async fn reload(State(parts): State<Parts>) -> Response {
    let (answer, answered) = oneshot::channel();
    if parts.reloads.0.try_send(Reload { answer }).is_err() {
        let text = "the plans are being loaded already, or the service is stopping; try again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    match tokio::time::timeout(RELOAD_PATIENCE, answered).await {
        Ok(Ok(Ok(revision))) => (StatusCode::OK, format!("{revision}\n")).into_response(),
        Ok(Ok(Err(reason))) => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("{reason}\n")).into_response()
        }
        Ok(Err(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the service is stopping\n").into_response()
        }
        Err(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "the plans are still being loaded; /metrics tells when they are\n",
        )
            .into_response(),
    }
}
