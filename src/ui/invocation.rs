//! The words behind the program's name: which page to go to. They reach the instance that runs already.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

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
    /// The timeline, at the folder of the first file.
    Restore {
        files: Vec<PathBuf>,
    },
    /// The timeline with this file selected and its versions beside it.
    History {
        file: PathBuf,
    },
    /// The timeline of this folder, with what was deleted from it.
    Missing {
        folder: PathBuf,
    },
    Preferences,
}

const OPTIONS: [&str; 5] = ["backup", "restore", "show-history", "restore-missing", "preferences"];

pub fn declare(app: &adw::Application) {
    let words = [
        gettext("Back up now: the plan named, or the one shown"),
        gettext("Restore files"),
        gettext("Show all versions of a file"),
        gettext("Show what is missing from a folder"),
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
    let option = OPTIONS.into_iter().find(|name| given(name));
    choose(option, rest.collect(), line.cwd())
}

/// `option`: without its dashes; the first one, if several are given.
fn choose(option: Option<&str>, rest: Vec<OsString>, folder: Option<PathBuf>) -> Invocation {
    let folder = folder.unwrap_or_else(|| PathBuf::from("/"));
    // "." and ".." are no part of what a file is called in a backup.
    let files: Vec<_> = rest.iter().map(|word| normalized(&folder.join(word))).collect();
    let first = files.first().cloned();
    match (option, first) {
        (Some("backup"), _) => {
            Invocation::BackUp { plan: rest.first().map(|word| word.to_string_lossy().into_owned()) }
        }
        (Some("show-history"), Some(file)) => Invocation::History { file },
        (Some("restore-missing"), first) => Invocation::Missing { folder: first.unwrap_or(folder) },
        (Some("restore" | "show-history"), _) => Invocation::Restore { files },
        (Some("preferences"), _) => Invocation::Preferences,
        _ => Invocation::Open,
    }
}

/// The file may be gone, so nothing but the words themselves can be looked at.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(option: &str, words: &[&str]) -> Invocation {
        let option = (!option.is_empty()).then_some(option);
        choose(option, words.iter().map(OsString::from).collect(), Some("/home/ada".into()))
    }

    #[test]
    fn words_behind_an_option_belong_to_it() {
        assert_eq!(chosen("backup", &["Photos"]), Invocation::BackUp { plan: Some("Photos".into()) });
        assert_eq!(chosen("backup", &[]), Invocation::BackUp { plan: None });
        let files = vec!["/home/ada/a".into(), "/b".into()];
        assert_eq!(chosen("restore", &["a", "/b"]), Invocation::Restore { files });
        assert_eq!(chosen("", &[]), Invocation::Open);
    }

    #[test]
    fn a_file_manager_names_one_file_or_folder() {
        assert_eq!(chosen("show-history", &["../b/./c"]), Invocation::History { file: "/home/b/c".into() });
        assert_eq!(chosen("restore-missing", &["/x"]), Invocation::Missing { folder: "/x".into() });
        assert_eq!(chosen("restore-missing", &[]), Invocation::Missing { folder: "/home/ada".into() });
    }
}
