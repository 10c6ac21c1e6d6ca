//! What `template render` shows, for a sample ticket and for one that was recorded.

use serde_json::Value;

use super::{Desk, EVENTS, good, refused};

const RENDER: [&str; 6] = [
    "template",
    "render",
    "--template",
    "raised",
    "--ticket",
    "T1",
];

const TEMPLATED: &str = "
version: 1
targets:
  noc: { kind: team, channels: [chat] }
templates:
  raised:
    subject: \"{{ ticket.id }} {{ purpose }} {{ level }}\"
    body: |
      {{ ticket.queue or 'nobody' }}: {{ reason }}
      {% if ticket.labels.n %}
      {{ ticket.labels.n + 1 }}
      {% endif %}
plans:
  - name: gold
    timeframes: { first_response: { within: 30m, marks: [{ at: 100%, level: 1 }] } }
    path:
      - { notify: [{ to: noc, template: raised }], repeat: { every: 10m, times: 2 } }
";

#[test]
fn a_template_is_rendered_for_a_sample_ticket() {
    let desk = Desk::new(TEMPLATED, EVENTS);
    let render = |arguments: &[&str]| {
        let all = [&["template", "render", "--template", "raised"], arguments].concat();
        good(&desk.command(&all).output().unwrap())
    };
    assert_eq!(
        render(&[]),
        "Subject: INC0000045 level 1\n\nnoc: first_response reached 100% of its time at 2026-11-23T10:30:00Z\n"
    );
    let json = render(&["--purpose", "repeat", "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["subject"], "INC0000045 repeat 1");
    assert_eq!(
        (&json["is_sample"], &json["level"]),
        (&true.into(), &1.into())
    );
}

#[test]
fn a_template_is_rendered_as_people_were_told_of_a_recorded_ticket() {
    let desk = Desk::new(TEMPLATED, EVENTS);
    let render = |arguments: &[&str]| desk.run(&[&RENDER[..], arguments].concat());
    let last = good(&render(&[]));
    assert_eq!(
        last,
        "Subject: T1 repeat 1\n\nnobody: the level still waits for somebody\n"
    );
    let raised = good(&render(&["--purpose", "level"]));
    assert!(raised.starts_with("Subject: T1 level 1\n"), "{raised}");
    let raised = good(&render(&["--at", "2026-11-23T10:30:00Z"]));
    assert!(raised.starts_with("Subject: T1 level 1\n"), "{raised}");
    let before = render(&["--at", "2026-11-23T10:29:59Z"]);
    assert_eq!(before.status.code(), Some(0));
    let told = String::from_utf8(before.stderr).unwrap();
    assert_eq!(
        told,
        "nobody was told of ticket `T1` up to 2026-11-23T10:29:59Z: level and reason are a sample\n"
    );
    let update = render(&["--purpose", "customer_update"]);
    assert_eq!(
        String::from_utf8(update.stderr).unwrap(),
        "nobody was told of ticket `T1` for `customer_update` up to 2026-11-23T10:50:00Z: level and reason are a sample\n"
    );
}

#[test]
fn the_last_update_that_a_customer_was_told_is_rendered_as_it_was_read() {
    let plans = TEMPLATED.replace(
        "    path:\n",
        "    communication: { to: requester, every: 8m, template: raised }\n    path:\n",
    );
    let tickets = EVENTS.replace("\"status\"", "\"requester\": \"carol\", \"status\"");
    let desk = Desk::new(&plans, &tickets);
    let simulated = good(&desk.run(&["simulate", "--output", "json"]));
    let lines = simulated
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let notify = lines.map(|line: Value| line["value"].clone());
    let updates: Vec<Value> = notify
        .filter(|it| it["purpose"] == "customer_update" && it["ticket_id"] == "T1")
        .collect();
    assert!(updates.len() > 1, "{simulated}");
    for update in updates {
        let at = update["fired_at"].as_str().unwrap();
        let arguments = [
            "--purpose",
            "customer_update",
            "--at",
            at,
            "--output",
            "json",
        ];
        let rendered = good(&desk.run(&[&RENDER[..], &arguments].concat()));
        let rendered: Value = serde_json::from_str(&rendered).unwrap();
        assert_eq!(rendered["is_sample"], false);
        assert_eq!(
            (&rendered["subject"], &rendered["body"]),
            (&update["subject"], &update["body"])
        );
    }
}

#[test]
fn a_warning_that_was_told_is_rendered_with_the_deadline_that_it_told() {
    let plans = TEMPLATED
        .replace("{{ reason }}", "{{ reason }}, until {{ deadline }}")
        .replace(
            "marks: [",
            "marks: [{ at: 50%, warn: [{ to: noc, template: raised }] }, ",
        );
    let desk = Desk::new(&plans, EVENTS);
    let rendered = good(&desk.run(&[&RENDER[..], &["--purpose", "warning"]].concat()));
    let body = "nobody: first_response reached 50% of its time at 2026-11-23T10:15:00Z, \
                until 2026-11-23T10:30:00Z";
    assert_eq!(rendered, format!("Subject: T1 warning 0\n\n{body}\n"));
    let simulated = good(&desk.run(&["simulate", "--output", "json"]));
    assert!(simulated.contains(body), "{simulated}");
}

#[test]
fn the_built_in_text_of_a_warning_says_until_when_there_is_time() {
    let plans = TEMPLATED.replace("{ at: 100%, level: 1 }", "{ at: 50%, warn: [noc] }");
    let simulated = good(&Desk::new(&plans, EVENTS).run(&["simulate", "--output", "json"]));
    let lines = simulated
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let mut bodies =
        lines.filter_map(|line: Value| line["value"]["body"].as_str().map(str::to_owned));
    let body = "Ticket T1: warning.\n\
                Reason: first_response reached 50% of its time at 2026-11-23T10:15:00Z.\n\
                At: 2026-11-23T10:15:00Z\n\
                Deadline: 2026-11-23T10:30:00Z\n\
                Status: Galactic\n\
                Plan: gold";
    assert_eq!(bodies.next().unwrap(), body);
}

#[test]
fn a_template_that_fails_or_does_not_exist_says_why() {
    let events = EVENTS.replace(
        "\"tier\":\"silver\"",
        "\"tier\":\"silver\",\"labels\":{\"n\":\"many\"}",
    );
    let desk = Desk::new(TEMPLATED, &events);
    let render = |template: &str, ticket: &str| {
        let arguments = [
            "template",
            "render",
            "--template",
            template,
            "--ticket",
            ticket,
        ];
        refused(&desk.run(&arguments), 1)
    };
    let told = render("raised", "T2");
    assert!(
        told.contains("error: the body of `raised` cannot be rendered: the template fails"),
        "{told}"
    );
    assert!(render("rased", "T1").contains("help: did you mean `raised`?"));
    assert!(render("raised", "t1").contains("help: did you mean `T1`?"));
    refused(&desk.command(&RENDER).output().unwrap(), 2);
}

#[test]
fn a_simulation_counts_notifications_whose_template_failed() {
    let events = EVENTS.replace(
        "\"tier\":\"gold\"",
        "\"tier\":\"gold\",\"labels\":{\"n\":\"many\"}",
    );
    let printed = good(&Desk::new(TEMPLATED, &events).run(&["simulate"]));
    let line = "\n2 notifications in the built-in text: the template failed; `escalator template render` shows why\n";
    assert!(printed.contains(line), "{printed}");
}
