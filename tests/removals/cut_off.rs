//! Runs that were cut off: removals of ours, and backups of stock that were killed.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hindsight::context::Context;
use hindsight::destination::Folder;
use hindsight::engine::{self, CleanUpJob, Job, Outdated, RemoveJob, Report};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::history::{History, is_of_date, stocks};
use crate::support::bytes::bytes;
use crate::support::cli::{Outcome, Program, ours, scratch};
use crate::support::compare::{Detail, Snapshot};
use crate::support::faulty::{Fault, Faulty, Op, When};
use crate::support::runs::Home;
use crate::support::sets::file_names;
use crate::support::stock;

const FIRST: i64 = 1_700_000_000;

/// Full backups 0, 300 and 500, increments 100, 200, 400 and 600 seconds after the first.
fn home() -> (Home, Vec<(i64, Snapshot)>) {
    let home = Home::new();
    let mut states = Vec::new();
    for number in 0..7 {
        let time = FIRST + 100 * number;
        std::fs::write(home.source.join(format!("file {}", number % 3)), bytes(number as u64, 20_000))
            .unwrap();
        match number {
            0 | 3 | 5 => drop(home.full_backup(time)),
            _ => drop(home.backup(time)),
        }
        states.push((time, Snapshot::of(&home.source)));
    }
    (home, states)
}

#[test]
fn a_removal_that_is_cut_off_anywhere_leaves_only_what_can_be_restored() {
    let (home, states) = home();
    for outdated in
        [Outdated::AllButFulls(1), Outdated::IncrementsOfAllButFulls(1), Outdated::Before(FIRST + 250)]
    {
        let mut remaining = Vec::new();
        for nth in 0.. {
            let cut = home.copy();
            let place = Faulty::new(Arc::new(Folder::new(cut.path("place"))));
            place.plan(Fault::kill_at(nth, When::After));
            let job = |place| Job::Remove(RemoveJob { place, outdated, delete: true });
            let removed = engine::run(job(cut.place(Arc::new(place.clone()), "cache")), &Context::silent());
            let is_cut_off = place.reached();
            assert!(is_cut_off || removed.is_ok(), "{removed:?}");
            let dates = cut.dates();
            if remaining != dates || !is_cut_off {
                for (time, state) in states.iter().filter(|(time, _)| dates.contains(time)) {
                    state.expect_at(
                        &cut.restore(*time),
                        Detail::Everything,
                        &format!("{outdated:?} cut off at call {nth}"),
                    );
                }
            }
            // Again, and it comes to its end.
            engine::run(job(cut.reader_with("cache")), &Context::silent()).unwrap();
            engine::run(
                Job::CleanUp(CleanUpJob { place: cut.reader_with("cache"), delete: true }),
                &Context::silent(),
            )
            .unwrap();
            let left = file_names(&cut.path("place"));
            if !is_cut_off {
                assert!(nth > 5, "the case is too small");
                break;
            }
            let whole = left.iter().filter(|name| is_volume(name)).all(|name| {
                dates
                    .iter()
                    .any(|date| name.contains(&hindsight::duplicity::time::SetTime(*date).to_string()))
            });
            assert!(whole, "{left:?}");
            remaining = dates;
        }
    }
}

/// Not one of ours that is still on its way.
fn is_volume(name: &str) -> bool {
    name.starts_with("duplicity-") && name.contains(".vol")
}

#[test]
fn what_our_next_backup_completes_is_not_cleaned_up() {
    let home = Home::new();
    (0..8).for_each(|n| std::fs::write(home.source.join(format!("file {n}")), bytes(n, 90_000)).unwrap());
    let fault = Fault { forever: true, temporary: false, ..Fault::at(Op::Publish, 4, When::Before) };
    home.backup_with(fault, FIRST).unwrap().unwrap_err();
    let before = file_names(&home.path("place"));
    let clean_up = Job::CleanUp(CleanUpJob { place: home.reader_with("cache"), delete: true });
    let Report::CleanUp(report) = engine::run(clean_up, &Context::silent()).unwrap() else { unreachable!() };
    assert_eq!(report.files, Vec::<String>::new());
    let volumes = |names: &[String]| names.iter().filter(|name| is_volume(name)).count();
    assert!(volumes(&before) > 0, "{before:?}");
    assert_eq!(volumes(&file_names(&home.path("place"))), volumes(&before));
    home.backup(FIRST + 100);
    Snapshot::of(&home.source).expect_at(
        &home.restore(FIRST + 100),
        Detail::Everything,
        "after the next backup",
    );
}

