//! Threads and bounds change nothing of what a walk yields.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::tests::{entries, shown, tree};
use super::*;
use crate::tree::select::Rule;

fn limited(root: &Path, limits: Limits) -> Walk {
    let scan = Scanner::open(root.into(), Arc::default(), limits.names).unwrap();
    Walk::start(root.into(), scan, &Context::silent(), &limits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_number_of_threads_sees_what_one_sees(
        files in prop::collection::vec("([abc]/){0,4}[a-e\\-.]{1,2}", 0..80),
        threads in 1..6usize,
        entries_ahead in 0..50usize,
        names in 1..8usize,
        rules in prop::sample::select(vec![
            Vec::new(),
            vec![Rule::exclude("src/b")],
            vec![Rule::include("src/*/c"), Rule::exclude("**")],
            vec![Rule::include("**/a/b"), Rule::exclude("src/a/*"), Rule::IfPresent("c".into())],
        ]),
    ) {
        let root = TempDir::new().unwrap();
        for file in &files {
            let path = EntryPath::parse(file.as_bytes()).unwrap_or_default().below(root.path());
            let _ = path.parent().map(fs::create_dir_all);
            let _ = fs::write(path, b"");
        }
        let selection = Arc::new(Selection::new(Path::new("src"), rules).unwrap());
        let walked = |limits: Limits| {
            let scan = Scanner::open(root.path().into(), Arc::clone(&selection), limits.names).unwrap();
            let walk = Walk::start(root.path().into(), scan, &Context::silent(), &limits);
            entries(walk).into_iter().map(|entry| (entry.path, entry.attributes)).collect::<Vec<_>>()
        };
        let alone = walked(Limits { threads: 0, entries_ahead: 0, names: usize::MAX });
        prop_assert_eq!(walked(Limits { threads, entries_ahead, names }), alone);
    }
}

/// Waits until the threads of `walk` have nothing to do.
fn settle(walk: &Walk) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while walk.ahead.idle_threads() < walk.threads.len() {
        assert!(Instant::now() < deadline, "the threads never come to rest");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_slow_consumer_bounds_the_reading_ahead() {
    let root = TempDir::new().unwrap();
    for n in 0..3_000 {
        let directory = root.path().join((n / 30).to_string());
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(n.to_string()), b"").unwrap();
    }
    let limits = Limits { threads: 3, entries_ahead: 200, names: 20 };
    let mut walk = limited(root.path(), limits);
    let (mut seen, mut most) = (0, 0);
    loop {
        if seen % 16 == 0 {
            settle(&walk);
        }
        most = most.max(walk.ahead.entries());
        let Some(_) = walk.next() else { break };
        seen += 1;
    }
    assert_eq!(seen, 3_101);
    // Each thread, and who iterates, may finish what it began, and one that is due next.
    assert!((100..200 + 2 * 4 * 21).contains(&most), "{most}");
}

/// Most directories below `root` that were open at any moment.
fn most_open(root: &Path, walk: Walk) -> usize {
    let is_below = |fd: io::Result<fs::DirEntry>| {
        fs::read_link(fd.unwrap().path()).is_ok_and(|target| target.starts_with(root))
    };
    let open = |_| fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| is_below(fd).then_some(())).count();
    walk.step_by(8).map(open).max().unwrap()
}

#[test]
fn few_directories_are_open_in_a_wide_tree() {
    let root = TempDir::new().unwrap();
    for n in 0..2_000 {
        fs::create_dir_all(root.path().join(format!("{n}/inside"))).unwrap();
    }
    let limits = Limits { threads: 4, entries_ahead: 10_000, names: 300 };
    let most = most_open(root.path(), limited(root.path(), limits));
    assert!(most <= 20, "{most}");
}

#[test]
fn no_more_directories_are_open_than_a_deep_tree_has_levels() {
    let root = TempDir::new().unwrap();
    let mut path = root.path().to_path_buf();
    for _ in 0..200 {
        fs::create_dir(path.join("b")).unwrap();
        path.push("a");
        fs::create_dir(&path).unwrap();
    }
    let limits = Limits { threads: 4, entries_ahead: 10_000, names: 300 };
    let most = most_open(root.path(), limited(root.path(), limits));
    assert!(most <= 210, "{most}");
}

#[test]
#[should_panic(expected = "step != 0")]
fn a_thread_that_dies_while_reading_ahead_is_not_taken_for_the_end() {
    let root = tree(&["a"]);
    // No names at a time: the first task panics.
    let walk = limited(root.path(), Limits { threads: 1, entries_ahead: 100, names: 0 });
    while !walk.ahead.has_died() {
        thread::yield_now();
    }
    walk.for_each(drop);
}

#[test]
fn a_walk_needs_no_thread_but_the_one_that_iterates() {
    let root = tree(&["a/b/1", "a/b/2", "a/c", "d"]);
    let alone = limited(root.path(), Limits { threads: 0, entries_ahead: 0, names: 1 });
    assert_eq!(shown(alone), [".", "a", "a/b", "a/b/1", "a/b/2", "a/c", "d"]);
}

#[test]
fn dropping_a_walk_early_ends_its_threads() {
    let root = TempDir::new().unwrap();
    for n in 0..2_000 {
        fs::write(root.path().join(n.to_string()), b"").unwrap();
    }
    for entries_ahead in [1, 100, 10_000] {
        let mut walk = limited(root.path(), Limits { threads: 2, entries_ahead, names: 100 });
        walk.next().unwrap();
        drop(walk); // joins
    }
}
