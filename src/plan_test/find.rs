//! Which test files paths mean.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;
use crate::plan_file::{is_plan_file, is_test_file};

/// Directories in directories: deeper than plans are kept, and an end to links that go in circles.
const DEPTH_MAX: usize = 8;

/// Entries that are looked at below one directory; beyond, it is surely not one of plans.
const ENTRIES_MAX: usize = 100_000;

/// The test files of paths, in their order: files as named, of a plan file the tests beside it, and
/// directories with all that is below them.
///
/// # Errors
/// A path cannot be read or leads to no test file.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        let mut found = Vec::new();
        if metadata(path)?.is_dir() {
            let mut entries_left = ENTRIES_MAX;
            collect(path, DEPTH_MAX, &mut entries_left, &mut found)?;
            found.sort();
        } else {
            match tests_of(path) {
                Some(test) => found.push(test),
                None => return Err(Error::NoTestsBeside { path: path.clone() }),
            }
        }
        if found.is_empty() {
            return Err(Error::NoTests { path: path.clone() });
        }
        // A directory and a file in it may both be named.
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// The test files directly in a directory, where its plan files are.
///
/// # Errors
/// The directory cannot be read.
pub fn in_directory(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    collect(directory, 0, &mut { ENTRIES_MAX }, &mut files)?;
    files.sort();
    Ok(files)
}

/// The test file that a file means: itself, or `gold.test.yaml` of `gold.yaml`, if it is there.
fn tests_of(path: &Path) -> Option<PathBuf> {
    if !is_plan_file(path) {
        return Some(path.to_owned());
    }
    let ends = ["test.yaml", "test.yml", "test.json"].into_iter();
    ends.map(|end| path.with_extension(end))
        .find(|test| test.is_file())
}

fn metadata(path: &Path) -> Result<fs::Metadata, Error> {
    fs::metadata(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

fn collect(
    directory: &Path,
    depth_left: usize,
    entries_left: &mut usize,
    files: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let unreadable = |source| Error::Read {
        path: directory.to_owned(),
        source,
    };
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        *entries_left = entries_left
            .checked_sub(1)
            .ok_or_else(|| Error::TooManyFiles {
                path: directory.to_owned(),
                max: ENTRIES_MAX,
            })?;
        let name = path.file_name().and_then(|name| name.to_str());
        let is_hidden = name.is_none_or(|name| name.starts_with('.'));
        if path.is_dir() {
            if depth_left > 0 && !is_hidden {
                collect(&path, depth_left - 1, entries_left, files)?;
            }
        } else if is_test_file(&path) && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}
