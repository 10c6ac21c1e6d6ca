//! The tables of settings and metrics are what the code says; `UPDATE=1` writes them anew.

use std::fmt::Write;
use std::fs;

use escalator::{metrics, settings};
use escalator_engine::status::BUILT_IN;

use super::{read, root};

fn settings_table() -> String {
    let mut table =
        "| setting | flag | environment | default | meaning |\n|---|---|---|---|---|\n".to_owned();
    for row in settings::documentation() {
        let flag = row
            .flag
            .map(|flag| format!("`--{flag}`"))
            .unwrap_or_default();
        // What depends on the machine is told in words, which need no quotes.
        let default = match row.default {
            words if words.contains([' ', '`']) || matches!(words, "empty" | "none") => {
                words.to_owned()
            }
            value => format!("`{value}`"),
        };
        writeln!(
            table,
            "| `{}` | {flag} | `{}` | {default} | {} |",
            row.name, row.environment, row.meaning
        )
        .unwrap();
    }
    table
}

fn metrics_table() -> String {
    let mut table = "| metric | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for row in metrics::documentation() {
        let labels: Vec<_> = row.labels.iter().map(|it| format!("`{it}`")).collect();
        writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            row.name,
            row.kind,
            labels.join(", "),
            row.meaning
        )
        .unwrap();
    }
    table
}

fn statuses_table() -> String {
    let mut table = "| category | words |\n|---|---|\n".to_owned();
    for (words, category) in BUILT_IN {
        writeln!(table, "| `{}` | {} |", category.name(), words.join(", ")).unwrap();
    }
    table
}

/// Compares the region between two comments of a page with a table, or writes it there.
fn check(path: &str, region: &str, table: &str) {
    let (begin, end) = (
        format!("<!-- {region}:begin -->\n"),
        format!("<!-- {region}:end -->"),
    );
    let text = read(path);
    let (head, rest) = text.split_once(&begin).unwrap();
    let (written, tail) = rest.split_once(&end).unwrap();
    if written == table {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "the table of {region} in {path} is not what the code says; \
         write it with `UPDATE=1 cargo test --test tidy readme`"
    );
    let text = format!("{head}{begin}{table}{end}{tail}");
    fs::write(root().join(path), text).unwrap();
}

#[test]
fn the_tables_of_settings_metrics_and_statuses_are_what_the_code_says() {
    check("docs/plan-language.md", "statuses", &statuses_table());
    check("docs/settings.md", "settings", &settings_table());
    check("docs/metrics.md", "metrics", &metrics_table());
}

/// The texts between these quotes that follow a beginning in a file.
fn quoted(path: &str, beginning: &str) -> Vec<String> {
    let text = read(path);
    let pieces = text.split(beginning).skip(1);
    let texts = pieces.filter_map(|piece| piece.split('"').next());
    let texts: Vec<String> = texts.map(str::to_owned).collect();
    assert!(!texts.is_empty(), "{path}");
    texts
}

#[test]
fn every_route_is_documented() {
    let page = read("docs/http.md");
    for path in ["src/http.rs", "src/http/admin.rs"] {
        for route in quoted(path, ".route(\"") {
            assert!(page.contains(&format!(" {route}`")), "{route}");
        }
    }
}

#[test]
fn every_value_of_a_label_is_documented() {
    let page = read("docs/metrics.md");
    for value in quoted("src/metrics/labels.rs", " = \"") {
        assert!(page.contains(&format!("`{value}`")), "{value}");
    }
}
