//! Which backups there are, in the form that duplicity's users and their scripts know.

use std::path::Path;

use super::Run;
use super::log::Keyword;
use super::resolve::Action;
use super::terminal::out;
use crate::context::Level;
use crate::engine::{ChainStatus, CollectionStatus, Mode, SetStatus, asctime};

/// What was asked for.
pub(super) fn show(status: &CollectionStatus, cache: &Path, run: &Run) {
    let text = text(status, cache);
    out(last_full(status));
    out(&text);
    run.log.leftovers(status);
    run.log.say(Keyword::Notice, last_full(status));
    run.log.status(status, cache, &text, true);
}

/// What duplicity tells before it begins with anything else.
pub(super) fn announce(status: &CollectionStatus, action: &Action, cache: &Path, run: &Run) {
    run.log.leftovers(status);
    // A full backup needs nothing of what is there.
    if !matches!(action, Action::Backup { mode: Mode::Full, .. }) {
        run.notice_of_duplicity("Local and Remote metadata are synchronized, no sync needed.");
    }
    run.notice_of_duplicity(last_full(status));
    let text = text(status, cache);
    run.log.status(status, cache, &text, false);
    if let Action::List { time: Some(time) } = action {
        run.log.before_first(status, *time);
    }
    if run.is_duplicity() && run.style.tells(Level::Info) {
        out(text);
    }
}

fn last_full(status: &CollectionStatus) -> String {
    let last = status.chains.last().and_then(|chain| chain.sets.first());
    format!("Last full backup date: {}", last.map_or("none".into(), |set| asctime(set.time)))
}

/// duplicity's text, which tools parse.
fn text(status: &CollectionStatus, cache: &Path) -> String {
    const RULE: &str = "-------------------------\n";
    // The newest chain that can go on is the primary one.
    let primary = status.chains.last().filter(|chain| chain.has_signatures);
    let secondary = status.chains.len() - usize::from(primary.is_some());
    let mut text = format!(
        "Collection Status\n-----------------\n\
         Connecting with backend: {}\nArchive dir: {}\n\nFound {secondary} secondary backup chain(s).\n",
        status.place,
        cache.display(),
    );
    for (number, chain) in status.chains.iter().take(secondary).enumerate() {
        text +=
            &format!("Secondary chain {} of {secondary}:\n{RULE}{}{RULE}\n", number + 1, chain_text(chain));
    }
    match primary {
        Some(chain) => {
            text += "\nFound primary backup chain with matching signature chain:\n";
            text += &format!("{RULE}{}{RULE}", chain_text(chain));
        }
        None => text += "No backup chains with active signatures found\n",
    }
    text + &leftovers(status)
}

fn chain_text(chain: &ChainStatus) -> String {
    let time = |set: Option<&SetStatus>| set.map(|set| asctime(set.time)).unwrap_or_default();
    let volumes: usize = chain.sets.iter().map(|set| set.volumes).sum();
    let mut text = format!(
        "Chain start time: {}\nChain end time: {}\nNumber of contained backup sets: {}\n\
         Total number of contained volumes: {volumes}\n",
        time(chain.sets.first()),
        time(chain.sets.last()),
        chain.sets.len(),
    );
    text += &format!("{:>20} {:>32}   {:>15}\n", "Type of backup set:", "Time:", "Num volumes:");
    for set in &chain.sets {
        let kind = if set.full { "Full" } else { "Incremental" };
        text += &format!("{kind:>20} {:>32}   {:>15}\n", asctime(set.time), set.volumes);
    }
    text
}

fn leftovers(status: &CollectionStatus) -> String {
    let (orphaned, incomplete) = (status.orphaned.len(), status.incomplete.len());
    if orphaned + incomplete == 0 {
        return "No orphaned or incomplete backup sets found.".into();
    }
    format!(
        "Also found {orphaned} backup set(s) not part of any chain,\nand {incomplete} incomplete backup set(s).\n\
         These may be deleted by running duplicity with the \"cleanup\" command."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(start: i64, has_signatures: bool) -> ChainStatus {
        let full = SetStatus { full: true, time: start, volumes: 2, encrypted: true };
        let inc = SetStatus { full: false, time: start + 10, volumes: 1, encrypted: true };
        ChainStatus { sets: vec![full, inc], has_signatures }
    }

    #[test]
    fn collection_status_names_the_newest_chain_primary() {
        let chains = vec![chain(0, true), chain(100, true)];
        let status = CollectionStatus { place: "/p".into(), chains, ..CollectionStatus::default() };
        let text = text(&status, Path::new("/c"));
        let date = asctime(100);
        assert_eq!(last_full(&status), format!("Last full backup date: {date}"));
        for part in [
            "\n\nFound 1 secondary backup chain(s).\nSecondary chain 1 of 1:\n",
            "\nFound primary backup chain with matching signature chain:\n",
            "Number of contained backup sets: 2\nTotal number of contained volumes: 3\n",
            " Type of backup set:                            Time:      Num volumes:\n",
            &format!("\n                Full         {date}                 2\n"),
            "\nNo orphaned or incomplete backup sets found.",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }

    #[test]
    fn without_signatures_no_chain_is_primary() {
        let chains = vec![chain(0, true), chain(100, false)];
        let text = text(&CollectionStatus { chains, ..CollectionStatus::default() }, Path::new("/c"));
        assert!(text.contains("Found 2 secondary backup chain(s)."), "{text}");
        assert!(text.contains("No backup chains with active signatures found"), "{text}");
    }
}
