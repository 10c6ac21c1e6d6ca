//! The command line: one file per command, each thin.
//!
//! Here and only here are the environment and the wall clock read and is anything printed. Exit
//! codes are the contract's: 0 good, 1 the thing checked is bad, 2 usage or environment. What a
//! command finds goes to stdout, what went wrong goes to stderr.

mod backtest;
mod calendar;
mod clock;
mod completion;
mod config;
#[cfg(feature = "embedded")]
mod demo;
mod dlq;
mod explain;
mod failure;
mod graph;
mod healthcheck;
mod inputs;
mod man;
mod mapping;
mod pass;
mod plan;
mod print;
mod report;
mod run;
mod schema;
mod schemas;
mod setting_flags;
mod signals;
mod simulate;
mod state;
mod template;
mod test;
mod topics;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use clock::SystemClock;

/// The exit code for usage and environment.
const TROUBLE: u8 = 2;

const EXIT_CODES: &str = "\
Exit codes:
  0  good
  1  the thing checked is bad
  2  usage or environment";

/// Listens to tickets on Kafka, and tells who has to know when a promise is about to break.
#[derive(Parser)]
#[command(version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the service until it is told to stop.
    #[command(after_help = run::EXAMPLES)]
    Run(run::Run),
    /// Runs two plan sets over recorded events and shows what would have fired differently.
    #[command(after_help = backtest::EXAMPLES)]
    Backtest(backtest::Backtest),
    /// Computes with business calendars, and shows their days.
    #[command(subcommand)]
    Calendar(calendar::Calendar),
    /// Plays a day of tickets at high speed: a broker, the service and a summary in one process.
    #[cfg(feature = "embedded")]
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::Demo),
    /// Prints a script with which a shell completes commands and flags.
    #[command(after_help = completion::EXAMPLES)]
    Completion(completion::Completion),
    /// Looks at the settings as they are in force.
    #[command(subcommand)]
    Config(config::Config),
    /// Looks at the records that could not be read, and writes them anew.
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Explains a ticket at an instant: its plan, its clocks, what comes next, what happened.
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Explain),
    /// Draws plans: their clocks, their alarms and the ladder of levels.
    #[command(after_help = graph::EXAMPLES)]
    Graph(graph::GraphPlans),
    /// Asks a running service whether it is ready; exits with 1 when it is not.
    #[command(after_help = healthcheck::EXAMPLES)]
    Healthcheck(healthcheck::Healthcheck),
    /// Prints the manual page of a command.
    #[command(after_help = man::EXAMPLES)]
    Man(man::Man),
    /// Tries how records of ticketing systems are read.
    #[command(subcommand)]
    Mapping(mapping::Mapping),
    /// Lists, activates and previews edits of the plans.
    #[command(subcommand)]
    Plan(plan::Plan),
    /// Reports which promises were kept, what escalated, and who was told, over recorded events.
    #[command(after_help = report::EXAMPLES)]
    Report(report::Report),
    /// Looks at the schemas of the records on the topics.
    #[command(subcommand)]
    Schema(schema::Schema),
    /// Runs plans over recorded events and shows who would have been told what, and when.
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(simulate::Simulate),
    /// Looks into what a service keeps of its tickets.
    #[command(subcommand)]
    State(state::State),
    /// Looks at the texts that the templates of plan files make.
    #[command(subcommand)]
    Template(template::Template),
    /// Runs plan tests: what plans must do about events at given times.
    #[command(after_help = test::EXAMPLES)]
    Test(test::Test),
    /// Makes and checks the topics that the service reads and writes.
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// Checks plan files and shows every problem with its place and a remedy.
    #[command(after_help = validate::EXAMPLES)]
    Validate(validate::Validate),
}

/// The form of what a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What a command that worked has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The thing checked is good, or there was nothing to check.
    Good,
    /// The thing checked is bad.
    Bad,
}

impl Verdict {
    /// That of something that was checked.
    const fn of(is_good: bool) -> Self {
        if is_good { Self::Good } else { Self::Bad }
    }
}

/// Runs the command line and answers with the contract's exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A help text nobody reads is no failure; a wrong usage says so by its exit code.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(TROUBLE));
        }
    };
    let verdict = match cli.command {
        Command::Run(command) => command.run(),
        Command::Backtest(command) => command.run(),
        Command::Calendar(command) => command.run(),
        #[cfg(feature = "embedded")]
        Command::Demo(command) => command.run(),
        Command::Completion(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Dlq(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Healthcheck(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Mapping(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::State(command) => command.run(),
        Command::Template(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Topics(command) => command.run(),
        Command::Validate(command) => command.run(),
    };
    match verdict {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(error) => {
            failure::report(&error);
            ExitCode::from(TROUBLE)
        }
    }
}

#[cfg(test)]
mod tests;
