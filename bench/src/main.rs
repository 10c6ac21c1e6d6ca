//! The bench: one real Kafka, one load, the service and its rivals in turn, several rounds, and a
//! table of ratios. `README.md` says what is measured and how.

mod broker;
mod client;
mod contender;
mod drain;
mod event;
mod latency;
mod load;
mod memory;
mod outcome;
mod probe;
mod process;
mod procfs;
mod random;
mod results;
mod rows;
mod table;
mod topics;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use broker::Broker;
use contender::{Contender, Places};
use load::Load;
use results::{Measurement, Results};
use rows::{Kind, Row};

const USAGE: &str = "\
cargo run --release --manifest-path bench/Cargo.toml -- WHAT [options]

  WHAT                  throughput, latency, memory, restore, state or all; or `table FILE`
  --rounds N            how often each measurement is made, contenders in turn; 3 unless given
  --quick               a twentieth of the load: shows that everything works
  --only TEXT           only rows whose name holds this
  --contenders A,B      only contenders whose name begins so
  --service PATH        measures this program instead of building the service
  --out FILE            where the raw results go, one JSON object a line";

/// The broker's own compiler is cold at first: so many drains are thrown away.
const WARM_UPS: usize = 3;

/// A measurement begins when others take less than this of the machine, or after the time below.
const IDLE_CORES: f64 = 0.1;
const IDLE_PATIENCE: Duration = Duration::from_secs(20);

/// What the command line asks for.
struct Options {
    what: String,
    file: Option<String>,
    rounds: u64,
    is_quick: bool,
    only: String,
    contenders: Vec<String>,
    service: Option<PathBuf>,
    out: Option<PathBuf>,
}

/// One measurement to make.
struct Step<'a> {
    row: &'a Row,
    contender: Contender,
    round: u64,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let options = options()?;
    if options.what == "table" {
        let file = options.file.context("`table` needs the file of results")?;
        println!("{}", table::table(&results::read(Path::new(&file))?)?);
        return Ok(());
    }
    let rows = rows(&options)?;
    let steps = steps(&rows, &options);
    if steps.is_empty() {
        bail!("nothing is left to measure\n{USAGE}");
    }
    let places = places(options.service.as_deref())?;
    build(&places, &steps, options.service.is_some())?;
    let run = format!("{}", event::now_ms() / 1000);
    let out = options.out.clone();
    let out = out.unwrap_or_else(|| places.bench.join(format!("target/results-{run}.jsonl")));
    let mut results = Results::open(&out)?;
    println!("results go to {}", out.display());
    let broker = Broker::start(&places.project, &places.work)?;
    println!("{} a broker is up at {}", time(), broker.address);
    warm_up(&places, &broker, options.is_quick)?;
    take(&steps, &places, &broker, &run, &mut results)?;
    drop(broker);
    drop(std::fs::remove_dir_all(&places.work));
    println!("{}", table::table(&results::read(&out)?)?);
    Ok(())
}

/// Makes every measurement; one that fails is written down, and the others go on.
fn take(
    steps: &[Step<'_>],
    places: &Places,
    broker: &Broker,
    run: &str,
    results: &mut Results,
) -> Result<()> {
    let estimate = |steps: &[Step<'_>]| -> u64 { steps.iter().map(|step| step.row.seconds).sum() };
    let begun = Instant::now();
    for (at, step) in steps.iter().enumerate() {
        let (done, left) = (estimate(&steps[..at]), estimate(&steps[at..]));
        // What is left takes as much longer than foreseen as what is done.
        let factor = if done == 0 {
            1.0
        } else {
            begun.elapsed().as_secs_f64() / done as f64
        };
        let minutes = left as f64 * factor / 60.0;
        let Step {
            row,
            contender,
            round,
        } = step;
        let name = contender.name();
        println!(
            "{} round {round}, {}, {name} (about {minutes:.0} min left)",
            time(),
            row.name
        );
        wait_until_idle(broker);
        let one = format!("{run}-{at}");
        let found = rows::measure(&row.kind, *contender, places, broker, &one);
        match &found {
            Ok(values) => println!("    {}", serde_json::Value::Object(values.0.clone())),
            Err(error) => println!("    failed: {error:#}"),
        }
        results.write(&Measurement {
            run: run.to_owned(),
            row: row.name.clone(),
            round: *round,
            contender: name,
            found: found.map_err(|error| format!("{error:#}")),
        })?;
    }
    Ok(())
}

fn options() -> Result<Options> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options {
        what: arguments.next().context(USAGE)?,
        file: None,
        rounds: 3,
        is_quick: false,
        only: String::new(),
        contenders: Vec::new(),
        service: None,
        out: None,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
            "--quick" => options.is_quick = true,
            "--only" => options.only = value()?,
            "--contenders" => options.contenders = value()?.split(',').map(str::to_owned).collect(),
            "--service" => options.service = Some(value()?.into()),
            "--out" => options.out = Some(value()?.into()),
            _ if !argument.starts_with('-') && options.what == "table" => {
                options.file = Some(argument)
            }
            _ => bail!("{argument}?\n{USAGE}"),
        }
    }
    Ok(options)
}

