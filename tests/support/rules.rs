//! Random trees, and random selection options that have to do with them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::bytes::next;

/// Numbers that are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, sides: usize) -> usize {
        (next(&mut self.0) % sides as u64) as usize
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Few and alike, so that patterns meet several of them; in odd cases too.
const NAMES: [&[u8]; 16] = [
    b"a",
    b"b",
    b"A",
    b"ab",
    b"a-b",
    b"B.txt",
    b"c.TXT",
    b"x.log",
    b"xx.log",
    b"[x",
    b"a b",
    b"\xc3\xa9",
    b"\xff",
    b".nobackup",
    b"#h",
    b"d*",
];

pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Below the root, those that are text.
    paths: Vec<String>,
}

impl Tree {
    pub(crate) fn plant(root: &Path, dice: &mut Dice) -> Self {
        let mut tree = Self { root: root.into(), paths: Vec::new() };
        tree.fill(root, 0, dice);
        // Stock takes a folder for its parent where both are of the same second (`--files-from`).
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000);
        fs::File::open(root).unwrap().set_modified(at).unwrap();
        tree
    }

    fn fill(&mut self, folder: &Path, depth: usize, dice: &mut Dice) {
        fs::create_dir(folder).unwrap();
        for _ in 0..3 + dice.below(4) {
            let path = folder.join(OsStr::from_bytes(dice.pick::<&[u8]>(&NAMES)));
            if path.symlink_metadata().is_ok() {
                continue;
            }
            match dice.below(10) {
                0..4 if depth < 3 => self.fill(&path, depth + 1, dice),
                4 => symlink("a", &path).unwrap(),
                _ => {
                    let file = File::create(&path).unwrap();
                    if dice.percent(30) {
                        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
                    }
                }
            }
            let below = path.strip_prefix(&self.root).unwrap();
            self.paths.extend(below.to_str().map(str::to_owned));
        }
    }
}

/// One command line.
pub(crate) struct Case {
    /// Where it is typed.
    pub(crate) folder: PathBuf,
    /// The source as typed; empty for a restore.
    pub(crate) source: OsString,
    pub(crate) options: Vec<OsString>,
    lists: Vec<String>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} with lists {:?}", self.source, self.options, self.lists)
    }
}

/// How patterns are read at one point of a command line.
#[derive(Clone, Copy)]
enum Mode {
    Glob,
    Literal,
    Regexp,
}

impl Case {
    pub(crate) fn of(folder: &Path, source: &str, options: &[&str]) -> Self {
        let options = options.iter().map(OsString::from).collect();
        Self { folder: folder.into(), source: source.into(), options, lists: Vec::new() }
    }

    pub(crate) fn for_backup(tree: &Tree, folder: &Path, dice: &mut Dice) -> Self {
        let absolute = folder.join("src").to_str().unwrap().to_owned();
        let typed = ["src", "src", "src/", "./src", ".", absolute.as_str()];
        let source = *dice.pick(&typed);
        let (folder, base) = match source {
            "." => (folder.join("src"), "./".to_owned()),
            source if source == absolute => (folder.into(), format!("{absolute}/")),
            _ => (folder.into(), "src/".to_owned()),
        };
        Maker::new(tree, base, true, dice).make(folder, source)
    }

    pub(crate) fn for_restore(tree: &Tree, folder: &Path, dice: &mut Dice) -> Self {
        Maker::new(tree, String::new(), false, dice).make(folder.into(), "")
    }
}

struct Maker<'a> {
    tree: &'a Tree,
    /// What patterns begin with.
    base: String,
    of_source: bool,
    mode: Mode,
    lists: Vec<String>,
    dice: &'a mut Dice,
}

impl<'a> Maker<'a> {
    fn new(tree: &'a Tree, base: String, of_source: bool, dice: &'a mut Dice) -> Self {
        Self { tree, base, of_source, mode: Mode::Glob, lists: Vec::new(), dice }
    }

    fn make(mut self, folder: PathBuf, source: &str) -> Case {
        let separator = if self.dice.percent(15) { "\0" } else { "\n" };
        let mut options = Vec::new();
        for _ in 0..1 + self.dice.below(5) {
            self.option(&mut options);
        }
        if self.dice.percent(65) {
            self.mode = Mode::Glob;
            let all = *self.dice.pick(&["**", "a", "*/a", "*"]);
            let all = if all == "**" { all.to_owned() } else { format!("{}{all}", self.base) };
            options.extend(["--filter-globbing".into(), "--exclude".into(), all]);
            // Alone it would be refused as needless.
            let is_needed = options.iter().any(|o| o == "--filter-literal" || o == "--filter-regexp");
            if !is_needed {
                options.remove(options.len() - 3);
            }
        }
        if separator == "\0" {
            options.push("--null-separator".into());
        }
        for (number, list) in self.lists.iter().enumerate() {
            fs::write(self.list_path(number), list.replace('\n', separator)).unwrap();
        }
        let options = options.into_iter().map(OsString::from).collect();
        Case { folder, source: source.into(), options, lists: self.lists }
    }

