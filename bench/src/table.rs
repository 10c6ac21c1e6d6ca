//! The table: what ours did in relation to each rival, round by round.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::results::Measurement;

/// A measurement is disturbed when others took more than this of the two cores meanwhile.
const OTHERS_CORES_MAX: f64 = 0.1;

/// What must be reached.
struct Target {
    row: &'static str,
    metric: &'static str,
    /// Against the best of the contenders whose names begin so, or by itself.
    rival: Option<&'static str>,
    limit: f64,
}

const fn target(
    row: &'static str,
    metric: &'static str,
    rival: &'static str,
    limit: f64,
) -> Target {
    Target {
        row,
        metric,
        rival: Some(rival),
        limit,
    }
}

const fn alone(row: &'static str, metric: &'static str, limit: f64) -> Target {
    Target {
        row,
        metric,
        rival: None,
        limit,
    }
}

/// More is better where the metric says so; the limit is the least then, else the most.
const TARGETS: &[Target] = &[
    target("cold", "events_per_s", "streams", 2.0),
    target("cold", "cpu_us_per_event", "streams", 0.25),
    target("cold", "rss_mib", "streams", 0.1),
    target("uniform", "warm_events_per_s", "streams", 1.2),
    target("uniform", "warm_cpu_us_per_event", "streams", 0.7),
    target("uniform", "warm_events_per_s", "raw", 0.7),
    target("zipf", "warm_events_per_s", "streams", 1.2),
    target("zipf", "warm_cpu_us_per_event", "streams", 0.7),
    alone("batches of 2000", "state_records_per_event", 0.5),
    target("latency", "p50_ms", "streams-2t-25ms", 0.7),
    target("latency", "p99_ms", "streams-2t-25ms", 0.7),
    target("latency", "p50_ms", "streams-2t-100ms", 1.0 / 3.0),
    target("latency", "p99_ms", "streams-2t-100ms", 1.0 / 3.0),
    target("latency", "p99_ms", "raw", 1.3),
    alone("memory", "bytes_per_ticket", 250.0),
    target("restore", "stopped_all_s", "streams", 0.6),
    // The session of 10 s and two more.
    alone("takeover", "takeover_all_s", 12.0),
];

/// Values that say how a measurement went, and nothing about a contender.
const ASIDE: [&str; 5] = [
    "events",
    "seconds",
    "others_cores",
    "sent_per_s",
    "sender_late_max_ms",
];

/// The table as Markdown.
///
/// Fails when a contender did not escalate what it should: then nothing else counts.
pub fn table(measurements: &[Measurement]) -> Result<String> {
    let is_wrong = |it: &&Measurement| {
        it.found
            .as_ref()
            .is_err_and(|error| error.contains("WRONG"))
    };
    if let Some(wrong) = measurements.iter().find(is_wrong) {
        let error = wrong.found.as_ref().err().map_or("", String::as_str);
        bail!(
            "no table: {} in `{}`, round {}: {error}",
            wrong.contender,
            wrong.row,
            wrong.round
        );
    }
    let mut text = String::new();
    let mut rows: Vec<&str> = Vec::new();
    for measurement in measurements {
        if !rows.contains(&measurement.row.as_str()) {
            rows.push(&measurement.row);
        }
    }
    for row in rows {
        let of_row: Vec<_> = measurements.iter().filter(|it| it.row == row).collect();
        write_row(&mut text, row, &of_row)?;
    }
    Ok(text)
}

/// The values of one contender, by run and round.
type Rounds<'a> = BTreeMap<(&'a str, u64), f64>;

fn write_row(text: &mut String, row: &str, measurements: &[&Measurement]) -> Result<()> {
    writeln!(text, "\n### {row}\n")?;
    for failed in measurements {
        if let Err(error) = &failed.found {
            let error = error.lines().next().unwrap_or_default();
            writeln!(
                text,
                "{} failed in round {}: {error}\n",
                failed.contender, failed.round
            )?;
        }
    }
    let Some(ours) = measurements.first().map(|it| it.contender.as_str()) else {
        return Ok(());
    };
    let mut names: Vec<&str> = Vec::new();
    let mut metrics: BTreeSet<&str> = BTreeSet::new();
    for measurement in measurements {
        if !names.contains(&measurement.contender.as_str()) {
            names.push(&measurement.contender);
        }
        let values = measurement.found.iter().flat_map(|values| values.0.keys());
        metrics.extend(values.map(String::as_str).filter(|it| !ASIDE.contains(it)));
    }
    writeln!(
        text,
        "| metric | contender | median | min | max | ours to it | min | max | rounds | target |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|---|---|")?;
    for metric in metrics {
        let of = |name: &str| rounds(measurements, name, metric);
        let own = of(ours);
        for name in &names {
            let goal = if *name == ours {
                goal(row, metric, None)
            } else {
                None
            };
            write_line(text, metric, name, (&own, &of(name)), goal)?;
        }
        for family in ["streams", "raw", "streams-2t-25ms", "streams-2t-100ms"] {
            let members = names
                .iter()
                .filter(|name| **name != ours && name.starts_with(family));
            let members: Vec<_> = members
                .map(|name| of(name))
                .filter(|it| !it.is_empty())
                .collect();
            let goal = goal(row, metric, Some(family));
            let is_one_line = members.len() < 2 || family.contains('-');
            if members.is_empty() || (goal.is_none() && is_one_line) {
                continue;
            }
            let best = best(&members, metric);
            write_line(text, metric, &format!("best {family}"), (&own, &best), goal)?;
        }
    }
    Ok(())
}

