use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use escalator_engine::time::Timestamp;

use super::*;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-11-23T12:00:00Z").unwrap()
    }
}

struct Running {
    server: Server,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    requests: Receiver<Request>,
}

fn running(admin_token: Option<&str>) -> Running {
    running_with(admin_token, Limits::default())
}

fn running_with(admin_token: Option<&str>, limits: Limits) -> Running {
    let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
    let (asked, requests) = requests();
    let parts = Parts {
        metrics: Arc::clone(&metrics),
        health: Arc::clone(&health),
        clock: Arc::new(Noon),
        admin_token: admin_token.map(|token| Secret::new(token.to_owned())),
        requests: asked,
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start_with(listen, parts, limits).unwrap();
    Running {
        server,
        metrics,
        health,
        requests,
    }
}

/// Status and body of the answer to a request without a body.
fn ask(address: SocketAddr, method: &str, path: &str, header: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let header = if header.is_empty() {
        String::new()
    } else {
        format!("{header}\r\n")
    };
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer[9..12].parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

impl Running {
    fn get(&self, path: &str) -> (u16, String) {
        ask(self.server.address(), "GET", path, "")
    }
}

#[test]
fn metrics_are_told_as_of_now() {
    let running = running(None);
    let partition = running.metrics.partition(0);
    partition.set_next_deadline(Some(Timestamp::parse("2026-11-23T11:59:00Z").unwrap()));
    let (status, body) = running.get("/metrics");
    assert_eq!(status, 200);
    assert!(
        body.contains("\nescalator_oldest_due_seconds 60\n"),
        "{body}"
    );
    running.health.pass(Check::Plans);
    let (_, body) = running.get("/metrics");
    for expected in ["{check=\"plans\"} 1\n", "{check=\"broker\"} 0\n"] {
        let expected = format!("escalator_check_passing{expected}");
        assert!(body.contains(&expected), "{body}");
    }
}

#[test]
fn readiness_names_each_check_and_its_reason() {
    let running = running(None);
    let (status, body) = running.get("/readyz");
    assert_eq!(status, 503);
    assert_eq!(body.matches("not checked yet").count(), 5, "{body}");

    for check in [
        Check::Broker,
        Check::Plans,
        Check::Partitioners,
        Check::Registry,
    ] {
        running.health.pass(check);
    }
    running
        .health
        .fail(Check::Partitions, "partition 3 is restoring");
    let (status, body) = running.get("/readyz");
    assert_eq!(status, 503);
    assert!(body.contains("[+] broker reachable\n"), "{body}");
    assert!(
        body.contains("[-] partitions restored: partition 3 is restoring\n"),
        "{body}"
    );
    assert!(!running.health.is_ready());

    running.health.pass(Check::Partitions);
    assert_eq!(running.get("/readyz").0, 200);
    assert!(running.health.is_ready());
}

#[test]
fn readiness_is_told_as_json_to_those_who_ask() {
    let running = running(None);
    let address = running.server.address();
    let (_, body) = ask(address, "GET", "/readyz", "Accept: application/json");
    let report: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["checks"][0]["name"], "broker reachable");
    assert_eq!(report["checks"][0]["reason"], "not checked yet");
}

#[test]
fn whoever_answers_lives() {
    let (status, body) = running(None).get("/livez");
    assert_eq!((status, &*body), (200, "[+] process\n"));
}

#[test]
fn without_a_token_there_are_no_admin_routes() {
    let running = running(None);
    let address = running.server.address();
    for header in ["", "Authorization: Bearer "] {
        for path in ["/-/reload", "/-/activate/3f9a"] {
            assert_eq!(ask(address, "POST", path, header).0, 404);
        }
    }
    assert_eq!(ask(address, "POST", "/-/nothing", "").0, 404);
}

#[test]
fn admin_routes_ask_for_the_token() {
    let running = running(Some("open-sesame"));
    let address = running.server.address();
    for header in [
        "",
        "Authorization: Bearer open-sesam",
        "Authorization: Bearer",
        "Authorization: open-sesame",
    ] {
        for path in ["/-/reload", "/-/activate/3f9a"] {
            let (status, _) = ask(address, "POST", path, header);
            assert_eq!(status, 401, "{path} {header}");
        }
    }
}

#[test]
fn a_reload_is_answered_by_the_service() {
    let running = running(Some("open-sesame"));
    let address = running.server.address();
    let header = "authorization: bearer open-sesame";
    for (answer, expected) in [
        (Ok("revision-2".to_owned()), (200, "revision-2\n")),
        (
            Err("gold.yaml:3:5: no such target".to_owned()),
            (422, "gold.yaml:3:5: no such target\n"),
        ),
    ] {
        let asking = std::thread::spawn(move || ask(address, "POST", "/-/reload", header));
        let Ok(Request::Reload(question)) = running.requests.recv() else {
            panic!("a reload was asked for");
        };
        question.answer(answer);
        let (status, body) = asking.join().unwrap();
        assert_eq!((status, body.as_str()), expected);
    }
}

#[test]
fn an_activation_is_answered_by_the_service() {
    let running = running(Some("open-sesame"));
    let address = running.server.address();
    let header = "Authorization: Bearer open-sesame";
    let reason = || "because".to_owned();
    for (answer, expected) in [
        (Ok("3f9a1c20b7d4".to_owned()), (200, "3f9a1c20b7d4\n")),
        (Err(NotActivated::Unknown(reason())), (404, "because\n")),
        (Err(NotActivated::Ambiguous(reason())), (409, "because\n")),
        (Err(NotActivated::Failed(reason())), (503, "because\n")),
    ] {
        let asking = std::thread::spawn(move || ask(address, "POST", "/-/activate/3f9a", header));
        let Ok(Request::Activate(hash, question)) = running.requests.recv() else {
            panic!("an activation was asked for");
        };
        assert_eq!(hash, "3f9a");
        question.answer(answer);
        let (status, body) = asking.join().unwrap();
        assert_eq!((status, body.as_str()), expected);
    }
    assert_eq!(ask(address, "GET", "/-/activate/3f9a", header).0, 405);
    assert_eq!(ask(address, "POST", "/-/activate/", header).0, 404);
}

#[test]
fn an_address_in_use_is_refused_with_the_setting_to_change() {
    let running = running(None);
    let (asked, _requests) = requests();
    let parts = Parts {
        metrics: Arc::clone(&running.metrics),
        health: Arc::clone(&running.health),
        clock: Arc::new(Noon),
        admin_token: None,
        requests: asked,
    };
    let error = Server::start(running.server.address(), parts)
        .err()
        .unwrap();
    assert!(error.to_string().contains("http.listen"), "{error}");
}

#[test]
fn a_dropped_server_no_longer_listens() {
    let Running { server, .. } = running(None);
    let address = server.address();
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

/// Reads until the other side ends the connection.
fn read_on(stream: &mut TcpStream) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    rest
}

#[test]
fn who_says_nothing_is_not_listened_to_for_ever_and_keeps_nobody_out() {
    let limits = Limits {
        connections: 2,
        silence: Duration::from_millis(50),
        ..Limits::default()
    };
    let running = running_with(None, limits);
    let address = running.server.address();
    let mut silent = TcpStream::connect(address).unwrap();
    let mut halting = TcpStream::connect(address).unwrap();
    halting.write_all(b"GET /livez HTTP/1.1\r\n").unwrap();
    // It waits until one of them has been given up.
    assert_eq!(running.get("/livez").0, 200);
    assert_eq!(read_on(&mut silent), "");
    assert!(!read_on(&mut halting).contains(" 200 "));
}

#[test]
fn a_connection_that_is_kept_ends_for_its_silence_or_its_age() {
    for (silence, age) in [(50, 3_600_000), (3_600_000, 50)] {
        let limits = Limits {
            silence: Duration::from_millis(silence),
            age: Duration::from_millis(age),
            ..Limits::default()
        };
        let running = running_with(None, limits);
        let mut kept = TcpStream::connect(running.server.address()).unwrap();
        kept.write_all(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
            .unwrap();
        let answer = read_on(&mut kept);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}
