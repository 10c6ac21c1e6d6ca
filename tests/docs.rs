//! Every example of the documentation is used as it stands there.
//!
//! What a fenced block is says the rest of the line that opens it:
//!
//! - `yaml`: a whole plan file, good without a warning;
//! - `yaml in=top`, `yaml in=plan`: keys of a plan file, or of a plan, good within a frame;
//! - `file=NAME`: a file that the commands of the page find beside them, from its place on when it is
//!   YAML, from the beginning when it is something that plans refer to;
//! - `console`: commands after `$ `, each with what it prints; all of a page run in one directory, in
//!   which the shipped plans are too. `UPDATE=1` writes anew what they print.
//!
//! Everything else is there to be read.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use escalator::plan_file::{Severity, Source, Sources, check, check_mappings, is_plan_file};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block of a page.
struct Block {
    /// The words behind the fence.
    info: Vec<String>,
    /// The line of the fence.
    line: usize,
    text: String,
}

impl Block {
    fn is(&self, language: &str) -> bool {
        self.info.first().is_some_and(|word| word == language)
    }

    fn value(&self, key: &str) -> Option<&str> {
        let mut words = self.info.iter();
        words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }
}

/// The blocks of a page, and the text before, between and after them.
fn blocks(page: &str) -> (Vec<Block>, Vec<String>) {
    let (mut blocks, mut between) = (Vec::new(), vec![String::new()]);
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(page.split_inclusive('\n')) {
        match &mut open {
            None => {
                between.last_mut().unwrap().push_str(line);
                if let Some(info) = line.trim_end().strip_prefix("```") {
                    open = Some(Block {
                        info: info.split_whitespace().map(str::to_owned).collect(),
                        line: number,
                        text: String::new(),
                    });
                }
            }
            Some(_) if line.trim_end() == "```" => {
                between.push(line.to_owned());
                blocks.extend(open.take());
            }
            Some(block) => block.text.push_str(line),
        }
    }
    assert!(open.is_none(), "every block is closed");
    (blocks, between)
}

/// What fragments refer to, by the key that declares it.
const FRAME: [(&str, &str); 4] = [
    (
        "targets",
        "targets:
  service-desk: { kind: team, channels: [chat] }
  second-line: { kind: team, channels: [chat, email] }
  team-lead: { kind: role, channels: [chat, email] }
  duty-manager: { kind: role, channels: [phone, email] }
  maker: { kind: vendor, channels: [email] }
",
    ),
    (
        "calendars",
        "calendars: { office: { time_zone: Europe/Berlin, hours: { mon-fri: [\"09:00-17:00\"] } } }\n",
    ),
    (
        "templates",
        "templates: { raised: { subject: \"{{ reason }}\", body: \"{{ plan }}\" } }\n",
    ),
    ("plans", "plans: [{ name: framed }]\n"),
];

/// A path of three levels, for fragments that ask for some.
const PATH: &str = "    path:
      - { name: second line, notify: [second-line], next_after: 1h }
      - { name: team lead, notify: [team-lead], next_after: 1h }
      - { name: duty manager, notify: [duty-manager] }
";

fn has_key(text: &str, key: &str) -> bool {
    let key = format!("{key}:");
    text.lines().any(|line| line.starts_with(&key))
}

/// A fragment as a whole set of files.
fn framed(name: &str, block: &Block, place: &str) -> Sources {
    let text = match place {
        "top" => block.text.clone(),
        "plan" => {
            let indented = block.text.lines().map(|line| format!("    {line}\n"));
            let path = if has_key(&block.text, "path") {
                ""
            } else {
                PATH
            };
            let fragment: String = indented.collect();
            format!("plans:\n  - name: example\n{fragment}{path}")
        }
        other => panic!("{name}: there is no frame `{other}`"),
    };
    let frame = FRAME.iter().filter(|(key, _)| !has_key(&text, key));
    let frame: String = frame.map(|(_, declaration)| *declaration).collect();
    Sources::new(vec![
        Source::new(name, &text),
        Source::new("frame.yaml", &frame),
    ])
}

