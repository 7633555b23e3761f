//! The manual page.

use std::fmt::Write;

use super::help::{PLAN_ACTIONS, offered, spelled};
use super::{Called, Row, SECTIONS, State};

/// In troff's macros of `man(7)`.
pub fn manual_page() -> String {
    let mut page = format!(".TH HINDSIGHT\\-CLI 1 \"\" \"Hindsight {}\"\n", env!("CARGO_PKG_VERSION"));
    page += SYNOPSIS;
    for action in offered(Called::Hindsight) {
        let names = action.names[1..].join(", ");
        let names = if names.is_empty() { names } else { format!(" Also: {names}.") };
        push(&mut page, &spelled(action), &format!("{}.{names}", capitalised(action.help)));
    }
    for (what, help) in PLAN_ACTIONS {
        push(&mut page, what, &format!("{}.", capitalised(help)));
    }
    for section in SECTIONS {
        let mut rows = section.rows.iter().filter(|row| row.is_offered()).peekable();
        if rows.peek().is_some() {
            let _ = writeln!(page, ".SH {}", escaped(&section.title.to_uppercase()));
            rows.for_each(|row| push(&mut page, &row.spelled(), &described(row)));
        }
    }
    page += ".SH OPTIONS THAT CHANGE NOTHING\nThese options of duplicity are accepted, and explained with \\-v5.\n";
    let rows = SECTIONS.iter().flat_map(|section| section.rows);
    for row in rows.filter(|row| !row.hidden) {
        if let State::Explained(why) = row.state {
            push(&mut page, &row.spelled(), why);
        }
    }
    page + NOTES
}

const SYNOPSIS: &str = "\
.SH NAME
hindsight\\-cli \\- backups with a timeline, in duplicity's repository format
.SH SYNOPSIS
.B hindsight\\-cli
[OPTIONS] [ACTION] SOURCE URL
.br
.B hindsight\\-cli
[OPTIONS] [ACTION] URL TARGET
.SH DESCRIPTION
Saves folders to places and brings them back as of any date. It reads and continues what duplicity has stored, and
duplicity reads and continues what it stores. Called by the name duplicity it stands in for that program.
.PP
Options and words come in any order, and long options may be abbreviated. Without an action, SOURCE URL backs up and
URL TARGET restores.
.SH ACTIONS
";

const NOTES: &str = "\
.SH ENVIRONMENT
.TP
.B PASSPHRASE
What protects the backups, or with keys the passphrase of the secret key. Without it somebody at the terminal is asked.
.TP
.B SIGN_PASSPHRASE
That of the key that signs.
.SH EXIT STATUS
0 if all went well, 1 if verify found differences, 4 if stopped, otherwise the number that duplicity gives to the error.
";

fn described(row: &Row) -> String {
    match row.aliases {
        [] => row.help.into(),
        names => format!("{} Also: --{}.", row.help, names.join(", --")),
    }
}

fn push(page: &mut String, what: &str, text: &str) {
    let _ = writeln!(page, ".TP\n.B {}\n{}", escaped(what), escaped(text));
}

fn capitalised(text: &str) -> String {
    let mut text = text.to_string();
    text[..1].make_ascii_uppercase();
    text
}

/// Hyphens as they are typed; nothing begins a request or an escape.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
