//! The words behind the program's name: which page to go to. They reach the instance that runs already.

use std::ffi::OsString;
use std::path::PathBuf;

use adw::prelude::*;
use hindsight::i18n::gettext;
use relm4::adw;
use relm4::gtk::{gio, glib};

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invocation {
    Open,
    /// The plan by name or id; the one shown if none is given.
    BackUp {
        plan: Option<String>,
    },
    /// The page, at the folder of the first file.
    Restore {
        files: Vec<PathBuf>,
    },
    Preferences,
}

const OPTIONS: [&str; 3] = ["backup", "restore", "preferences"];

pub fn declare(app: &adw::Application) {
    let words = [
        gettext("Back up now: the plan named, or the one shown"),
        gettext("Restore files"),
        gettext("Show the preferences"),
    ];
    for (option, words) in OPTIONS.into_iter().zip(words) {
        app.add_main_option(
            option,
            glib::Char::from(0),
            glib::OptionFlags::NONE,
            glib::OptionArg::None,
            &words,
            None,
        );
    }
    app.add_main_option(
        glib::OPTION_REMAINING,
        glib::Char::from(0),
        glib::OptionFlags::NONE,
        glib::OptionArg::FilenameArray,
        "",
        Some(&gettext("[PLAN|FILE…]")),
    );
}

/// Files are taken relative to where the words were typed.
pub fn parse(line: &gio::ApplicationCommandLine) -> Invocation {
    let options = line.options_dict();
    let given = |name: &str| options.lookup::<bool>(name).ok().flatten().unwrap_or(false);
    let rest: Vec<Vec<u8>> = options
        .lookup_value(glib::OPTION_REMAINING, None)
        .map(|list| list.iter().map(|word| word.data().to_vec()).collect())
        .unwrap_or_default();
    let rest = rest.into_iter().map(|word| {
        use std::os::unix::ffi::OsStringExt;
        OsString::from_vec(word.into_iter().take_while(|byte| *byte != 0).collect())
    });
    choose(given("backup"), given("restore"), given("preferences"), rest.collect(), line.cwd())
}

fn choose(
    backup: bool,
    restore: bool,
    preferences: bool,
    rest: Vec<OsString>,
    folder: Option<PathBuf>,
) -> Invocation {
    let folder = folder.unwrap_or_else(|| PathBuf::from("/"));
    match (backup, restore, preferences) {
        (true, ..) => {
            Invocation::BackUp { plan: rest.first().map(|word| word.to_string_lossy().into_owned()) }
        }
        (_, true, _) => {
            Invocation::Restore { files: rest.into_iter().map(|file| folder.join(file)).collect() }
        }
        (.., true) => Invocation::Preferences,
        _ => Invocation::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_behind_an_option_belong_to_it() {
        let chosen = |backup, restore, words: &[&str]| {
            let words = words.iter().map(OsString::from).collect();
            choose(backup, restore, false, words, Some("/home/ada".into()))
        };
        assert_eq!(chosen(true, false, &["Photos"]), Invocation::BackUp { plan: Some("Photos".into()) });
        assert_eq!(chosen(true, false, &[]), Invocation::BackUp { plan: None });
        let files = vec!["/home/ada/a".into(), "/b".into()];
        assert_eq!(chosen(false, true, &["a", "/b"]), Invocation::Restore { files });
        assert_eq!(chosen(false, false, &[]), Invocation::Open);
    }
}