/// What was found, without what was disturbed unless everything was.
fn rounds<'a>(measurements: &[&'a Measurement], name: &str, metric: &str) -> Rounds<'a> {
    let mut all = Rounds::new();
    let mut undisturbed = Rounds::new();
    for measurement in measurements.iter().filter(|it| it.contender == name) {
        let Ok(values) = &measurement.found else {
            continue;
        };
        let Some(value) = values.value(metric) else {
            continue;
        };
        let key = (measurement.run.as_str(), measurement.round);
        all.insert(key, value);
        let others = values.value("others_cores").unwrap_or_default();
        if others <= OTHERS_CORES_MAX {
            undisturbed.insert(key, value);
        }
    }
    if undisturbed.is_empty() {
        all
    } else {
        undisturbed
    }
}

fn more_is_better(metric: &str) -> bool {
    metric.ends_with("events_per_s") || metric.ends_with("records_per_s")
}

/// The best of several, round by round.
fn best<'a>(members: &[Rounds<'a>], metric: &str) -> Rounds<'a> {
    let mut best = Rounds::new();
    for (key, value) in members.iter().flatten() {
        let known = best.entry(*key).or_insert(*value);
        let better = if more_is_better(metric) {
            known.max(*value)
        } else {
            known.min(*value)
        };
        *known = better;
    }
    best
}

fn goal(row: &str, metric: &str, rival: Option<&str>) -> Option<f64> {
    let is_it = |target: &&Target| {
        row.starts_with(target.row) && target.metric == metric && target.rival == rival
    };
    TARGETS.iter().find(is_it).map(|target| target.limit)
}

fn write_line(
    text: &mut String,
    metric: &str,
    name: &str,
    (own, other): (&Rounds<'_>, &Rounds<'_>),
    goal: Option<f64>,
) -> Result<()> {
    let Some([median, min, max]) = summary(other.values().copied()) else {
        return Ok(());
    };
    write!(
        text,
        "| {metric} | {name} | {} | {} | {} |",
        short(median),
        short(min),
        short(max)
    )?;
    let both = own
        .iter()
        .filter_map(|(key, value)| Some(value / other.get(key)?));
    let ratios: Vec<f64> = both.collect();
    let is_self = std::ptr::eq(own, other) || own == other;
    let compared = if is_self {
        None
    } else {
        summary(ratios.iter().copied())
    };
    match compared {
        Some([ratio, min, max]) => {
            write!(
                text,
                " {} | {} | {} | {} |",
                short(ratio),
                short(min),
                short(max),
                ratios.len()
            )?;
        }
        None => write!(text, " | | | {} |", other.len())?,
    }
    let reached = compared.map_or(median, |ratio| ratio[0]);
    match goal {
        Some(limit) if more_is_better(metric) => {
            let verdict = if reached >= limit { "met" } else { "MISSED" };
            writeln!(text, " ≥ {}: {verdict} |", short(limit))?;
        }
        Some(limit) => {
            let verdict = if reached <= limit { "met" } else { "MISSED" };
            writeln!(text, " ≤ {}: {verdict} |", short(limit))?;
        }
        None => writeln!(text, " |")?,
    }
    Ok(())
}

/// Median, least and greatest.
fn summary(values: impl Iterator<Item = f64>) -> Option<[f64; 3]> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (first, last) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let median = if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    };
    Some([median, first, last])
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Values;

    fn found(contender: &str, round: u64, metric: &str, value: f64, others: f64) -> Measurement {
        let mut values = Values::default();
        values.put(metric, value);
        values.put("others_cores", others);
        Measurement {
            run: "1".to_owned(),
            row: "uniform".to_owned(),
            round,
            contender: contender.to_owned(),
            found: Ok(values),
        }
    }

    #[test]
    fn ratios_are_to_the_best_of_a_rival_in_each_round() {
        let mut all = Vec::new();
        for (round, ours, one, two) in [(1, 300.0, 100.0, 150.0), (2, 400.0, 200.0, 100.0)] {
            all.push(found("ours", round, "warm_events_per_s", ours, 0.0));
            all.push(found(
                "streams-1t-100ms",
                round,
                "warm_events_per_s",
                one,
                0.0,
            ));
            all.push(found(
                "streams-2t-100ms",
                round,
                "warm_events_per_s",
                two,
                0.0,
            ));
        }
        let table = table(&all).unwrap();
        let best = "| warm_events_per_s | best streams | 175 | 150 | 200 | 2.00 | 2.00 | 2.00 | 2 | ≥ 1.20: met |";
        assert!(table.contains(best), "{table}");
    }

    #[test]
    fn disturbed_measurements_do_not_count_while_there_are_others() {
        let all = [
            found("ours", 1, "warm_events_per_s", 300.0, 0.0),
            found("ours", 2, "warm_events_per_s", 10.0, 0.5),
            found("raw-2000", 1, "warm_events_per_s", 600.0, 0.0),
            found("raw-2000", 2, "warm_events_per_s", 600.0, 0.0),
        ];
        let table = table(&all).unwrap();
        assert!(
            table.contains(
                "| best raw | 600 | 600 | 600 | 0.50 | 0.50 | 0.50 | 1 | ≥ 0.70: MISSED |"
            ),
            "{table}"
        );
    }

    #[test]
    fn there_is_no_table_when_an_escalation_was_wrong() {
        let mut wrong = found("ours", 1, "warm_events_per_s", 300.0, 0.0);
        wrong.found = Err("WRONG: one is missing".to_owned());
        let error = table(&[wrong]).unwrap_err().to_string();
        assert!(error.contains("ours in `uniform`"), "{error}");
    }
}
