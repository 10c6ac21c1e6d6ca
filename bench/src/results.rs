//! Raw results, one JSON object a line, written as they come.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Named numbers of one measurement.
#[derive(Clone, Debug, Default)]
pub struct Values(pub Map<String, Value>);

impl Values {
    /// Adds one.
    pub fn put(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), json!(value));
    }

    /// One of them.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }
}

/// One measurement of one contender.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Tells runs of the bench apart: rounds are compared within a run only.
    pub run: String,
    /// What was measured.
    pub row: String,
    /// Which round.
    pub round: u64,
    /// Who.
    pub contender: String,
    /// What was found, or why nothing was.
    pub found: Result<Values, String>,
}

/// The file of the results.
pub struct Results {
    file: File,
}

impl Results {
    /// Goes on writing a file, or begins it.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        Ok(Self { file })
    }

    /// Writes one down.
    pub fn write(&mut self, measurement: &Measurement) -> Result<()> {
        let mut line = json!({
            "run": measurement.run,
            "row": measurement.row,
            "round": measurement.round,
            "contender": measurement.contender,
        });
        match &measurement.found {
            Ok(values) => line["values"] = Value::Object(values.0.clone()),
            Err(error) => line["error"] = json!(error),
        }
        writeln!(self.file, "{line}")?;
        Ok(self.file.flush()?)
    }
}

/// Everything in a file of results.
pub fn read(path: &Path) -> Result<Vec<Measurement>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines().map(measurement).collect()
}

fn measurement(line: &str) -> Result<Measurement> {
    let value: Value = serde_json::from_str(line)?;
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Ok(Measurement {
        run: text("run"),
        row: text("row"),
        round: value["round"].as_u64().unwrap_or_default(),
        contender: text("contender"),
        found: match value["values"].as_object() {
            Some(values) => Ok(Values(values.clone())),
            None => Err(text("error")),
        },
    })
}
