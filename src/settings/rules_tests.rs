//! Plans tried out on a home folder that is walked from `/`, as a backup does.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::context::Context;
use crate::settings::{Folder, PlaceKind, PlanPlace};
use crate::tree::walk::{Found, Walk};

struct Home {
    folder: TempDir,
    plan: Plan,
}

impl Home {
    /// With these files in it; names that end in a slash are folders.
    fn with(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = PlanPlace {
            kind: PlaceKind::Folder { path: "/nowhere".into() },
            label: "Nowhere".into(),
            marker: None,
        };
        let home = folder.path().canonicalize().unwrap();
        let plan = Plan::for_home("Home", place, &home).unwrap();
        let home = Self { folder, plan };
        for file in files {
            home.write(OsStr::new(file));
        }
        home
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn write(&self, file: &OsStr) {
        let path = self.path().join(file);
        if file.as_bytes().ends_with(b"/") {
            return fs::create_dir_all(path).unwrap();
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }

    fn saves(&mut self, folders: &[&str]) {
        let folder = |name: &&str| Folder { path: self.path().join(name), separate: false };
        self.plan.folders = folders.iter().map(folder).collect();
    }

    fn ignores(&mut self, folder: &str) {
        self.plan.ignored.push(self.path().join(folder));
    }

    /// Paths relative to home of what a backup holds, without the folders on the way to others.
    fn saved(&self) -> Vec<String> {
        let home = self.path();
        let selection = self.plan.selection(&home, &[]).unwrap();
        let walk = Walk::new("/".into(), Arc::new(selection), &Context::silent()).unwrap();
        let mut paths: Vec<PathBuf> = Vec::new();
        for found in walk {
            let Found::Entry(entry) = found else { panic!("{found:?}") };
            let path = entry.path.below(Path::new("/"));
            if path.starts_with(&home) {
                paths.push(path);
            } else {
                assert!(home.starts_with(&path), "{path:?} is outside");
            }
        }
        let leaves = paths.iter().filter(|path| !paths.iter().any(|other| other.parent() == Some(path)));
        leaves.map(|path| path.strip_prefix(&home).unwrap().to_string_lossy().into_owned()).collect()
    }
}

#[test]
fn the_default_plan_saves_the_home_folder_without_caches_and_trash() {
    let home = Home::with(&[
        "Documents/letter",
        ".cache/x",
        ".local/share/Trash/files/x",
        ".var/app/org.app/cache/x",
        ".var/app/org.app/data/kept",
        "drive/.Trash-1000/x",
        "empty/",
    ]);
    assert_eq!(
        home.saved(),
        [".local/share", ".var/app/org.app/data/kept", "Documents/letter", "drive", "empty"]
    );
}

#[test]
fn only_the_chosen_folders_are_saved_and_the_deepest_word_counts() {
    let mut home =
        Home::with(&["a/1", "a/b/2", "a/b/c/3", "a/b/c/d/4", "ab/5", ".cache/wanted/6", ".cache/7"]);
    home.saves(&["a", "a/b/c", ".cache/wanted"]);
    home.ignores("a/b");
    home.ignores("a/b/c/d");
    assert_eq!(home.saved(), [".cache/wanted/6", "a/1", "a/b/c/3"]);
}

#[test]
fn patterns_fit_names_at_any_depth_below_the_folders() {
    let mut home =
        Home::with(&["disk.iso", "a/deep/down/disk.iso", "a/disk.iso.txt", "iso/x", "a/b/tmp/x", "tmp/y"]);
    home.plan.patterns = vec!["*.iso".into(), " ".into(), "b/tmp/".into()];
    assert_eq!(home.saved(), ["a/b", "a/deep/down", "a/disk.iso.txt", "iso/x", "tmp/y"]);
}

#[test]
fn a_pattern_with_a_leading_slash_means_the_same() {
    let mut home = Home::with(&["a/x.iso", "b"]);
    home.plan.patterns = vec!["/*.iso".into()];
    assert_eq!(home.saved(), ["a", "b"]);
}

#[test]
fn a_pattern_that_is_none_is_refused_by_name() {
    let mut home = Home::with(&[]);
    home.plan.patterns = vec!["[b-a]".into()];
    let error = home.plan.selection(&home.path(), &[]).unwrap_err();
    assert!(error.to_string().contains("[b-a]"), "{error}");
}

#[test]
fn a_folder_that_says_so_itself_is_left_out() {
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# more";
    let home =
        Home::with(&["a/.hindsight-ignore", "b/.deja-dup-ignore", "c/x", "tagged/x", "named/CACHEDIR.TAG"]);
    fs::write(home.path().join("tagged/CACHEDIR.TAG"), tag).unwrap();
    assert_eq!(home.saved(), ["c/x", "named/CACHEDIR.TAG"]);
}

#[test]
fn a_marker_above_or_in_a_chosen_folder_does_not_undo_the_choice() {
    let mut home = Home::with(&[
        ".deja-dup-ignore",
        "a/.hindsight-ignore",
        "a/1",
        "b/.hindsight-ignore",
        "b/c/2",
        "b/3",
    ]);
    home.saves(&["", "a", "b/c"]);
    assert_eq!(home.saved(), [".deja-dup-ignore", "a/.hindsight-ignore", "a/1", "b/c/2"]);
}

#[test]
fn every_preset_leaves_out_its_own_and_nothing_else() {
    let mut home = Home::with(&[
        "src/node_modules/x",
        "src/build/kept",
        ".cargo/registry/x",
        ".cargo/config.toml",
        "VirtualBox VMs/x",
        "vm/disk.qcow2",
        ".local/share/Steam/steamapps/common/x",
        ".local/share/Steam/userdata/kept",
        "Downloads/x",
        ".cache/x",
    ]);
    home.plan.presets = Preset::ALL.into();
    assert_eq!(
        home.saved(),
        [
            ".cargo/config.toml",
            ".local/share/Steam/steamapps",
            ".local/share/Steam/userdata/kept",
            "src/build/kept",
            "vm"
        ]
    );
    home.plan.presets.clear();
    assert_eq!(home.saved().len(), 10);
}

#[test]
fn a_home_or_folder_behind_a_link_is_found() {
    let home = Home::with(&["real/a", "real/.cache/x"]);
    let link = home.path().join("link");
    symlink(home.path().join("real"), &link).unwrap();
    let mut plan = home.plan.clone();
    plan.folders = vec![Folder { path: link.clone(), separate: false }];
    let there = Home { plan, ..home };
    let selection = there.plan.selection(&link, &[]).unwrap();
    let walk = Walk::new("/".into(), Arc::new(selection), &Context::silent()).unwrap();
    let found: Vec<_> = walk.map(|found| format!("{found:?}")).collect();
    assert!(found.iter().any(|entry| entry.contains("real/a\"")), "{found:?}");
    assert!(!found.iter().any(|entry| entry.contains(".cache")), "{found:?}");
}

#[test]
fn saving_the_whole_computer_leaves_out_what_is_not_on_disk() {
    let mut home = Home::with(&["a"]);
    home.plan.folders = vec![Folder { path: "/".into(), separate: false }];
    home.plan.patterns = vec!["*.iso".into()];
    let rules = rules(&home.plan, &home.path());
    for system in SYSTEM {
        assert!(rules.contains(&Rule::exclude(system)), "{system}");
    }
    assert!(rules.contains(&Rule::exclude("/**/*.iso")) && rules.contains(&Rule::exclude("/*.iso")));
    home.plan.selection(&home.path(), &[]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_name_of_a_folder_stands_for_itself_alone(
        name in "[a-c*?\\[\\]!^\\-{}\\\\ \u{e9}]{1,6}".prop_filter("a name", |name| name != "." && name != ".."),
        other in "[a-c*?\\[\\]!]{1,6}",
    ) {
        prop_assume!(name != other);
        let mut home = Home::with(&[&format!("{name}/kept"), &format!("{other}/not")]);
        home.saves(&[name.as_str()]);
        prop_assert_eq!(home.saved(), [format!("{name}/kept")]);
        home.saves(&[""]);
        home.ignores(&name);
        prop_assert_eq!(home.saved(), [format!("{other}/not")]);
    }
}

#[test]
fn a_name_that_is_not_text_can_be_saved_and_ignored() {
    let mut home = Home::with(&["plain"]);
    let odd = OsStr::from_bytes(b"odd-\xff-[x]");
    home.write(&Path::new(odd).join("x").into_os_string());
    home.plan.folders = vec![Folder { path: home.path().join(odd), separate: false }];
    assert_eq!(home.saved().len(), 1);
    home.saves(&[""]);
    home.plan.ignored = vec![home.path().join(odd)];
    assert_eq!(home.saved(), ["plain"]);
}
