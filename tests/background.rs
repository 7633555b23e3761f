//! Backups that happen by themselves: `hindsight-background` in a session whose services say what each test wants.
//!
//! The clock is the real one: a test makes a plan due by making its past runs older.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod desktop;
}

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hindsight::ledger::{MomentState, RunOutcome};
use hindsight::schedule::{Frequency, Schedule};
use hindsight::settings::{PlaceKind, Protection};
use support::desktop::{Background, DAY, Desktop, HOUR, now, until};

/// Enough to keep a run busy while something happens to it.
fn fill(desktop: &Desktop) {
    for folder in 0..40 {
        let folder = desktop.path("home").join(format!("many/{folder}"));
        fs::create_dir_all(&folder).unwrap();
        let content: Vec<u8> =
            (0..40_000u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        (0..150).for_each(|file| fs::write(folder.join(file.to_string()), &content).unwrap());
    }
}

#[test]
fn a_backup_begins_by_itself_within_a_second_of_becoming_due() {
    let desktop = Desktop::new(|_| ());
    let _background = desktop.background(0);
    desktop.age(HOUR - 4);
    let last = desktop.ledger().history(&desktop.plan.id).unwrap().last_success.unwrap();
    desktop.until_backed_up(last + HOUR);
    let (due, begun) = until("the account of it", || {
        desktop.moments().into_iter().find(|moment| moment.state == MomentState::Done).map(|done| {
            let history = desktop.path("home/.local/state/hindsight/runs.sqlite");
            let connection = rusqlite::Connection::open(history).unwrap();
            let query = "SELECT min(at) FROM moments WHERE due = ?1";
            (done.due, connection.query_row(query, [done.due], |row| row.get::<_, i64>(0)).unwrap())
        })
    });
    assert_eq!(due, last + HOUR);
    println!("begun {} s after it was due", begun - due);
    assert!((0..=1).contains(&(begun - due)), "{}", begun - due);
    assert_eq!(desktop.runs(), 2);
}

#[test]
fn a_run_has_the_least_priority() {
    let desktop = Desktop::new(|_| ());
    fill(&desktop);
    desktop.age(2 * HOUR);
    let background =
        Background::start(desktop.command(Path::new(env!("CARGO_BIN_EXE_hindsight-background"))), 0);
    /// Of `sched(7)`.
    const IDLE: &str = "5";
    until("a run that yields to everybody", || {
        let children = format!("/proc/{0}/task/{0}/children", background.pid());
        // Of any of its threads, but the first starts them.
        let child = fs::read_to_string(children).ok()?.split_whitespace().next()?.to_owned();
        let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        // Counted from the state, which is the third field.
        let policy = stat.rsplit_once(") ")?.1.split(' ').nth(38)?.to_owned();
        (name.trim() == "hindsight-cli" && policy == IDLE).then_some(())
    });
}

#[test]
fn what_is_in_the_way_is_waited_for_and_told() {
    let desktop = Desktop::new(|_| ());
    let services = &desktop.services;
    services.set_on_battery(true);
    let _background = desktop.background(0);
    desktop.age(2 * HOUR);
    desktop.until_it_waits_for("mains");
    let told = desktop.status()["plans"][0].clone();
    assert_eq!(told["waiting"][0]["sentence"], "The computer runs on battery.");
    assert!(told["due_since"].as_i64().unwrap() <= now());
    services.set_profile("power-saver");
    services.set_on_battery(false);
    desktop.until_it_waits_for("full-power");
    services.set_games(1);
    services.set_profile("performance");
    desktop.until_it_waits_for("no-game");
    assert_eq!(desktop.runs(), 1);
    let begun = now();
    services.set_games(0);
    desktop.until_backed_up(begun);
    until("an account of it", || matches!(desktop.outcomes()[..], [MomentState::Done]).then_some(()));
}

#[test]
fn a_plan_that_does_not_mind_is_not_held_up() {
    let desktop = Desktop::new(|plan| (plan.tolerance.battery, plan.tolerance.power_saver) = (true, true));
    desktop.services.set_on_battery(true);
    desktop.services.set_profile("power-saver");
    desktop.age(2 * HOUR);
    let begun = now();
    let _background = desktop.background(0);
    desktop.until_backed_up(begun);
}

#[test]
fn a_metered_network_holds_up_only_what_lies_beyond_it() {
    let desktop = Desktop::new(|_| ());
    desktop.services.set_metered(true);
    let address = |url: &str| PlaceKind::Address { url: url.into() };
    desktop.change(|plan| plan.place.kind = address("none://backups.example.org/ada"));
    desktop.age(2 * HOUR);
    let _background = desktop.background(0);
    desktop.until_it_waits_for("unmetered");
    // A place that no version can reach: what counts is that it is tried.
    desktop.change(|plan| plan.place.kind = address("none://nas.local/ada"));
    let failed = until("a try", || {
        let last = desktop.ledger().last(&desktop.plan.id).unwrap().unwrap();
        match last.outcome {
            RunOutcome::Failed { sentence, .. } => Some(sentence),
            _ => None,
        }
    });
    assert!(failed.contains("none://"), "{failed}");
    let moment = until("an account of it", || {
        desktop.outcomes().into_iter().find(|state| matches!(state, MomentState::Failed { .. }))
    });
    assert_eq!(moment, MomentState::Failed { sentence: failed });
    // Not again at once.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(desktop.ledger().history(&desktop.plan.id).unwrap().failures, 1);
}

#[test]
fn a_run_stops_on_battery_and_goes_on_when_plugged_in() {
    let desktop = Desktop::new(|_| ());
    fill(&desktop);
    let _background = desktop.background(0);
    desktop.age(2 * HOUR);
    desktop.until_running();
    until("a computer kept awake", || desktop.services.inhibitors().1.then_some(()));
    let place = desktop.path("place");
    // Let it come to its work.
    std::thread::sleep(Duration::from_millis(300));
    desktop.services.set_on_battery(true);
    desktop.until_it_waits_for("mains");
    assert!(!desktop.is_running());
    assert_eq!(desktop.ledger().last(&desktop.plan.id).unwrap().unwrap().outcome, RunOutcome::Paused);
    assert_eq!(desktop.ledger().history(&desktop.plan.id).unwrap().failures, 0);
    let (reasons, held) = desktop.services.inhibitors();
    assert_eq!(reasons, ["sleep Hindsight A backup is being written block"]);
    assert!(!held, "the computer may sleep");
    let begun = now();
    desktop.services.set_on_battery(false);
    desktop.until_backed_up(begun);
    let restored = desktop.path("restored");
    let url = format!("file://{}", place.display());
    let restore = desktop.cli(&["restore", "--no-encryption", &url, restored.to_str().unwrap()]).output();
    assert_eq!(restore.unwrap().status.code(), Some(0));
    let home = restored.join(desktop.path("home").strip_prefix("/").unwrap());
    let files = |folder: u32| fs::read_dir(home.join(format!("many/{folder}"))).unwrap().count();
    assert_eq!((0..40).map(files).sum::<usize>(), 6000);
}

#[test]
fn what_a_week_asleep_has_missed_is_caught_up_once_and_after_a_moment_of_peace() {
    let desktop = Desktop::new(|plan| plan.schedule = Schedule::new(Frequency::Daily));
    let _background = desktop.background(5);
    until("it", || desktop.ledger().has_background().unwrap().then_some(()));
    std::thread::sleep(Duration::from_secs(7));
    desktop.services.wake_up();
    let woken = now();
    desktop.age(8 * DAY);
    desktop.until_it_waits_for("settled");
    desktop.until_backed_up(woken + 5);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(desktop.runs(), 2, "all that was missed is made good by one run");
    until("an account of it", || matches!(desktop.outcomes()[..], [MomentState::Done]).then_some(()));
}

#[test]
fn a_drive_that_is_plugged_in_gets_its_overdue_backup_and_may_go_then() {
    let desktop = Desktop::new(|_| ());
    let asked = desktop.services.add_drive("0123-RED");
    let kind = PlaceKind::Drive { uuid: "0123-RED".into(), folder: "place".into() };
    desktop.change(|plan| plan.place.kind = kind);
    desktop.age(2 * HOUR);
    // A computer with a /dev of its own: there a drive's link appears, and then something is mounted.
    fs::create_dir(desktop.path("mnt")).unwrap();
    fs::create_dir(desktop.path("place/other")).unwrap();
    let script = format!(
        "mount -t tmpfs /dev/null mnt && cp -a place mnt || exit
         PATH=/nowhere {background} --settle 0 & process=$!
         wait_for() {{ until [ -e $1 ] || [ ! -e place ]; do sleep 0.1; done; }}
         wait_for plug
         ln -s /dev/null /dev/disk/by-uuid/0123-RED && mount -t tmpfs other mnt/place/other
         wait_for end
         kill $process; wait",
        background = env!("CARGO_BIN_EXE_hindsight-background"),
    );
    let mut computer = desktop.command(Path::new("bwrap"));
    computer.args(["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "CAP_SYS_ADMIN"]);
    computer.args(["--bind", "/", "/", "--dev", "/dev", "--dir", "/dev/disk", "--dir", "/dev/disk/by-uuid"]);
    computer.arg("--chdir").arg(desktop.path("")).args(["sh", "-c", &script]);
    let mut computer = computer.spawn().unwrap();
    desktop.until_it_waits_for("place");
    assert_eq!(desktop.status()["plans"][0]["waiting"][0]["sentence"], "Red Disk is not connected.");
    let begun = now();
    fs::write(desktop.path("plug"), "").unwrap();
    desktop.until_backed_up(begun);
    let seen = until("a word about the drive", || desktop.services.seen_now().pop());
    assert_eq!(seen.title, "Red Disk May Be Unplugged");
    desktop.services.press(seen.id, "eject");
    until("a drive that is let go", || (*asked.lock().unwrap() == ["unmount", "power off"]).then_some(()));
    fs::write(desktop.path("end"), "").unwrap();
    computer.wait().unwrap();
}

#[test]
fn a_late_backup_is_told_with_what_can_be_done_about_it() {
    let desktop = Desktop::new(|_| ());
    let services = &desktop.services;
    services.set_on_battery(true);
    let _background = desktop.background(0);
    desktop.age(2 * HOUR);
    desktop.until_it_waits_for("mains");
    assert_eq!(services.ever_seen(), [], "it is not late yet");

    desktop.age(2 * DAY);
    let seen = until("a notice", || services.seen_now().pop());
    assert_eq!((seen.title.as_str(), seen.urgency), ("The Backup “Home” Waits", 1));
    assert_eq!(seen.body, "The last backup was made 2 days ago. The computer runs on battery.");
    let buttons: Vec<_> = seen.buttons.iter().map(|(_, words)| words.as_str()).collect();
    assert_eq!(buttons, ["Back Up Now", "When Plugged In", "Tomorrow", "Open"]);
    let (id, notice) = (seen.id, seen);

    desktop.age(2 * DAY);
    let warning = until("a warning", || services.seen_now().pop().filter(|seen| *seen != notice));
    assert_eq!((warning.id, warning.urgency), (id, 2), "in the same place");

    services.press(id, "until-mains");
    until("silence", || services.seen_now().is_empty().then_some(()));
    services.set_profile("power-saver");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(services.ever_seen().len(), 2, "whoever has put it off is not told again");
    services.set_profile("balanced");
    let begun = now();
    services.set_on_battery(false);
    desktop.until_backed_up(begun);
    let good = until("good news", || services.seen_now().pop());
    assert_eq!((good.title.as_str(), good.urgency), ("Your Files Are Safe", 0));
}

#[test]
fn back_up_now_needs_no_better_time() {
    let desktop = Desktop::new(|_| ());
    desktop.services.set_on_battery(true);
    desktop.age(4 * DAY);
    let _background = desktop.background(0);
    let seen = until("a warning", || desktop.services.seen_now().pop());
    let begun = now();
    desktop.services.press(seen.id, "back-up");
    desktop.until_backed_up(begun);
}

#[test]
fn a_failure_that_needs_somebody_is_told_at_once_and_withdrawn_when_mended() {
    let desktop = Desktop::new(|_| ());
    let (place, away) = (desktop.path("place"), desktop.path("away"));
    fs::rename(&place, &away).unwrap();
    fs::create_dir(&place).unwrap();
    desktop.age(2 * HOUR);
    let _background = desktop.background(0);
    let seen = until("a notice", || desktop.services.seen_now().pop());
    assert_eq!(seen.title, "Not the Place of These Backups");
    assert!(seen.body.ends_with("The last backup was made less than a day ago."), "{}", seen.body);
    fs::remove_dir(&place).unwrap();
    fs::rename(&away, &place).unwrap();
    // By somebody, at last.
    let begun = now();
    desktop.plan_run(0);
    desktop.until_backed_up(begun);
    until("good news", || {
        desktop.services.seen_now().pop().filter(|seen| seen.title == "Your Files Are Safe")
    });
}

#[test]
fn a_password_that_is_missing_is_told_at_once_and_the_app_asks_for_it() {
    let desktop = Desktop::new(|_| ());
    desktop.change(|plan| plan.protection = Protection::Password);
    let programs = desktop.path("programs");
    fs::create_dir(&programs).unwrap();
    let link = |program: &str, name| std::os::unix::fs::symlink(program, programs.join(name)).unwrap();
    link(env!("CARGO_BIN_EXE_hindsight-cli"), "hindsight-cli");
    // The app needs a display. This one only notes with which words it was called.
    fs::write(desktop.path("app"), "#!/bin/sh\necho \"$@\" > $HOME/../words\n").unwrap();
    let made = Command::new("install")
        .args(["-m", "755"])
        .arg(desktop.path("app"))
        .arg(programs.join("hindsight"))
        .status();
    assert!(made.unwrap().success());
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_hindsight-background")).arg(&programs).status();
    assert!(copied.unwrap().success());
    desktop.age(2 * HOUR);
    let mut command = desktop.command(&programs.join("hindsight-background"));
    command.env("PATH", "/nowhere");
    let _background = Background::start(command, 0);
    let seen = until("a notice", || desktop.services.seen_now().pop());
    assert_eq!(seen.title, "Password Needed");
    desktop.services.press(seen.id, "back-up");
    let words =
        until("the app", || fs::read_to_string(desktop.path("words")).ok().filter(|words| !words.is_empty()));
    assert_eq!(words, format!("--backup {}\n", desktop.plan.id));
}

#[test]
fn of_the_background_and_the_command_line_one_runs_at_a_time() {
    let desktop = Desktop::new(|_| ());
    fill(&desktop);
    // The command line first.
    let mut first =
        desktop.cli(&["plan", "run", "Home"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    desktop.until_running();
    desktop.age(2 * HOUR);
    let background = desktop.background(0);
    until("an account of it", || {
        desktop.outcomes().first().is_some_and(|state| *state == MomentState::Running).then_some(())
    });
    assert_eq!(first.wait().unwrap().code(), Some(0));
    drop(background);
    // Then the background.
    fs::remove_dir_all(desktop.path("home/many")).unwrap();
    fill(&desktop);
    desktop.age(2 * HOUR);
    let before = desktop.runs();
    let begun = now();
    let _background = desktop.background(0);
    desktop.until_running();
    assert!(desktop.plan_run(23).contains("backed up already"));
    desktop.until_backed_up(begun);
    assert_eq!(desktop.runs(), before + 1);
}

#[test]
fn there_is_one_background_in_a_session_and_it_ends_when_asked() {
    let desktop = Desktop::new(|_| ());
    let mut first = desktop.background(0);
    until("the first", || desktop.ledger().has_background().unwrap().then_some(()));
    let mut second = desktop.background(0);
    assert_eq!(second.0.wait().unwrap().code(), Some(0));
    assert!(first.0.try_wait().unwrap().is_none());
    nix::sys::signal::kill(first.pid(), nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(first.0.wait().unwrap().code(), Some(0));
    assert!(!desktop.ledger().has_background().unwrap());
}

#[test]
fn a_newer_version_is_adopted_when_it_is_installed() {
    let desktop = Desktop::new(|_| ());
    let programs = desktop.path("programs");
    fs::create_dir(&programs).unwrap();
    let [background, cli] =
        [env!("CARGO_BIN_EXE_hindsight-background"), env!("CARGO_BIN_EXE_hindsight-cli")].map(Path::new);
    let install = |program: &Path| {
        let name = program.file_name().unwrap();
        // Not by this process: whatever it starts meanwhile would have the file open, so that nobody could execute it.
        let copied = Command::new("cp").arg(program).arg(programs.join("new")).status().unwrap();
        assert!(copied.success());
        fs::rename(programs.join("new"), programs.join(name)).unwrap();
    };
    install(background);
    install(cli);
    let mut command = desktop.command(&programs.join("hindsight-background"));
    command.env("PATH", "/nowhere");
    let process = Background::start(command, 0);
    until("it", || desktop.ledger().has_background().unwrap().then_some(()));
    install(background);
    let link = format!("/proc/{}/exe", process.pid());
    let executed = || fs::read_link(&link).unwrap().to_string_lossy().into_owned();
    assert!(executed().ends_with(" (deleted)"));
    desktop.change(|plan| plan.schedule.enabled = false);
    until("the new one", || executed().ends_with("/hindsight-background").then_some(()));
    // It works.
    until("it", || desktop.ledger().has_background().unwrap().then_some(()));
    desktop.age(2 * HOUR);
    let begun = now();
    desktop.change(|plan| plan.schedule.enabled = true);
    desktop.until_backed_up(begun);
}

#[test]
fn without_any_bus_backups_begin_all_the_same() {
    let desktop = Desktop::new(|_| ());
    desktop.age(2 * HOUR);
    let begun = now();
    let mut command = desktop.background_command();
    for bus in ["SESSION", "SYSTEM"] {
        command.env(format!("DBUS_{bus}_BUS_ADDRESS"), "unix:path=/nowhere");
    }
    let _background = Background::start(command, 0);
    desktop.until_backed_up(begun);
}

#[test]
fn a_plan_that_nobody_has_begun_or_that_is_switched_off_does_not_begin() {
    let desktop = Desktop::new(|_| ());
    desktop.change(|plan| plan.schedule.enabled = false);
    let mut other = desktop.plan.clone();
    (other.id, other.name) = ("f".repeat(32), "Never".into());
    desktop.store().change(|settings| settings.plans.push(other)).unwrap();
    desktop.age(2 * HOUR);
    let _background = desktop.background(0);
    until("it", || desktop.ledger().has_background().unwrap().then_some(()));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(desktop.runs(), 1);
    assert!(desktop.status()["plans"][0]["next"].is_null());
}

#[test]
fn the_desktop_is_asked_to_start_it_and_a_refusal_is_told_for_good() {
    for (grants, answer) in [(true, "granted"), (false, "refused")] {
        let desktop = Desktop::new(|_| ());
        desktop.services.add_portal(grants);
        let mut command = desktop.background_command();
        command.arg("--ask");
        let background = Background::start(command, 0);
        until("an answer", || (desktop.status()["autostart"] == answer).then_some(()));
        assert_eq!(desktop.services.to_autostart().unwrap(), ["hindsight-background"]);
        let shown = || desktop.services.ever_seen().pop().map(|seen| seen.title);
        match grants {
            true => assert_eq!(shown(), None),
            false => assert_eq!(until("a notice", shown), "Backups May Not Begin by Themselves"),
        }
        drop(background);
        let told = String::from_utf8(desktop.cli(&["status"]).output().unwrap().stdout).unwrap();
        assert_eq!(told.contains("refuses to start it"), !grants, "{told}");
    }
}

#[test]
fn idle_it_sleeps_and_takes_little_memory() {
    let desktop = Desktop::new(|_| ());
    let background = desktop.background(0);
    until("it", || desktop.ledger().has_background().unwrap().then_some(()));
    // Threads that looked at a folder end when there is nothing more to look at.
    std::thread::sleep(Duration::from_secs(12));
    let kib = |name: &str| {
        let status = fs::read_to_string(format!("/proc/{}/status", background.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let switches = || -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", background.pid())).unwrap();
        let of = |task: fs::DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap().to_owned();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        tasks.map(|task| of(task.unwrap())).sum()
    };
    let before = switches();
    std::thread::sleep(Duration::from_secs(20));
    let woken = switches() - before;
    println!(
        "idle: {} KiB resident ({} KiB its own), woken {woken} times in 20 s",
        kib("VmRSS:"),
        kib("RssAnon:")
    );
    assert!(kib("VmRSS:") <= 30 * 1024);
    assert!(woken <= 2, "{woken}");
}
