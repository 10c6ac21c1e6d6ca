//! Texts that tests keep beside them: what a command prints, as it was read and found good.

use std::fs;
use std::path::Path;

/// Compares with a stored text; `UPDATE=1` stores the present one.
pub(crate) fn assert_stored(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, text).unwrap();
    }
    let stored = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        stored,
        text,
        "{} differs; run with UPDATE=1 and read the difference",
        path.display()
    );
}
