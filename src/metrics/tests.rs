use std::collections::BTreeSet;

use super::*;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// The value of the series whose line begins like this.
fn value(exposition: &str, series: &str) -> Option<f64> {
    exposition
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
        .map(|number| number.parse().unwrap())
}

#[test]
fn every_metric_has_help_and_type_and_is_documented() {
    let metrics = Arc::new(Metrics::new());
    metrics.declare_dead_letter_reasons(["no_key"]);
    metrics.declare_plans([("gold", 2)]);
    metrics.show_plans("abc");
    metrics.show_check("broker", true);
    let partition = metrics.partition(0);
    partition.set_watermark(at(0));
    let exposition = metrics.render(at(0));

    let rows = documentation();
    for row in &rows {
        let help = format!("# HELP {} {}", row.name, row.meaning);
        let kind = format!("# TYPE {} {}", row.name, row.kind);
        for expected in [help, kind] {
            assert!(
                exposition.lines().any(|line| line == expected),
                "{expected}"
            );
        }
    }
    let shown = exposition
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    for name in shown.filter_map(|line| line.split(' ').next()) {
        let ours = rows.iter().any(|row| row.name == name);
        assert!(ours || name.starts_with("process_"), "{name}");
    }
}

#[test]
fn the_exposition_is_well_formed() {
    let metrics = Arc::new(Metrics::new());
    metrics.declare_plans([("a \"quoted\\ plan\n", 1)]);
    let mut seen = BTreeSet::new();
    for line in metrics.render(at(0)).lines() {
        if line.starts_with('#') {
            continue;
        }
        let (series, number) = line.rsplit_once(' ').unwrap();
        number.parse::<f64>().unwrap();
        assert!(seen.insert(series.to_owned()), "{series} is shown twice");
        let name = series.split('{').next().unwrap();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(plain), "{series}");
        assert!(!series.contains('{') || series.ends_with('}'), "{series}");
    }
}

#[test]
fn names_follow_the_conventions() {
    for row in documentation() {
        assert!(row.name.starts_with("escalator_"), "{}", row.name);
        assert_eq!(
            row.name.ends_with("_total"),
            row.kind == "counter",
            "{}",
            row.name
        );
        assert!(row.meaning.ends_with('.'), "{}", row.name);
        for unit in ["_ms", "_millis", "_minutes", "_kb"] {
            assert!(!row.name.contains(unit), "{}", row.name);
        }
    }
}

#[test]
fn what_is_bounded_exists_at_zero() {
    let metrics = Metrics::new();
    metrics.declare_plans([("gold", 1)]);
    metrics.declare_dead_letter_reasons(["no_key"]);
    let exposition = metrics.render(at(0));
    for series in [
        "escalator_events_total{outcome=\"late_dropped\",topic=\"updated\"}",
        "escalator_escalated_total{type=\"unacknowledged\"}",
        "escalator_escalations_total{cause=\"manual\",level=\"1\",plan=\"gold\"}",
        "escalator_notifications_total{purpose=\"ended\",to_kind=\"requester\"}",
        "escalator_transactions_total{result=\"fenced\"}",
        "escalator_partitions{state=\"waiting_for_fence\"}",
        "escalator_rebalances_total{kind=\"lost\"}",
        "escalator_dead_letters_total{reason=\"no_key\"}",
        "escalator_plan_reloads_total{result=\"refused\"}",
        "escalator_activities_ignored_total{kind=\"snooze\"}",
        "escalator_oldest_due_seconds",
        "escalator_broker_up",
    ] {
        assert_eq!(value(&exposition, series), Some(0.0), "{series}");
    }
}

#[test]
fn each_pair_of_labels_counts_for_itself() {
    let metrics = Metrics::new();
    for (n, input) in (1..).zip(Input::ALL) {
        for (m, outcome) in (1..).zip(Outcome::ALL) {
            metrics.events(*input, *outcome).inc_by(n * 10 + m);
        }
    }
    let exposition = metrics.render(at(0));
    for (series, expected) in [
        ("outcome=\"processed\",topic=\"created\"", 11.0),
        ("outcome=\"dead_letter\",topic=\"created\"", 15.0),
        ("outcome=\"processed\",topic=\"updated\"", 21.0),
        ("outcome=\"late\",topic=\"updated\"", 23.0),
    ] {
        let series = format!("escalator_events_total{{{series}}}");
        assert_eq!(value(&exposition, &series), Some(expected), "{series}");
    }
}

#[test]
fn a_deadline_that_nobody_fires_grows_old_by_itself() {
    let metrics = Arc::new(Metrics::new());
    let (first, second) = (metrics.partition(0), metrics.partition(1));
    first.set_next_deadline(Some(at(10_000)));
    second.set_next_deadline(Some(at(4_000)));

    let exposition = metrics.render(at(3_000));
    assert_eq!(
        value(&exposition, "escalator_oldest_due_seconds"),
        Some(0.0)
    );

    let exposition = metrics.render(at(10_500));
    assert_eq!(
        value(&exposition, "escalator_oldest_due_seconds"),
        Some(6.5)
    );
    let series = "escalator_partition_oldest_due_seconds{partition=\"0\"}";
    assert_eq!(value(&exposition, series), Some(0.5));

    second.set_next_deadline(None);
    let exposition = metrics.render(at(10_500));
    assert_eq!(
        value(&exposition, "escalator_oldest_due_seconds"),
        Some(0.5)
    );
}

#[test]
fn a_watermark_has_an_age_as_soon_as_there_is_one() {
    let metrics = Arc::new(Metrics::new());
    let partition = metrics.partition(3);
    let series = "escalator_watermark_age_seconds{partition=\"3\"}";
    assert_eq!(value(&metrics.render(at(1_000)), series), None);
    partition.set_watermark(at(250));
    assert_eq!(value(&metrics.render(at(1_000)), series), Some(0.75));
}

#[test]
fn a_partition_is_in_one_state_and_leaves_nothing_behind() {
    let metrics = Arc::new(Metrics::new());
    let mut partition = metrics.partition(7);
    partition.enter(PartitionState::Restoring);
    partition.enter(PartitionState::Live);
    partition.set_lag_records(Input::Updated, 5);
    let exposition = metrics.render(at(0));
    let live = "escalator_partitions{state=\"live\"}";
    let restoring = "escalator_partitions{state=\"restoring\"}";
    let lag = "escalator_lag_records{partition=\"7\",topic=\"updated\"}";
    assert_eq!(value(&exposition, live), Some(1.0));
    assert_eq!(value(&exposition, restoring), Some(0.0));
    assert_eq!(value(&exposition, lag), Some(5.0));

    drop(partition);
    let exposition = metrics.render(at(0));
    assert_eq!(value(&exposition, live), Some(0.0));
    assert!(!exposition.contains("partition=\"7\""), "{exposition}");
}

#[test]
fn an_old_handle_does_not_take_away_what_a_new_one_shows() {
    let metrics = Arc::new(Metrics::new());
    let old = metrics.partition(7);
    let new = metrics.partition(7);
    new.set_tickets(3);
    drop(old);
    let series = "escalator_tickets{partition=\"7\"}";
    assert_eq!(value(&metrics.render(at(0)), series), Some(3.0));
}

#[test]
fn one_revision_of_the_plans_is_shown() {
    let metrics = Metrics::new();
    metrics.show_plans("old");
    metrics.show_plans("new");
    let exposition = metrics.render(at(0));
    assert!(!exposition.contains("revision=\"old\""), "{exposition}");
    let series = "escalator_plans_info{revision=\"new\"}";
    assert_eq!(value(&exposition, series), Some(1.0));
}
