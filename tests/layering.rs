//! Which module may use which: the table of the architecture paper, enforced.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;

/// Modules that stand on nothing, or on each other, and that everybody may use.
const BASE: [&str; 10] =
    ["config", "context", "deflate", "entry", "folders", "i18n", "ledger", "lock", "runtime", "secret"];

/// Module, and what it may use besides itself and the base.
const TABLE: [(&str, &[&str]); 21] = [
    ("background", &["desktop", "explain", "schedule", "settings"]),
    ("delta", &[]),
    ("duplicity", &[]),
    ("crypto", &[]),
    ("destination", &[]),
    ("tree", &[]),
    ("texts", &[]),
    ("error", &["delta", "duplicity", "crypto", "destination", "tree", "repository", "engine"]),
    ("explain", &["destination", "error", "hooks", "keyring", "settings", "tree"]),
    ("desktop", &["error"]),
    ("repository", &["duplicity", "crypto", "destination", "error"]),
    ("engine", &["repository", "tree", "delta", "destination", "error"]),
    ("worker", &["engine", "error"]),
    ("hooks", &["settings"]),
    ("keyring", &[]),
    ("recovery", &["settings"]),
    ("schedule", &[]),
    ("settings", &["destination", "tree", "schedule"]),
    ("jobs", &["settings", "worker", "engine", "destination", "explain", "error"]),
    (
        "cli",
        &[
            "jobs",
            "hooks",
            "schedule",
            "settings",
            "keyring",
            "worker",
            "engine",
            "destination",
            "tree",
            "explain",
            "error",
        ],
    ),
    (
        "ui",
        &[
            "jobs",
            "hooks",
            "worker",
            "engine",
            "settings",
            "schedule",
            "keyring",
            "recovery",
            "desktop",
            "explain",
            "error",
            "texts",
            "tree",
            "destination",
        ],
    ),
];

#[test]
fn modules_use_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for (file, source) in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        let module = module_of(&file);
        if ["lib", "bin", "main"].contains(&module.as_str()) || BASE.contains(&module.as_str()) {
            continue;
        }
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{file}: module {module} is not in the table"));
            continue;
        };
        for used in used_modules(&source) {
            if used != module && !BASE.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{file}: {module} must not use {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn base_modules_use_only_base_modules() {
    let mut wrong = Vec::new();
    for (file, source) in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        if BASE.contains(&module_of(&file).as_str()) {
            let strangers = used_modules(&source).into_iter().filter(|used| !BASE.contains(&used.as_str()));
            wrong.extend(strangers.map(|used| format!("{file} must not use {used}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_programs_use_neither_repositories_nor_their_formats() {
    let hidden = ["repository", "duplicity", "crypto", "delta"];
    for (file, source) in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        if ["bin", "cli", "ui"].contains(&module_of(&file).as_str()) {
            let used = used_modules(&source.replace("hindsight::", "crate::"));
            assert!(used.iter().all(|used| !hidden.contains(&used.as_str())), "{file} uses {used:?}");
        }
    }
}

#[test]
fn nested_and_long_imports_are_seen() {
    let source = "use crate::{tree::{Walk, crypto::Not}, delta};\nfn f() { crate::engine::run(); } // crate::worker\n\
        #[cfg(test)]\nmod tests { use crate::keyring; }";
    let expected: BTreeSet<String> = ["tree", "delta", "engine"].map(String::from).into();
    assert_eq!(used_modules(source), expected);
}

/// The modules of this crate that a file names, outside comments and unit tests.
fn used_modules(source: &str) -> BTreeSet<String> {
    let comment = Regex::new(r"//[^\n]*").unwrap();
    let source = comment.replace_all(source, "");
    let source = source.split("#[cfg(test)]").next().unwrap();
    let direct = Regex::new(r"\bcrate::([a-z_0-9]+)").unwrap();
    let mut used: BTreeSet<String> = direct.captures_iter(source).map(|found| found[1].to_owned()).collect();
    for (start, opening) in source.match_indices("crate::{") {
        used.extend(names_at_depth_one(&source[start + opening.len()..]));
    }
    used
}

/// The first path component of each item in `a::{b, c}, d::e}`, up to the brace that ends the list.
fn names_at_depth_one(list: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut depth = 1;
    let mut in_path = false;
    for character in list.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                names.push(String::new());
                in_path = false;
            }
            ':' => in_path |= depth == 1,
            other if depth == 1 && !in_path && !other.is_whitespace() => {
                names.last_mut().unwrap().push(other)
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The module that a file under `src` belongs to: its first folder, or its own name.
fn module_of(file: &str) -> String {
    let first = file.split('/').next().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// All Rust files below `folder`: relative path to content.
fn sources(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!found.is_empty(), "{} holds no Rust files", folder.display());
    found
}
