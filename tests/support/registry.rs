//! A schema registry for tests: the answers of the HTTP interface that the service asks for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A registry that ends when it goes out of scope.
pub(crate) struct Registry {
    address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    // It serves as long as it is there.
    _runtime: Runtime,
}

#[derive(Default)]
struct Shelf {
    /// What is answered of an id.
    schemas: BTreeMap<u32, Value>,
    /// The ids of each subject's versions.
    subjects: BTreeMap<String, Vec<u32>>,
    /// What is answered to everything.
    always: Option<(u16, String)>,
    authorization: Option<String>,
    asked: Vec<String>,
}

impl Registry {
    /// Starts one on a port of its own.
    pub(crate) fn start() -> Self {
        Self::start_at(0)
    }

    /// Starts one on this port.
    pub(crate) fn start_at(port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", port)))
            .expect("the port is free");
        let address = listener.local_addr().expect("it listens");
        let shelf = Arc::<Mutex<Shelf>>::default();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shelf));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            shelf,
            _runtime: runtime,
        }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts an Avro schema where it is found by its id.
    pub(crate) fn put(&self, id: u32, schema: &str) {
        self.put_answer(id, json!({ "schema": schema }));
    }

    /// Puts the answer to an id, whatever it is.
    pub(crate) fn put_answer(&self, id: u32, answer: Value) {
        self.shelf().schemas.insert(id, answer);
    }

    /// Puts the next version of a subject.
    pub(crate) fn put_version(&self, subject: &str, id: u32, schema: &str) {
        self.put(id, schema);
        let mut shelf = self.shelf();
        shelf
            .subjects
            .entry(subject.to_owned())
            .or_default()
            .push(id);
    }

    /// The text of a schema.
    pub(crate) fn schema(&self, id: u32) -> String {
        let shelf = self.shelf();
        let text = shelf.schemas[&id]["schema"].as_str();
        text.expect("it is there").to_owned()
    }

    /// Answers everything with this from now on, or as it should again.
    pub(crate) fn always(&self, answer: Option<(u16, &str)>) {
        self.shelf().always = answer.map(|(status, body)| (status, body.to_owned()));
    }

    /// Asks for this header from now on.
    pub(crate) fn ask_for(&self, authorization: &str) {
        self.shelf().authorization = Some(authorization.to_owned());
    }

    /// Methods and paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shelf().asked.clone()
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("nothing panics with it")
    }
}

type Answer = (StatusCode, String);

async fn answer(
    State(shelf): State<Arc<Mutex<Shelf>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let mut shelf = shelf.lock().expect("nothing panics with it");
    shelf.asked.push(format!("{method} {}", uri.path()));
    let shown = headers.get("authorization").and_then(|it| it.to_str().ok());
    if shelf.authorization.is_some() && shelf.authorization.as_deref() != shown {
        return refusal(401, 40101, "who are you?");
    }
    if let Some((status, body)) = shelf.always.clone() {
        return (code(status), body);
    }
    let schema = serde_json::from_slice(&body).ok();
    let schema = schema.and_then(|body: Value| body["schema"].as_str().map(str::to_owned));
    let path: Vec<&str> = uri.path().split('/').skip(1).collect();
    match (path.as_slice(), schema) {
        (["schemas", "ids", id], None) => by_id(&shelf, id.parse().unwrap_or_default()),
        (["subjects", subject, "versions", version], None) => {
            let Some(ids) = shelf.subjects.get(*subject) else {
                return refusal(404, 40401, "no such subject");
            };
            let wanted = version.parse().unwrap_or(ids.len());
            match ids.get(wanted - 1) {
                Some(id) => by_id(&shelf, *id),
                None => refusal(404, 40402, "no such version"),
            }
        }
        (["subjects", subject, "versions"], Some(schema)) => register(&mut shelf, subject, &schema),
        (["subjects", subject], Some(schema)) => look_up(&shelf, subject, &schema),
        _ => (StatusCode::NOT_FOUND, "not a path".to_owned()),
    }
}

fn by_id(shelf: &Shelf, id: u32) -> Answer {
    match shelf.schemas.get(&id) {
        Some(answer) => (StatusCode::OK, answer.to_string()),
        None => refusal(404, 40403, &format!("Schema {id} not found")),
    }
}

fn look_up(shelf: &Shelf, subject: &str, schema: &str) -> Answer {
    let ids = shelf.subjects.get(subject).into_iter().flatten();
    let mut same = ids.filter(|id| shelf.schemas[*id]["schema"] == schema);
    match same.next() {
        Some(id) => (
            StatusCode::OK,
            json!({ "subject": subject, "id": id }).to_string(),
        ),
        None => refusal(404, 40403, "Schema not found"),
    }
}

fn register(shelf: &mut Shelf, subject: &str, schema: &str) -> Answer {
    let known = look_up(shelf, subject, schema);
    if known.0 == StatusCode::OK {
        return known;
    }
    let id = shelf.schemas.keys().last().copied().unwrap_or_default() + 1;
    shelf.schemas.insert(id, json!({ "schema": schema }));
    shelf
        .subjects
        .entry(subject.to_owned())
        .or_default()
        .push(id);
    (StatusCode::OK, json!({ "id": id }).to_string())
}

fn refusal(status: u16, error_code: u32, message: &str) -> Answer {
    let body = json!({ "error_code": error_code, "message": message });
    (code(status), body.to_string())
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}
