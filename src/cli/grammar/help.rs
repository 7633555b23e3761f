//! The help and version texts.

use std::fmt::Write;

use super::{ACTIONS, Called, Known, Row, SECTIONS, State, Word};

pub(in crate::cli) fn version() -> String {
    format!("hindsight-cli {}", env!("CARGO_PKG_VERSION"))
}

pub(in crate::cli) fn help(called: Called) -> String {
    let name = called.name();
    let mut text = format!(
        "Backups with a timeline, in duplicity's repository format\n\n\
         Usage: {name} [OPTIONS] [ACTION] SOURCE TARGET\n\nActions:\n",
    );
    for action in ACTIONS.iter().filter(|action| action.verb.is_some() && called.knows(action.known)) {
        let words: Vec<_> = action.words.iter().copied().map(Word::name).collect();
        let what = format!("{} {}", action.name(), words.join(" "));
        let names = action.names[1..].iter().map(|name| format!(" ({name})"));
        push(&mut text, &what, &format!("{}{}", action.help, names.last().unwrap_or_default()));
    }
    for (what, help) in PLAN_ACTIONS.into_iter().filter(|_| called.knows(Known::Here)) {
        push(&mut text, what, help);
    }
    text += ACTIONS_NOTE;
    for section in SECTIONS {
        let rows = section.rows.iter().filter(|row| row.is_offered() && called.knows(row.known));
        let lines: Vec<_> = rows.map(|row| (spelled(row), row.help)).collect();
        if !lines.is_empty() {
            let _ = write!(text, "\n{}:\n", section.title);
            lines.iter().for_each(|(option, help)| push(&mut text, option, help));
        }
    }
    text
}

const PLAN_ACTIONS: [(&str, &str); 3] = [
    ("plan list", "the plans of the app: name, number, place, last backup"),
    ("plan show NAME", "what a plan says"),
    ("plan run NAME", "back up as the plan says"),
];

const ACTIONS_NOTE: &str = "\
Without an action, SOURCE URL backs up and URL TARGET restores.

URL is file:///folder so far. The passphrase is asked for, or taken from the
variable PASSPHRASE; a plan's also from the keyring. With keys PASSPHRASE is
that of the secret key, and SIGN_PASSPHRASE that of the one that signs.
";

impl Row {
    fn is_offered(&self) -> bool {
        !self.hidden && self.state == State::Done
    }
}

fn spelled(row: &Row) -> String {
    let short = row.short.map_or(String::new(), |short| format!("-{short}, "));
    let values: String = row.values.iter().map(|value| format!(" {value}")).collect();
    format!("{short}--{}{values}", row.name)
}

fn push(text: &mut String, what: &str, help: &str) {
    let _ = match what.len() < 28 {
        true => writeln!(text, "  {what:<28}{help}"),
        false => writeln!(text, "  {what}\n{:30}{help}", ""),
    };
}