fn assert_good(name: &str, sources: Sources, is_whole: bool) {
    let checked = check(sources);
    let warnings = if is_whole {
        checked.count(Severity::Warning)
    } else {
        0
    };
    let bad = checked.count(Severity::Error) + warnings;
    assert_eq!(bad, 0, "{name}\n{}", checked.report(false));
}

/// Runs the commands of a block, and tells what it should hold.
fn run(name: &str, block: &Block, directory: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_escalator"));
    let mut path = program.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut out = String::new();
    for line in block.text.lines() {
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        assert!(command.starts_with("escalator "), "{name}: {command}");
        let output = Command::new("sh")
            .args(["-c", &format!("{command} 2>&1")])
            .current_dir(directory)
            .env("PATH", &path)
            .output()
            .unwrap();
        out.push_str(line);
        out.push('\n');
        out.push_str(&String::from_utf8(output.stdout).unwrap());
        match output.status.code() {
            Some(0) => {}
            code => out.push_str(&format!("(exit code {})\n", code.unwrap())),
        }
    }
    out
}

/// Uses every block of a page in order, and gives the page as it should be.
fn used(path: &Path) -> String {
    let page = fs::read_to_string(path).unwrap();
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("plans")).unwrap();
    for plan in fs::read_dir(root().join("plans")).unwrap() {
        let plan = plan.unwrap().path();
        let copy = directory
            .path()
            .join("plans")
            .join(plan.file_name().unwrap());
        fs::copy(plan, copy).unwrap();
    }
    let (blocks, between) = blocks(&page);
    for block in blocks.iter().filter(|block| !block.is("yaml")) {
        if let Some(file) = block.value("file") {
            let file = directory.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &block.text).unwrap();
        }
    }
    let mut out = between[0].clone();
    for (block, after) in blocks.iter().zip(&between[1..]) {
        let name = format!("{}:{}", path.display(), block.line);
        if let (Some(file), true) = (block.value("file"), block.is("yaml")) {
            let file = directory.path().join(file);
            fs::write(&file, &block.text).unwrap();
            let sources = Sources::read(&file).unwrap();
            if !is_plan_file(&file) {
                // Tests are run by the commands.
            } else if has_key(&block.text, "mappings") {
                assert_eq!(check_mappings(sources).problems, [], "{name}");
            } else {
                assert_good(&name, sources, true);
            }
        } else if let Some(place) = block.value("in") {
            assert_good(&name, framed(&name, block, place), false);
        } else if block.is("yaml") {
            assert_good(&name, Sources::from_text(&name, &block.text), true);
        }
        if block.is("console") {
            out.push_str(&run(&name, block, directory.path()));
        } else {
            out.push_str(&block.text);
        }
        out.push_str(after);
    }
    out
}

#[test]
fn every_example_of_the_documentation_is_true() {
    let mut pages: Vec<PathBuf> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.push(root().join("README.md"));
    pages.sort();
    for path in pages {
        let used = used(&path);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &used).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(
            written,
            used,
            "{}: the commands print something else; run with UPDATE=1 and read the difference",
            path.display()
        );
    }
}

/// The links of a page to files and headings of this repository.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let parts = page.split("](").skip(1);
    parts
        .filter_map(|part| part.split_once(')').map(|(link, _)| link))
        .filter(|link| !link.contains("://"))
}

/// The name under which a heading can be linked to.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().to_lowercase();
    let letters = letters.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        letter if letter.is_alphanumeric() || letter == '-' || letter == '_' => Some(letter),
        _ => None,
    });
    letters.collect()
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let mut pages: Vec<PathBuf> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|it| root().join(it)));
    let mut broken = Vec::new();
    for path in pages {
        let page = fs::read_to_string(&path).unwrap();
        for link in links(&page) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            let is_there = target.exists()
                && (heading.is_empty()
                    || fs::read_to_string(&target)
                        .unwrap()
                        .lines()
                        .any(|line| line.starts_with('#') && anchor(line) == heading));
            if !is_there {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
