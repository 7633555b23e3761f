//! Old backups are removed as stock removes them, what is left over is found, and nothing that is listed is ever lost
//! on the way: whoever runs the action, and wherever it is cut off.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod faulty;
    pub(crate) mod hash;
    pub(crate) mod runs;
    pub(crate) mod sets;
    pub(crate) mod stock;
}

#[path = "removals/cut_off.rs"]
mod cut_off;
#[path = "removals/history.rs"]
mod history;
#[path = "removals/random.rs"]
mod random;
#[path = "removals/replicas.rs"]
mod replicas;
#[path = "removals/told.rs"]
mod told;

use std::time::Duration;

use history::{History, START, stocks};
use support::cli::ours;
use support::stock;

/// Later than the engine's grace for changes that leave no trace, so that nothing is looked at twice.
const SETTLED: Duration = Duration::from_millis(3_200);

/// Everything that can be asked of a history of three chains, which end at 2, 4 and 6.
fn removals() -> Vec<[String; 2]> {
    let older = [500, 2_000, 2_001, 3_500, 4_001, 9_000].map(|time| ("remove-older-than", START + time));
    let fulls = [1, 2, 3, 4].map(|fulls| ("remove-all-but-n-full", fulls));
    let increments = [1, 2, 3].map(|fulls| ("remove-all-inc-of-but-n-full", fulls));
    let all = older.into_iter().chain(fulls).chain(increments);
    all.map(|(action, argument)| [action.to_owned(), argument.to_string()]).collect()
}

#[test]
fn the_same_backups_remain_as_with_stock() {
    for (program, stock) in stocks().into_iter().enumerate() {
        let history = History::of_three_chains(&stock);
        // Half of the cases by each version.
        for [action, argument] in removals().into_iter().skip(program).step_by(2) {
            let (by_stock, by_us) = (history.copy(), history.copy());
            for (copy, program) in [(&by_stock, &stock), (&by_us, &ours())] {
                let before = copy.files();
                copy.run(program, &[&action, &argument]).expect(0);
                assert_eq!(copy.files(), before, "{action} {argument} by {} without --force", program.name);
                copy.run(program, &[&action, &argument, "--force"]).expect(0);
            }
            // Stock removes the signatures of the chain that it spares, too, and cannot continue it then.
            let spared = |name: &String| !(name.contains("signatures") && is_of_newest_chain(name));
            let files = |copy: &History| copy.files().into_iter().filter(spared).collect::<Vec<_>>();
            assert_eq!(files(&by_us), files(&by_stock), "{action} {argument}, by us and by {}", stock.name);
        }
    }
}

fn is_of_newest_chain(name: &str) -> bool {
    [5, 6].iter().any(|number| history::is_of_date(name, *number))
}

#[test]
fn what_remains_comes_back_byte_for_byte() {
    for stock in stocks() {
        let history = History::of_three_chains(&stock);
        history.run(&ours(), &["remove-older-than", &(START + 2_500).to_string(), "--force"]).expect(0);
        assert_eq!(history.dates(), [3, 4, 5, 6]);
        history.run(&ours(), &["remove-all-inc-of-but-n-full", "1", "--force"]).expect(0);
        assert_eq!(history.dates(), [3, 5, 6]);
        for program in [ours(), stock] {
            history.restores_all(&program);
        }
    }
}

#[test]
fn after_a_removal_by_us_stock_goes_on_with_the_cache_it_had() {
    for stock in stocks() {
        let mut history = History::of_three_chains(&stock);
        history.run(&ours(), &["remove-all-but-n-full", "1", "--force"]).expect(0);
        history.change();
        history.back_up(&stock, "incremental", &[]);
        history.change();
        history.back_up(&ours(), "incremental", &[]);
        assert_eq!(history.dates(), [5, 6, 7, 8]);
        for program in [ours(), stock] {
            history.restores_all(&program);
        }
    }
}

#[test]
fn our_cache_follows_what_is_removed() {
    let mut history = History::new();
    for action in ["full", "incremental", "full"] {
        history.change();
        history.back_up(&ours(), action, &["--jsonstat"]);
    }
    history.run(&ours(), &["remove-all-but-n-full", "1", "--force"]).expect(0);
    let old = history
        .cached(&ours())
        .into_iter()
        .filter(|name| history::is_of_date(name, 0) || history::is_of_date(name, 1));
    assert_eq!(old.collect::<Vec<_>>(), Vec::<String>::new());
    assert!(
        history.files().iter().all(|name| history::is_of_date(name, 2) || name == "hindsight-place.json")
    );
    history.restores_all(&ours());
}

#[test]
fn a_chain_that_is_too_old_or_too_long_is_followed_by_a_full_backup() {
    let history = History::of_three_chains(&stock::new());
    // The last full backup is of 5 000, and has one increment, of 6 000.
    // The next one is of 7 000.
    for (option, value, renews) in [
        ("--full-if-older-than", "1999s", true),
        ("--full-if-older-than", "2000s", false),
        ("--full-if-n-inc", "1", true),
        ("--full-if-n-inc", "2", false),
    ] {
        let (mut by_stock, mut by_us) = (history.copy(), history.copy());
        for (copy, program) in [(&mut by_stock, &stock::new()), (&mut by_us, &ours())] {
            copy.change();
            copy.back_up(program, "incremental", &[option, value]);
            assert_eq!(copy.fulls().contains(&7), renews, "{option} {value} by {}", program.name);
        }
        assert_eq!(by_us.sets(), by_stock.sets());
    }
}

#[test]
fn what_is_too_old_is_begun_where_there_is_nothing_yet() {
    for program in [ours(), stock::new(), stock::old()] {
        let mut history = History::new();
        history.change();
        history.back_up(&program, "incremental", &["--full-if-older-than", "1M"]);
        assert_eq!(history.fulls(), [0], "{}", program.name);
    }
}

#[test]
fn nothing_is_stored_where_nothing_changed_and_that_is_wished() {
    for program in [ours(), stock::new()] {
        let mut history = History::new();
        history.change();
        std::thread::sleep(SETTLED);
        history.back_up(&program, "full", &[]);
        history.back_up(&program, "incremental", &["--skip-if-no-change"]);
        assert_eq!(history.dates(), [0], "{}", program.name);
        history.change();
        history.back_up(&program, "incremental", &["--skip-if-no-change"]);
        assert_eq!(history.dates(), [0, 2], "{}", program.name);
        history.back_up(&program, "full", &["--skip-if-no-change"]);
        assert_eq!(history.fulls(), [0, 3], "a full backup is made all the same by {}", program.name);
    }
}

#[test]
fn no_full_backups_at_all_to_keep_is_refused() {
    let history = History::of_three_chains(&stock::new());
    let before = history.files();
    for action in ["remove-all-but-n-full", "remove-all-inc-of-but-n-full"] {
        for count in ["0", "x", "-1"] {
            history.run(&ours(), &[action, count, "--force"]).expect(23);
        }
    }
    history.run(&ours(), &["remove-older-than", "3d", "--force"]).expect(23);
    assert_eq!(history.files(), before);
}
