//! The help and version texts.

use std::fmt::Write;

use super::{ACTIONS, Action, Called, Given, Known, Row, SECTIONS, Section, State, Word, rows};

/// The version of duplicity that we stand in for.
const DUPLICITY: &str = "3.2.1";

/// Under duplicity's name exactly this: front ends take the second word, the last word, or both.
pub(in crate::cli) fn version(called: Called) -> String {
    let version = match called {
        Called::Duplicity => DUPLICITY,
        Called::Hindsight => env!("CARGO_PKG_VERSION"),
    };
    format!("{} {version}", called.name())
}

/// The help that was asked for.
pub(in crate::cli) fn shown(called: Called, given: &Given) -> Option<String> {
    let asked =
        rows(called).filter(|row| given.flag(row.name)).find_map(|row| row.name.strip_prefix("help"))?;
    Some(match asked {
        "" => all(called),
        "-urls" => URLS.into(),
        topic => match ACTIONS.iter().find(|action| action.names.contains(&&topic[1..])) {
            Some(action) => about(called, action),
            None => all(called),
        },
    })
}

fn all(called: Called) -> String {
    let name = called.name();
    let mut text = format!(
        "Backups with a timeline, in duplicity's repository format\n\n\
         Usage: {name} [OPTIONS] [ACTION] SOURCE TARGET\n\nActions:\n",
    );
    for action in offered(called) {
        let short = action.names[1..].last().map_or(String::new(), |name| format!(" ({name})"));
        push(&mut text, &spelled(action), &format!("{}{short}", action.help));
    }
    for (what, help) in PLAN_ACTIONS.into_iter().filter(|_| called.knows(Known::Here)) {
        push(&mut text, what, help);
    }
    text += NOTE;
    SECTIONS.iter().for_each(|section| push_section(&mut text, called, section));
    text
}

/// One action and the options that are for it.
fn about(called: Called, action: &Action) -> String {
    let mut help = action.help.to_string();
    help[..1].make_ascii_uppercase();
    let names = action.names.join(", ");
    let mut text =
        format!("Usage: {} [OPTIONS] {}\n\n{help}.\nNames: {names}\n", called.name(), spelled(action));
    let sections = SECTIONS.iter().filter(|section| section.about.concerns(action));
    sections.for_each(|section| push_section(&mut text, called, section));
    text
}

/// The actions that can be done.
pub(super) fn offered(called: Called) -> impl Iterator<Item = &'static Action> {
    ACTIONS.iter().filter(move |action| called.knows(action.known))
}

pub(super) const PLAN_ACTIONS: [(&str, &str); 4] = [
    ("plan list", "the plans of the app: name, number, place, last backup"),
    ("plan show NAME", "what a plan says"),
    ("plan run NAME", "back up as the plan says"),
    ("status", "what became of the plans, when they are due, and why not yet"),
];

const NOTE: &str = "\
Without an action, SOURCE URL backs up and URL TARGET restores.

URL is file:///folder or sftp://server/folder; --help-urls tells all. The
passphrase is asked for, or taken from the variable PASSPHRASE; a plan's also
from the keyring. With keys PASSPHRASE is that of the secret key, and
SIGN_PASSPHRASE that of the one that signs. A server's password is asked for,
or taken from BACKEND_PASSWORD or FTP_PASSWORD.
";

const URLS: &str = "\
Places are:
  file:///absolute/folder     a folder of this computer
  file://relative/folder      the same, from the working folder
  gio+file:///folder          the same, as Déjà Dup says it
  sftp://user@server:22/dir   a folder of a server, from the home folder there
  sftp://user@server//dir     the same, from the root
  scp://…, ssh://…            other words for sftp://
In the folder's name %20 is a space, and so on.
";

impl Row {
    /// Is something that people would choose.
    pub(super) fn is_offered(&self) -> bool {
        !self.hidden && self.state == State::Done
    }

    /// As it is typed.
    pub(super) fn spelled(&self) -> String {
        let short = self.short.map_or(String::new(), |short| format!("-{short}, "));
        let values: String = self.values.iter().map(|value| format!(" {value}")).collect();
        format!("{short}--{}{values}", self.name)
    }
}

pub(super) fn spelled(action: &Action) -> String {
    let words: Vec<_> = action.words.iter().copied().map(Word::name).collect();
    format!("{} {}", action.name(), words.join(" "))
}

fn push_section(text: &mut String, called: Called, section: &Section) {
    let mut rows = section.rows.iter().filter(|row| row.is_offered() && called.knows(row.known)).peekable();
    if rows.peek().is_some() {
        let _ = write!(text, "\n{}:\n", section.title);
        rows.for_each(|row| push(text, &row.spelled(), row.help));
    }
}

fn push(text: &mut String, what: &str, help: &str) {
    let _ = match what.len() < 28 {
        true => writeln!(text, "  {what:<28}{help}"),
        false => writeln!(text, "  {what}\n{:30}{help}", ""),
    };
}
