//! Brokers that are not there: at the start, and in the middle of work.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::site::{Site, TELLS_OF_EVERY_TICKET};
use crate::support::broker::{Broker, broker};
use crate::support::client::{Sent, produce};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const NOTIFY_FROM: &str = "[start]\nnotify_from = '1970-01-01T00:00:00Z'\n";

/// The status and the text that a route answers with.
fn ask(child: &Escalator, route: &str) -> Option<(u16, String)> {
    let log = child.log();
    let served = log.lines().find(|line| line.contains("are served"))?;
    let line: Value = serde_json::from_str(served).unwrap();
    let address = line["http.address"]
        .as_str()
        .or_else(|| line["fields"]["http.address"].as_str())?;
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "GET {route} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

fn wait_for(child: &Escalator, route: &str, status: u16) -> String {
    wait_until(route, PATIENCE, || {
        ask(child, route).and_then(|(found, text)| (found == status).then_some(text))
    })
}

fn create(site: &Site, address: &str, ticket: &str) {
    create_all(site, address, &[ticket.to_owned()]);
}

fn create_all(site: &Site, address: &str, tickets: &[String]) {
    let value = |ticket: &String| {
        format!(
            r#"{{"ticket_id":"{ticket}","occurred_at":"2026-11-20T10:00:00Z","ticket":{{"status":"open"}}}}"#
        )
    };
    let values: Vec<String> = tickets.iter().map(value).collect();
    let sent = tickets.iter().zip(&values).map(|(ticket, value)| Sent {
        key: Some(ticket.as_bytes()),
        value: Some(value.as_bytes()),
        ..Sent::default()
    });
    produce(address, &site.topic("created"), &sent.collect::<Vec<_>>());
}

fn wait_for_escalations(site: &Site, count: usize) {
    wait_until("the escalations", PATIENCE, || {
        (site.read("escalated").len() >= count).then_some(())
    });
}

#[test]
fn a_broker_that_is_not_there_yet_is_waited_for() {
    let site = Site::new(TELLS_OF_EVERY_TICKET, 1, NOTIFY_FROM);
    create(&site, &broker().address, "T1");
    // The port is free and nobody listens; later a forwarder to the broker does.
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    drop(door);
    let service = site.start_with("one", "escalator", &["--brokers", &address.to_string()]);
    let told = wait_for(&service, "/readyz", 503);
    assert!(told.contains("broker"), "{told}");
    wait_for(&service, "/livez", 200);

    let door = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        for client in door.incoming().flatten() {
            let server = TcpStream::connect(&broker().address).unwrap();
            forward(client.try_clone().unwrap(), server.try_clone().unwrap());
            forward(server, client);
        }
    });
    wait_for(&service, "/readyz", 200);
    wait_for_escalations(&site, 1);
    assert!(service.stop().success());
}

fn forward(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        // A connection that breaks ends its thread; the client connects anew.
        drop(std::io::copy(&mut from, &mut to));
    });
}

#[test]
fn a_broker_that_crashes_and_comes_back_loses_and_repeats_nothing() {
    let mut own = Broker::start();
    let site = Site::at(&own.address, TELLS_OF_EVERY_TICKET, 1, NOTIFY_FROM);
    create(&site, &own.address, "T1");
    let service = site.start("one");
    wait_for(&service, "/readyz", 200);
    wait_for_escalations(&site, 1);

    own.kill();
    let told = wait_for(&service, "/readyz", 503);
    assert!(told.contains("broker"), "{told}");
    wait_for(&service, "/livez", 200);

    own.start_again();
    create(&site, &own.address, "T2");
    wait_for_escalations(&site, 2);
    wait_for(&service, "/readyz", 200);
    assert!(service.stop().success());
    let told: Vec<String> = site.read("escalated").iter().map(|r| r.text().0).collect();
    assert_eq!(told, ["T1", "T2"]);
    assert_eq!(site.read("notify").len(), 2);
}

#[test]
fn a_stop_is_heard_in_the_middle_of_a_transaction_without_a_broker() {
    let mut own = Broker::start();
    let slow = format!("{NOTIFY_FROM}[tuning]\ntransaction_records = 1\n");
    let site = Site::at(&own.address, TELLS_OF_EVERY_TICKET, 1, &slow);
    let service = site.start("one");
    wait_for(&service, "/readyz", 200);
    // A transaction each: the crash finds one of them under way.
    let tickets: Vec<String> = (0..500).map(|number| format!("T{number}")).collect();
    create_all(&site, &own.address, &tickets);
    wait_for_escalations(&site, 1);
    own.kill();
    let told = wait_for(&service, "/readyz", 503);
    assert!(told.contains("broker"), "{told}");
    assert!(service.stop().success());
}