/// When a backup is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    /// So many volumes are there, of which the last may be in the midst of being stored.
    Volumes(usize),
    /// All but the manifest is stored.
    BeforeManifest,
}

/// Files that are large enough for several volumes.
fn grow(history: &History) {
    for number in 0..8 {
        history.write(&format!("a/large {number}"), &bytes(100 + number, 900_000));
    }
}

/// A backup by stock, cut off.
fn cut_off(history: &mut History, program: &Program, action: &str, moment: Moment) {
    match moment {
        Moment::Volumes(volumes) => killed(history, program, action, volumes),
        Moment::BeforeManifest => {
            grow(history);
            let number = history.passed();
            history.back_up(program, action, &[]);
            // What is there before that is stored: in the cache it still has the name of a part.
            let is_manifest = |name: &String| is_of_date(name, number) && name.contains(".manifest");
            let (cache, place) =
                (history.repository.cache(program).join("tests"), history.repository.place());
            let cached = history.cached(program).into_iter().find(is_manifest).unwrap();
            std::fs::rename(cache.join(&cached), cache.join(format!("{cached}.part"))).unwrap();
            std::fs::remove_file(place.join(history.files().into_iter().find(is_manifest).unwrap())).unwrap();
        }
    }
}

/// A backup by stock, killed when it has stored so many volumes.
fn killed(history: &mut History, program: &Program, action: &str, at: usize) {
    grow(history);
    let number = history.passed();
    let mut command = history.backup_command(program, action, &[]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    let volumes = |history: &History| {
        history.files().iter().filter(|name| is_of_date(name, number) && name.contains(".vol")).count()
    };
    while volumes(history) < at {
        assert!(
            child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60),
            "no volumes came"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    history.pass();
    assert!(!history.dates().contains(&number), "it was killed too late");
    let is_part = |name: &String| name.contains(".part");
    assert!(at < 2 || history.cached(program).iter().any(is_part), "stock would resume it");
}

/// Its files at the place and in stock's cache.
fn traces(history: &History, program: &Program, number: usize) -> Vec<String> {
    let names = history.files().into_iter().chain(history.cached(program));
    names.filter(|name| is_of_date(name, number)).collect()
}

#[test]
fn after_stock_was_killed_we_go_on_from_the_last_whole_backup_and_so_does_stock() {
    for program in stocks() {
        let mut last = History::of_three_chains(&program);
        let whole = last.copy();
        for (action, moment) in [
            ("incremental", Moment::Volumes(1)),
            ("incremental", Moment::Volumes(4)),
            ("incremental", Moment::BeforeManifest),
            ("full", Moment::Volumes(4)),
            ("full", Moment::BeforeManifest),
        ] {
            let mut history = whole.copy();
            history.follow(&last);
            cut_off(&mut history, &program, action, moment);
            // With the cache in which stock's unfinished set is, as with the same command name.
            let us = Program { name: program.name, ..ours() };
            history.change();
            history.back_up(&us, "incremental", &[]);
            let cached = history.cached(&program);
            assert!(!cached.iter().any(|name| name.contains(".part")), "stock would resume: {cached:?}");
            history.change();
            history.back_up(&program, "incremental", &[]);
            let case = format!("{action} by {}, cut off at {moment:?}", program.name);
            assert_eq!(history.dates(), [0, 1, 2, 3, 4, 5, 6, 8, 9], "{case}");
            history.run(&us, &["cleanup", "--force"]).expect(0);
            for reader in [ours(), program.clone()] {
                let told = history.run(&reader, &["collection-status"]).expect(0).to_string();
                assert!(told.contains("No orphaned or incomplete backup sets found."), "{case}: {told}");
            }
            assert_eq!(history.dates(), [0, 1, 2, 3, 4, 5, 6, 8, 9], "{case}, after the cleanup");
            for reader in [ours(), program.clone()] {
                history.restores(&reader, &[6, 8, 9], scratch().path());
            }
            history.restores(&program, &[9], &history.repository.cache(&program));
            last = history;
        }
    }
}

#[test]
fn what_killed_runs_of_stock_left_is_cleaned_up_when_forced() {
    for program in stocks() {
        for action in ["incremental", "full"] {
            let mut history = History::of_three_chains(&program);
            killed(&mut history, &program, action, 4);
            let us = Program { name: program.name, ..ours() };
            let before = traces(&history, &program, 7);
            let told = history.run(&us, &["cleanup"]).expect(0);
            let told = String::from_utf8(told.stdout).unwrap();
            assert!(before.iter().all(|name| told.contains(&format!("\n{name}\n"))), "{before:?}\n{told}");
            assert_eq!(traces(&history, &program, 7), before);
            history.run(&us, &["cleanup", "--force"]).expect(0);
            assert_eq!(traces(&history, &program, 7), Vec::<String>::new());
            history.change();
            history.back_up(&program, "incremental", &[]);
            assert_eq!(history.dates(), [0, 1, 2, 3, 4, 5, 6, 8]);
            history.restores(&ours(), &[4, 6, 8], scratch().path());
        }
    }
}

/// A backup by ours that is gone on the spot once an object with `last` in its name is stored.
fn gone_after(history: &mut History, program: &Program, action: &str, last: &str) {
    grow(history);
    let number = history.passed();
    let mut command = history.backup_command_at("fortestsonly", program, action, &[]);
    command.env("DUP_FAIL_BY_SYSTEM_EXIT", last);
    Outcome::of(command).expect(30);
    history.pass();
    assert!(!history.dates().contains(&number), "it is whole");
    let stored = history.files().into_iter().any(|name| is_of_date(&name, number) && name.contains(last));
    assert!(stored, "{last} was to be stored");
}

#[test]
fn after_ours_was_killed_stock_goes_on_from_the_last_whole_backup_and_so_do_we() {
    for program in stocks() {
        let mut last = History::of_three_chains(&ours());
        let whole = last.copy();
        for (action, object, shares_cache) in [
            ("incremental", ".vol1.", false),
            ("incremental", ".vol4.", true),
            ("incremental", "signatures", false),
            ("full", ".vol4.", false),
            ("full", "signatures", true),
        ] {
            let case = format!("{action}, gone after {object}, then {}", program.name);
            let mut history = whole.copy();
            history.follow(&last);
            let us = if shares_cache { Program { name: program.name, ..ours() } } else { ours() };
            gone_after(&mut history, &us, action, object);
            // Nobody takes what is not whole for a backup, but 3.2.1, which fails on it (FORMAT.md, Chains).
            history.restores(&ours(), &[6], scratch().path());
            history.restores(&stock::old(), &[6], scratch().path());
            history.change();
            // Signatures without a manifest are all that 0.8.22 looks at: left to itself it begins anew.
            let has_to_begin = program.name == "0.8.22" && object == "signatures" && action == "incremental";
            history.back_up(&program, if has_to_begin { "" } else { "incremental" }, &[]);
            history.change();
            history.back_up(&us, "incremental", &[]);
            // Ours closes what it had stored of a full backup, unless stock has cleaned it away: it needs nothing else.
            let whole = |history: &History| {
                history
                    .dates()
                    .into_iter()
                    .filter(|number| action != "full" || *number != 7)
                    .collect::<Vec<_>>()
            };
            assert_eq!(whole(&history), [0, 1, 2, 3, 4, 5, 6, 8, 9], "{case}");
            for reader in [ours(), program.clone()] {
                history.restores(&reader, &[8, 9], scratch().path());
                history.run(&reader, &["cleanup", "--force"]).expect(0);
                let told = history.run(&reader, &["collection-status"]).expect(0).to_string();
                assert!(told.contains("No orphaned or incomplete backup sets found."), "{case}: {told}");
            }
            assert_eq!(whole(&history), [0, 1, 2, 3, 4, 5, 6, 8, 9], "{case}");
            last = history;
        }
    }
}
