//! "Did you mean …?" for words that are not known.

/// The candidate that is closest to the word, if it is close enough to be meant.
pub(super) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A third of the letters wrong is a typing error, more is another word.
    let letters = word.chars().count();
    let allowed = (letters / 3).max(1);
    candidates
        .into_iter()
        // A word that is much longer or shorter is another one, and most are.
        .filter(|candidate| candidate.chars().count().abs_diff(letters) <= allowed)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words, case aside.
fn distance(a: &str, b: &str) -> usize {
    // Longer words are no typing errors of a name, and the table is quadratic.
    const LETTERS_MAX: usize = 64;
    let letters = |word: &str| word.to_lowercase().chars().collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    if a.len() > LETTERS_MAX || b.len() > LETTERS_MAX {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = last;
        last = row;
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_word_and_other_words_do_not() {
        let keys = ["timeframes", "triggers", "path", "name", "match"];
        for (word, meant) in [
            ("timeframe", Some("timeframes")),
            ("tirggers", Some("triggers")),
            ("Path", Some("path")),
            ("mtach", Some("match")),
            ("escalations", None),
            ("", None),
        ] {
            assert_eq!(closest(word, keys), meant, "{word}");
        }
    }
}
