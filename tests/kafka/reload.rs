//! Plan files that change under a running service, and the commands about the log of edits.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::edits::{edits, plan};
use crate::observed::{metrics, now_ms};
use crate::site::Site;
use crate::support::broker::broker;
use crate::support::client::{Sent, produce};
use crate::support::process::Escalator;
use crate::support::{PATIENCE, wait_until};

const TOKEN: &str = "Authorization: Bearer open\r\n";

const MORE: &str = "admin_token = 'open'\n[start]\nnotify_from = '2026-01-01T00:00:00Z'\n";

/// Runs a command about plans with the settings of a site.
fn run(site: &Site, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_escalator"));
    command.arg("plan").args(arguments).current_dir(site.path());
    command.args(["--config", "escalator.toml"]);
    command.output().unwrap()
}

/// What a command that worked printed, a JSON value a line.
fn json_lines(site: &Site, arguments: &[&str]) -> Vec<Value> {
    let output = run(site, &[arguments, &["--output", "json"]].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn wait_for_metric(service: &Escalator, series: &str, value: f64) {
    let series = format!("escalator_{series}");
    wait_until(&series, PATIENCE, || {
        (metrics(service).get(&series) == Some(&value)).then_some(())
    });
}

#[test]
fn edited_files_come_into_force_and_an_old_revision_by_activation_only() {
    let (old, new) = (plan(3_600, "adopt"), plan(1_800, "adopt"));
    let site = Site::new(&old, 2, MORE);
    let service = site.start("one");
    wait_for_metric(&service, "check_passing{check=\"partitions\"}", 1.0);
    let first = edits(&site)[0].1.clone();

    site.write_plan("version: 1\nplans: [");
    wait_for_metric(&service, "plan_reloads_total{result=\"refused\"}", 1.0);
    assert!(
        service.log().contains("stay as they are"),
        "{}",
        service.log()
    );
    let refused = service.ask("POST /-/reload", TOKEN).unwrap();
    assert!(refused.starts_with("HTTP/1.1 422"), "{refused}");
    assert_eq!(edits(&site).len(), 1);

    site.write_plan(&new);
    let accepted = service.ask("POST /-/reload", TOKEN).unwrap();
    assert!(accepted.starts_with("HTTP/1.1 200"), "{accepted}");
    let found = edits(&site);
    let second = found[1].1.clone();
    assert!(accepted.contains(&second), "{accepted}");
    let in_force = |hash: &str| format!("plans_info{{revision=\"{hash}\"}}");
    wait_for_metric(&service, &in_force(&second), 1.0);

    site.write_plan(&old);
    service.hang_up();
    wait_until("the refusal", PATIENCE, || {
        service.log().contains("was in force before").then_some(())
    });
    assert_eq!(edits(&site), found, "a lagging file changes nothing");

    let output = run(&site, &["activate", &first[..12]]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with(&format!("revision {} is in force since", &first[..12])));
    wait_for_metric(&service, &in_force(&first), 1.0);
    let again = &json_lines(&site, &["activate", &first])[0];
    assert_eq!(again["appended"], false);
    let listed: Vec<Value> = json_lines(&site, &["list"])
        .into_iter()
        .map(|line| {
            json!([
                line["revision"],
                line["activated"],
                line["in_force"],
                line["plans"]
            ])
        })
        .collect();
    let expected = [
        json!([first, false, false, ["p"]]),
        json!([second, false, false, ["p"]]),
        json!([first, true, true, ["p"]]),
    ];
    assert_eq!(listed, expected);
    let table = String::from_utf8(run(&site, &["list"]).stdout).unwrap();
    assert_eq!(table.lines().count(), 4, "{table}");

    let back = service.ask(&format!("POST /-/activate/{}", &second[..12]), TOKEN);
    let back = back.unwrap();
    assert!(
        back.starts_with("HTTP/1.1 200") && back.contains(&second),
        "{back}"
    );
    wait_for_metric(&service, &in_force(&second), 1.0);
    let unknown = service.ask("POST /-/activate/zzz", TOKEN).unwrap();
    assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");

    let unknown = run(&site, &["activate", "zzz"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("plan list"));
    assert!(service.stop().success());
}

#[test]
fn an_edit_is_previewed_for_live_tickets() {
    let site = Site::new(&plan(3_600, "adopt"), 2, MORE);
    let service = site.start("one");
    let at_ms = now_ms() - 60_000;
    let at = escalator_engine::time::Timestamp::from_millis(at_ms);
    let created = json!({ "ticket_id": "T1", "occurred_at": at.to_string(), "ticket": {} });
    let created = created.to_string();
    let sent = Sent {
        partition: 1,
        key: Some(b"T1"),
        value: Some(created.as_bytes()),
        ..Sent::default()
    };
    produce(&broker().address, &site.topic("created"), &[sent]);
    wait_for_metric(&service, "tickets{partition=\"1\"}", 1.0);
    std::fs::write(site.path().join("new.yaml"), plan(50, "adopt")).unwrap();
    let hash = edits(&site)[0].1.clone();
    let preview = &json_lines(&site, &["diff", &hash[..12], "new.yaml"])[0];
    assert_eq!(
        (&preview["running"], &preview["differs"]),
        (&json!(1), &json!(true))
    );
    let ticket = &preview["tickets"][0];
    assert_eq!(ticket["ticket_id"], "T1");
    assert!(
        !ticket["fires_now"].as_array().unwrap().is_empty(),
        "{preview}"
    );
    let same = &json_lines(&site, &["diff", &hash, "plan.yaml"])[0];
    assert_eq!(same["differs"], false, "{same}");
    assert!(service.stop().success());
}