/// The rows that are asked for, with the contenders that are.
fn rows(options: &Options) -> Result<Vec<Row>> {
    let mut rows = rows::all(options.is_quick);
    let commands = ["throughput", "latency", "memory", "restore", "state", "all"];
    if !commands.contains(&options.what.as_str()) {
        bail!("{}?\n{USAGE}", options.what);
    }
    rows.retain(|row| options.what == "all" || row.command == options.what);
    rows.retain(|row| row.name.contains(&options.only));
    if !options.contenders.is_empty() {
        let is_wanted = |name: &str| {
            options
                .contenders
                .iter()
                .any(|it| name.starts_with(it.as_str()))
        };
        for row in &mut rows {
            row.contenders
                .retain(|contender| is_wanted(&contender.name()));
        }
    }
    Ok(rows)
}

/// All contenders of a row after one another, all rows, and that again for each round.
fn steps<'a>(rows: &'a [Row], options: &Options) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for round in 1..=options.rounds {
        for row in rows.iter().filter(|row| round <= row.rounds_max) {
            let contenders = row.contenders.iter();
            steps.extend(contenders.map(|contender| Step {
                row,
                contender: *contender,
                round,
            }));
        }
    }
    steps
}

fn places(service: Option<&Path>) -> Result<Places> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
    let project = bench
        .parent()
        .context("the bench lies in the project")?
        .to_owned();
    std::fs::create_dir_all(bench.join("target"))?;
    let lock = std::fs::File::create(bench.join("target/lock"))?;
    if lock.try_lock().is_err() {
        bail!("another bench is at work here");
    }
    let work = bench.join("target/work");
    // What a run that was killed has left.
    drop(std::fs::remove_dir_all(&work));
    std::fs::create_dir_all(&work)?;
    let built = project.join("target/dist/escalator");
    Ok(Places {
        service: service.map_or(built, Path::to_owned),
        project,
        bench,
        work,
        _lock: lock,
    })
}

/// Builds what takes part.
fn build(places: &Places, steps: &[Step<'_>], has_service: bool) -> Result<()> {
    let has = |is_it: fn(&Contender) -> bool| steps.iter().any(|step| is_it(&step.contender));
    if !has_service && has(|it| matches!(it, Contender::Ours { .. })) {
        println!(
            "{} building the service, which takes minutes the first time",
            time()
        );
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--profile", "dist", "--locked"])
            .current_dir(&places.project);
        succeed(&mut cargo)?;
    }
    if has(|it| matches!(it, Contender::Streams { .. })) {
        println!("{} building the Kafka Streams application", time());
        let mut maven = Command::new("mvn");
        maven
            .args(["-q", "-B", "package"])
            .current_dir(places.bench.join("kafka-streams"));
        succeed(&mut maven)?;
    }
    if has(|it| matches!(it, Contender::Raw { .. })) {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--bins"])
            .current_dir(&places.bench);
        succeed(&mut cargo)?;
    }
    Ok(())
}

fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("starting `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed");
    }
    Ok(())
}

/// Lets the broker compile itself, with the loop that asks most of it.
fn warm_up(places: &Places, broker: &Broker, is_quick: bool) -> Result<()> {
    let (tickets, updates) = if is_quick {
        (20_000, 80_000)
    } else {
        (200_000, 800_000)
    };
    let load = Load {
        tickets,
        updates,
        is_skewed: false,
        seed: 0,
    };
    for number in 0..if is_quick { 1 } else { WARM_UPS } {
        println!("{} warming the broker up", time());
        let raw = Contender::Raw { batch: 10_000 };
        let kind = Kind::Drain(load);
        rows::measure(&kind, raw, places, broker, &format!("warm-{number}"))?;
    }
    Ok(())
}

fn wait_until_idle(broker: &Broker) {
    let since = Instant::now();
    while since.elapsed() < IDLE_PATIENCE {
        let before = procfs::others_seconds(&[broker.process.id()]);
        std::thread::sleep(Duration::from_secs(1));
        if procfs::others_seconds(&[broker.process.id()]) - before < IDLE_CORES {
            return;
        }
    }
    println!("    others are at work on this machine");
}

/// The time of day in UTC.
fn time() -> String {
    event::instant(event::now_ms() / 1000)[11..19].to_owned()
}
