//! The command line as a whole, and what the documentation says of it.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use super::*;

/// Calls a function for every command, down to the last subcommand.
fn every_command(command: &clap::Command, check: &mut impl FnMut(&clap::Command)) {
    check(command);
    for inner in command.get_subcommands() {
        every_command(inner, check);
    }
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(path).expect("a file of the repository")
}

/// The names of all commands that do something, as they are typed.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    let mut whole = Cli::command();
    whole.build();
    every_command(&whole, &mut |command| {
        let name = command.get_bin_name().unwrap_or_default();
        let is_help = name.split(' ').any(|word| word == "help");
        if let Some(name) = name.strip_prefix("escalator ")
            && !is_help
            && !command.has_subcommands()
        {
            names.push(name.to_owned());
        }
    });
    names
}

/// The words of every command line that a page shows, without remarks, pipes and redirections.
fn shown(page: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let mut is_shell = false;
    for line in page.lines() {
        if let Some(info) = line.strip_prefix("```") {
            is_shell = info == "sh" || info == "console";
        }
        let line = line.strip_prefix("$ ").unwrap_or(line);
        if !is_shell || !line.starts_with("escalator ") {
            continue;
        }
        let words = line.split_whitespace().map(|word| word.trim_matches('\''));
        let words = words.take_while(|word| !matches!(*word, "#" | "|" | ">"));
        lines.push(words.map(str::to_owned).collect());
    }
    lines
}

#[test]
fn the_command_tree_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_readme_names_every_command() {
    let readme = read("README.md");
    for name in names() {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_command_has_a_sentence_and_an_example() {
    every_command(&Cli::command(), &mut |command| {
        let name = command.get_name();
        let about = command.get_about().map(ToString::to_string);
        assert!(about.is_some_and(|it| !it.is_empty()), "{name}");
        if !command.has_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            assert!(help.is_some_and(|it| it.contains("escalator ")), "{name}");
        }
    });
}

#[test]
fn the_documentation_has_a_section_for_every_command() {
    let page = read("docs/commands.md");
    let sections: Vec<_> = page
        .split("\n### `")
        .skip(1)
        .filter_map(|section| section.split_once("`\n"))
        .collect();
    let named: Vec<_> = sections.iter().map(|(name, _)| *name).collect();
    for name in names() {
        assert!(named.contains(&&*name), "docs/commands.md lacks `{name}`");
    }
    for (name, section) in sections {
        assert!(names().contains(&name.to_owned()), "there is no `{name}`");
        let start = format!("escalator {name}");
        let lines = shown(section);
        let is_shown = lines.iter().any(|line| line.join(" ").starts_with(&start));
        assert!(is_shown, "`{name}` has an example");
        let has_exit_code = ["\nExits with 1 when ", "\nNever exits with 1"]
            .iter()
            .any(|words| section.contains(words));
        assert!(has_exit_code, "`{name}` says when it exits with 1");
    }
}

#[test]
fn every_command_line_of_the_documentation_is_understood() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages = fs::read_dir(directory).expect("the pages");
    let pages = pages.map(|page| page.expect("a page").path());
    let mut seen = 0;
    for page in pages.chain([Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")]) {
        if page.extension().is_none_or(|end| end != "md") {
            continue;
        }
        for line in shown(&read(page.to_str().expect("a path"))) {
            seen += 1;
            if let Err(error) = Cli::try_parse_from(&line) {
                assert!(!error.use_stderr(), "{}: {line:?}\n{error}", page.display());
            }
        }
    }
    assert!(seen > 50, "{seen} command lines");
}