    fn option(&mut self, options: &mut Vec<String>) {
        let with_sign =
            |include: bool, rest: &str| format!("--{}{rest}", if include { "include" } else { "exclude" });
        let include = self.dice.percent(50);
        let mut add = |words: &[String]| options.extend(words.iter().cloned());
        match self.dice.below(100) {
            0..55 => add(&[with_sign(include, ""), self.pattern(self.mode)]),
            55..65 => add(&[with_sign(include, "-regexp"), self.pattern(Mode::Regexp)]),
            65..77 => {
                let list = self.filelist();
                add(&[with_sign(include, "-filelist"), self.list(list)]);
            }
            77..87 => self.filter(options),
            87..91 => add(&["--exclude-older-than".into(), "2010-01-01".into()]),
            91..93 => add(&["--exclude-device-files".into()]),
            93..97 if self.of_source => add(&["--exclude-if-present".into(), ".nobackup".into()]),
            97..98 if self.of_source => add(&["--exclude-other-filesystems".into()]),
            98.. if self.of_source => {
                let list: Vec<_> = (0..4).map(|_| self.dice.pick(&self.tree.paths).clone()).collect();
                add(&["--files-from".into(), self.list(list.join("\n"))]);
            }
            _ => {}
        }
    }

    fn filter(&mut self, options: &mut Vec<String>) {
        let filters = ["literal", "literal", "regexp", "globbing", "ignorecase", "ignorecase", "strictcase"];
        let filter = *self.dice.pick(&filters);
        self.mode = match filter {
            "literal" => Mode::Literal,
            "regexp" => Mode::Regexp,
            "globbing" => Mode::Glob,
            _ => self.mode,
        };
        options.push(format!("--filter-{filter}"));
    }

    /// Its name on the command line.
    fn list(&mut self, text: String) -> String {
        self.lists.push(text);
        self.list_path(self.lists.len() - 1)
    }

    fn list_path(&self, number: usize) -> String {
        format!("{}/list-{number}", self.tree.root.parent().unwrap().display())
    }

    fn filelist(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.dice.below(4) {
            let pattern = self.pattern(self.mode);
            let line = match self.dice.below(8) {
                0 => format!("+ {pattern}"),
                1 => format!("- {pattern}"),
                2 => format!("  {pattern}\t"),
                3 => format!("- '{pattern}'"),
                4 => format!("\"{pattern}\""),
                5 => format!("# {pattern}\n\n{pattern}"),
                _ => pattern,
            };
            text += &line;
            text.push('\n');
        }
        text
    }

    fn pattern(&mut self, mode: Mode) -> String {
        match mode {
            Mode::Glob => self.glob(),
            Mode::Literal => {
                let end = if self.dice.percent(15) { "/" } else { "" };
                let path = self.some_path();
                format!("{}{path}{end}", self.base)
            }
            Mode::Regexp => self.regexp(),
        }
    }

    /// Of the tree, or one of a folder on the way.
    fn some_path(&mut self) -> String {
        let path = self.dice.pick(&self.tree.paths);
        let components: Vec<_> = path.split('/').collect();
        let length = 1 + self.dice.below(components.len());
        components[..length].join("/")
    }

    fn glob(&mut self) -> String {
        let path = self.some_path();
        let mut components: Vec<String> = path.split('/').map(str::to_owned).collect();
        for component in &mut components {
            let first = component.chars().next().unwrap_or('a');
            match self.dice.below(24) {
                0 => *component = "*".into(),
                1 => *component = "**".into(),
                2 => *component = "?".repeat(component.chars().count()),
                3 => *component = format!("{first}*"),
                4 => *component = format!("[!{first}]*"),
                5 => *component = format!("[{first}z-]*"),
                6 => *component = component.to_uppercase(),
                7 => *component = format!("*{}", &component[first.len_utf8()..]),
                8 => *component = "[^a-c]*".into(),
                _ => {}
            }
        }
        let joined = components.join("/");
        let base = &self.base;
        match self.dice.below(40) {
            0..2 => format!("**{}", components.last().unwrap()),
            2..4 => format!("**/{}", components.last().unwrap()),
            4..6 => format!("ignorecase:{base}{}", joined.to_uppercase()),
            6..10 => format!("{base}{joined}/"),
            10..12 => format!("{base}{joined}/**"),
            12..14 => format!("{base}**{joined}"),
            14 => format!("/nowhere/{joined}"),
            15 => format!("{base}{joined}//a"),
            _ => format!("{base}{joined}"),
        }
    }

    fn regexp(&mut self) -> String {
        let escaped = regex::escape(&self.some_path());
        let base = &self.base;
        match self.dice.below(12) {
            0 => r"\.(txt|log)$".into(),
            1 => r"(?i)\.TXT\Z".into(),
            2 => "[[]x".into(),
            3 => format!("^{base}[ab]$"),
            4 => format!("/{escaped}"),
            5 => "/a{1,2}b?(/|$)".into(),
            6 => "b+/[^/]*$".into(),
            7 => r"\bx{2}\b".into(),
            8 => "(".into(),
            9 => "\u{e9}|#".into(),
            _ => format!("^{base}{escaped}"),
        }
    }
}
