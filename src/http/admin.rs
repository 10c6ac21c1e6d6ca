//! The routes that change something, for those who show the admin token.

use std::sync::mpsc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request as HttpRequest, State};
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
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked of whoever writes to the log of plan edits.
pub enum Request {
    /// To load the plan files again.
    Reload(Question<ReloadAnswer>),
    /// To bring the revision back into force whose hash begins so.
    Activate(String, Question<ActivateAnswer>),
}

/// A way to answer somebody who waits.
pub struct Question<A>(oneshot::Sender<A>);

/// What came of a reload: the revision that is in force or will be, or why nothing changed.
pub type ReloadAnswer = Result<String, String>;

/// What came of an activation: the revision that is in force, or why nothing changed.
pub type ActivateAnswer = Result<String, NotActivated>;

/// Why a revision is not activated, in words for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotActivated {
    /// There is none whose hash begins so.
    Unknown(String),
    /// There are several.
    Ambiguous(String),
    /// The log cannot be read or written.
    Failed(String),
}

impl<A> Question<A> {
    /// Tells the caller what came of it; a caller who has gone misses it.
    pub fn answer(self, answer: A) {
        self.0.send(answer).ok();
    }
}

/// Where requests are made.
#[derive(Clone)]
pub struct Requests(mpsc::SyncSender<Request>);

/// A way to make requests, and the end at which they arrive.
#[must_use]
pub fn requests() -> (Requests, mpsc::Receiver<Request>) {
    // One waits while one runs; a third would only find what the second finds.
    let (sender, receiver) = mpsc::sync_channel(1);
    (Requests(sender), receiver)
}

impl Requests {
    /// Asks and waits for the answer; or says why there is none.
    async fn ask<A>(&self, request: impl FnOnce(Question<A>) -> Request) -> Result<A, Response> {
        let (answer, answered) = oneshot::channel();
        if self.0.try_send(request(Question(answer))).is_err() {
            let text =
                "the plans are being changed already, or the service is stopping; try again\n";
            return Err((StatusCode::SERVICE_UNAVAILABLE, text).into_response());
        }
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => {
                Err((StatusCode::SERVICE_UNAVAILABLE, "the service is stopping\n").into_response())
            }
            Err(_) => Err((
                StatusCode::GATEWAY_TIMEOUT,
                "it still goes on; /metrics tells which plans are in force\n",
            )
                .into_response()),
        }
    }
}

/// The admin routes behind their token.
pub(super) fn router(token: Secret) -> Router<Parts> {
    Router::new()
        .route("/-/reload", post(reload))
        .route("/-/activate/{hash}", post(activate))
        .route_layer(middleware::from_fn(move |request, next| {
            let token = token.clone();
            async move { admit(&token, request, next).await }
        }))
}

async fn admit(token: &Secret, request: HttpRequest, next: Next) -> Response {
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

/// What stands before a token.
const SCHEME: &[u8] = b"Bearer ";

fn shows(token: &Secret, headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().split_at_checked(SCHEME.len()))
        // Names of schemes are the same in capitals.
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        // Digests take equally long to compare wherever the texts differ.
        .is_some_and(|(_, shown)| Sha256::digest(shown) == Sha256::digest(token.expose()))
}

async fn reload(State(parts): State<Parts>) -> Response {
    match parts.requests.ask(Request::Reload).await {
        Ok(Ok(revision)) => (StatusCode::OK, format!("{revision}\n")).into_response(),
        Ok(Err(reason)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("{reason}\n")).into_response()
        }
        Err(silence) => silence,
    }
}

async fn activate(State(parts): State<Parts>, Path(hash): Path<String>) -> Response {
    let request = |question| Request::Activate(hash, question);
    let (status, text) = match parts.requests.ask(request).await {
        Ok(Ok(revision)) => (StatusCode::OK, revision),
        Ok(Err(NotActivated::Unknown(reason))) => (StatusCode::NOT_FOUND, reason),
        Ok(Err(NotActivated::Ambiguous(reason))) => (StatusCode::CONFLICT, reason),
        Ok(Err(NotActivated::Failed(reason))) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        Err(silence) => return silence,
    };
    (status, format!("{text}\n")).into_response()
}
