//! The files of a set of plans: reading them, and what they refer to, is the only thing here that
//! touches the disk.
//!
//! Everything after [`Sources`] is a pure function of paths and texts, so that plans from a file,
//! from a test and from the log of edits go through the same lines.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Error;
use super::attachment::{self, Attachments, Unreadable};

/// Bytes a plan file may have. A whole set has to fit into one Kafka record (1 MiB by default),
/// and 1 MiB of YAML is more than ten thousand lines for people to read.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes that all files of a set, with what they refer to, may have. What counts of them has to fit into
/// one Kafka record; the rest is room for comments and for calendars with long descriptions.
const SET_BYTES_MAX: u64 = 4 * FILE_BYTES_MAX;

/// Files a directory may hold; beyond, it is surely not a directory of plans.
const FILES_MAX: usize = 1000;

/// One file of plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As shown in problems.
    pub path: String,
    /// Its content; bytes that are not UTF-8 are replaced, and refused later with their place.
    pub text: String,
    /// The files that it refers to.
    attachments: Attachments,
}

impl Source {
    /// A file that refers to no other.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            attachments: Attachments::new(),
        }
    }
}

/// The files of a set, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// A set of one text.
    #[must_use]
    pub fn from_text(path: &str, text: &str) -> Self {
        Self(vec![Source::new(path, text)])
    }

    /// A set of texts in this order.
    #[must_use]
    pub const fn new(files: Vec<Source>) -> Self {
        Self(files)
    }

    /// Reads a file, or the plan files of a directory in order of their names.
    ///
    /// # Errors
    /// The path cannot be read or holds no plan files.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_all(std::slice::from_ref(&path))
    }

    /// Reads several paths as one set, in their order.
    ///
    /// # Errors
    /// A path cannot be read or holds no plan files.
    pub fn read_all<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        let mut files = Vec::new();
        let mut bytes_left = SET_BYTES_MAX;
        for path in paths {
            let path = path.as_ref();
            let metadata = fs::metadata(path).map_err(|source| Error::Read {
                path: path.to_owned(),
                source,
            })?;
            if metadata.is_dir() {
                for file in plan_files(path)? {
                    files.push(read_file(&file, &mut bytes_left)?);
                }
            } else {
                files.push(read_file(path, &mut bytes_left)?);
            }
        }
        Ok(Self(files))
    }

    /// The files in order.
    #[must_use]
    pub fn files(&self) -> &[Source] {
        &self.0
    }

    /// A file that one of them refers to.
    pub(super) fn attachment(&self, file: usize, path: &str) -> Result<&str, Unreadable> {
        let source = self.0.get(file).ok_or(Unreadable::Missing)?;
        match source.attachments.get(path) {
            Some(Ok(text)) => Ok(text),
            Some(Err(unreadable)) => Err(*unreadable),
            None => Err(Unreadable::Missing),
        }
    }
}

/// Whether a file of this name holds plans: YAML or JSON, but no plan tests and nothing hidden
/// (mounted volumes keep their bookkeeping in hidden files).
#[must_use]
pub fn is_plan_file(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let is_format = [".yaml", ".yml", ".json"]
        .iter()
        .any(|end| name.ends_with(end));
    is_format && !is_test_file(path) && !name.starts_with('.')
}

/// Whether a file of this name holds plan tests.
#[must_use]
pub fn is_test_file(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let is_test = [".test.yaml", ".test.yml", ".test.json"]
        .iter()
        .any(|end| name.ends_with(end));
    is_test && !name.starts_with('.')
}

fn plan_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::Read {
        path: directory.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        // A link counts as what it leads to: mounted configuration is made of links.
        if is_plan_file(&path) && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Error::NoPlanFiles {
            path: directory.to_owned(),
        });
    }
    if files.len() > FILES_MAX {
        return Err(Error::TooManyFiles {
            path: directory.to_owned(),
            count: files.len(),
            max: FILES_MAX,
        });
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path, bytes_left: &mut u64) -> Result<Source, Error> {
    let unreadable = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to tell that it is too large.
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let Some(left) = bytes_left.checked_sub(bytes.len() as u64) else {
        return Err(Error::SetTooLarge {
            path: path.to_owned(),
            max_mib: SET_BYTES_MAX >> 20,
        });
    };
    *bytes_left = left;
    let text = String::from_utf8_lossy(&bytes);
    let mut source = Source::new(&path.display().to_string(), &text);
    source.attachments = attachment::read_all(path, &source, bytes_left);
    Ok(source)
}
