//! Comparing two texts line by line, for showing what changed between two versions of a file.

use std::time::Duration;

use similar::{Algorithm, ChangeTag, DiffOp, TextDiff};

/// Unchanged lines that are shown around changed ones.
const CONTEXT: usize = 3;

/// Then the comparison becomes coarser, not wrong.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub kind: LineKind,
    /// Without its end; empty for lines that are left out.
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    Same,
    Removed,
    Added,
    /// So many unchanged lines are not shown here.
    LeftOut(usize),
}

/// The lines that differ, with a few around them, in order; what was removed comes before what was added in its place.
/// Empty where the lines are the same. How lines end does not count.
pub fn compare_texts(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_slices(&old, &new);
    let mut lines = Vec::new();
    let mut shown = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let begins = group.first().map_or(shown, |op| op.old_range().start);
        leave_out(&mut lines, begins - shown);
        shown = group.last().map_or(shown, |op| op.old_range().end);
        lines.extend(group.iter().flat_map(|op| shown_lines(&diff, op)));
    }
    if !lines.is_empty() {
        leave_out(&mut lines, old.len() - shown);
    }
    lines
}

fn leave_out(lines: &mut Vec<Line>, count: usize) {
    if count > 0 {
        lines.push(Line { kind: LineKind::LeftOut(count), text: String::new() });
    }
}

fn shown_lines(diff: &TextDiff<'_, '_, str>, op: &DiffOp) -> Vec<Line> {
    let line = |change: similar::Change<&str>| {
        let kind = match change.tag() {
            ChangeTag::Equal => LineKind::Same,
            ChangeTag::Delete => LineKind::Removed,
            ChangeTag::Insert => LineKind::Added,
        };
        Line { kind, text: change.value().to_string() }
    };
    diff.iter_changes(op).map(line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let show = |line: &Line| match line.kind {
            LineKind::Same => format!(" {}", line.text),
            LineKind::Removed => format!("-{}", line.text),
            LineKind::Added => format!("+{}", line.text),
            LineKind::LeftOut(count) => format!("…{count}"),
        };
        compare_texts(old, new).iter().map(show).collect()
    }

    #[test]
    fn a_changed_line_is_shown_as_it_was_and_as_it_is() {
        assert_eq!(shown("a\nb\nc\n", "a\nB\nc\n"), [" a", "-b", "+B", " c"]);
        assert_eq!(shown("", "new"), ["+new"]);
        assert_eq!(shown("gone", ""), ["-gone"]);
    }

    #[test]
    fn equal_texts_have_nothing_to_show_however_their_lines_end() {
        assert!(shown("a\nb\n", "a\r\nb").is_empty());
    }

    #[test]
    fn only_a_few_unchanged_lines_are_shown_around_a_change() {
        let old: String = (0..30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("\n10\n", "\nten\n").replace("\n25\n", "\n");
        let expected = [
            "…7", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", "…8", " 22", " 23", " 24", "-25",
            " 26", " 27", " 28", "…1",
        ];
        assert_eq!(shown(&old, &new), expected);
    }

    proptest! {
        #[test]
        fn no_line_is_lost(old in "([a-c]\n){0,12}", new in "([a-c]\n){0,12}") {
            let lines = compare_texts(&old, &new);
            let count = |kinds: [LineKind; 2]| lines.iter().filter(|line| kinds.contains(&line.kind)).count();
            let left_out: usize = lines.iter().map(|line| match line.kind {
                LineKind::LeftOut(count) => count,
                _ => 0,
            }).sum();
            if old != new {
                let same = LineKind::Same;
                prop_assert_eq!(count([same, LineKind::Removed]) + left_out, old.lines().count());
                prop_assert_eq!(count([same, LineKind::Added]) + left_out, new.lines().count());
            } else {
                prop_assert!(lines.is_empty());
            }
        }
    }
}
