//! ssh's configuration: what `~/.ssh/config`, `/etc/ssh/ssh_config` and `--ssh-options` say about one server.
//!
//! For each keyword the first value counts, as in ssh. Blocks with conditions that need a program to be run, and
//! keywords about other things than reaching the server, are passed over.

use std::fs;
use std::path::{Path, PathBuf};

use super::address::{Address, host_and_port};
use super::options::{SshOptions, setting, words};
use crate::folders;

/// Files that include each other go no deeper.
const DEPTH: usize = 16;

/// What to do about a server that is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Strangers {
    #[default]
    Refuse,
    /// Remember the key, and refuse any other from then on. Also what `StrictHostKeyChecking no` means here: a key
    /// that has changed is never accepted.
    Accept,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Server {
    /// As in the address.
    pub(super) alias: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// The name under which the key is known, where it is not the host's.
    pub(super) key_alias: Option<String>,
    /// Private keys, the first to try first.
    pub(super) identities: Vec<PathBuf>,
    /// Only those, whatever else the agent has.
    pub(super) identities_only: bool,
    /// The socket of the agent.
    pub(super) agent: Option<PathBuf>,
    /// The first is the one that is written to.
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) strangers: Strangers,
    pub(super) way: Way,
    pub(super) with_keys: bool,
    pub(super) with_password: bool,
    pub(super) with_questions: bool,
}

/// How to get to the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Directly,
    /// Over these servers, the nearest first: `[user@]host[:port]` each.
    Jumps(Vec<String>),
    /// Standard input and output of a command for a shell.
    Command(String),
}

impl Server {
    pub(super) fn new(address: &Address, options: &SshOptions) -> Self {
        let user = address.user.clone();
        Self::find(&address.host, user, address.port, options)
    }

    /// `jump`: `[user@]host[:port]`. What was said about the server itself does not concern those on the way.
    pub(super) fn on_the_way(jump: &str, options: &SshOptions) -> Option<Self> {
        let jump = jump.strip_prefix("ssh://").unwrap_or(jump);
        let (user, server) = match jump.rsplit_once('@') {
            Some((user, server)) => (Some(user.to_owned()), server),
            None => (None, jump),
        };
        let (host, port) = host_and_port(server.as_bytes())?;
        let files_only = SshOptions { config: options.config.clone(), ..SshOptions::default() };
        let mut server = Self::find(&host, user, port, &files_only);
        // Otherwise a server on the way could lead over itself.
        server.way = Way::Directly;
        Some(server)
    }

    fn find(alias: &str, user: Option<String>, port: Option<u16>, options: &SshOptions) -> Self {
        let mut found = Found { alias: alias.into(), user: user.clone(), ..Found::default() };
        for (keyword, value) in &options.said {
            found.say(keyword, value);
        }
        let home = folders::home().unwrap_or_default();
        match &options.config {
            Some(file) => found.read(file, &home.join(".ssh"), 0),
            None => {
                found.read(&home.join(".ssh/config"), &home.join(".ssh"), 0);
                found.read(Path::new("/etc/ssh/ssh_config"), Path::new("/etc/ssh"), 0);
            }
        }
        found.settle(user, port, &home)
    }
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    alias: String,
    user: Option<String>,
    said: Vec<(String, String)>,
}

impl Found {
    fn say(&mut self, keyword: &str, value: &str) {
        self.said.push((keyword.into(), value.into()));
    }

    fn first(&self, keyword: &str) -> Option<&str> {
        let mut all = self.said.iter().filter(|(said, _)| said == keyword);
        all.next().map(|(_, value)| value.as_str())
    }

    fn is_no(&self, keyword: &str) -> bool {
        self.first(keyword).is_some_and(|value| value.eq_ignore_ascii_case("no"))
    }

    /// A file that cannot be read says nothing. `base`: what relative paths of included files begin in.
    fn read(&mut self, file: &Path, base: &Path, depth: usize) {
        let Ok(text) = fs::read(file) else { return };
        let mut applies = true;
        for line in String::from_utf8_lossy(&text).lines() {
            if line.trim_start().starts_with('#') {
                continue;
            }
            let Some((keyword, value)) = setting(line) else { continue };
            match keyword.as_str() {
                "host" => applies = patterns_match(&arguments(&value), &self.alias),
                "match" => applies = self.is_matched(&arguments(&value)),
                "include" if applies && depth < DEPTH => {
                    for path in arguments(&value).iter().flat_map(|path| included(path, base)) {
                        self.read(&path, base, depth + 1);
                    }
                }
                _ if applies => self.say(&keyword, &value),
                _ => {}
            }
        }
    }

    /// The conditions of a `Match` block. Those that are not understood do not hold.
    fn is_matched(&self, conditions: &[String]) -> bool {
        let mut conditions = conditions.iter();
        while let Some(condition) = conditions.next() {
            if condition.eq_ignore_ascii_case("all") {
                continue;
            }
            let Some(patterns) = conditions.next() else { return false };
            let patterns: Vec<_> = patterns.split(',').map(str::to_owned).collect();
            let text = match condition.to_lowercase().as_str() {
                "host" => self.first("hostname").unwrap_or(&self.alias),
                "originalhost" => &self.alias,
                "user" => self.user.as_deref().or_else(|| self.first("user")).unwrap_or_default(),
                "localuser" => &local_user(),
                _ => return false,
            };
            if !patterns_match(&patterns, text) {
                return false;
            }
        }
        true
    }

    fn settle(self, user: Option<String>, port: Option<u16>, home: &Path) -> Server {
        let user = user.or_else(|| self.argument("user")).unwrap_or_else(local_user);
        let port = port.or_else(|| self.first("port")?.parse().ok()).unwrap_or(super::PORT);
        let host = self.argument("hostname").map(|name| name.replace("%h", &self.alias));
        let host = host.unwrap_or_else(|| self.alias.clone());
        let expand = |text: &str| expand(text, home, &self.alias, &host, port, &user);
        let path = |text: &String| PathBuf::from(expand(text));
        let named: Vec<_> = self.said.iter().filter(|(said, _)| said == "identityfile").collect();
        let identities = match named.is_empty() {
            true => ["id_rsa", "id_ecdsa", "id_ed25519"].map(|name| home.join(".ssh").join(name)).into(),
            false => named.iter().flat_map(|(_, value)| arguments(value)).map(|value| path(&value)).collect(),
        };
        let files = |keyword, usual: Vec<PathBuf>| match self.first(keyword) {
            Some("none") => Vec::new(),
            Some(value) => arguments(value).iter().map(path).collect(),
            None => usual,
        };
        let mut known_hosts =
            files("userknownhostsfile", vec![home.join(".ssh/known_hosts"), home.join(".ssh/known_hosts2")]);
        known_hosts.extend(files("globalknownhostsfile", vec!["/etc/ssh/ssh_known_hosts".into()]));
        let agent = match self.argument("identityagent").as_deref() {
            Some("none") => None,
            None | Some("SSH_AUTH_SOCK") => std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
            Some(value) => Some(expand(value).into()),
        };
        let strangers = match self.first("stricthostkeychecking").map(str::to_lowercase).as_deref() {
            Some("accept-new" | "no" | "off") => Strangers::Accept,
            _ => Strangers::Refuse,
        };
        Server {
            way: self.way(expand),
            key_alias: self.argument("hostkeyalias"),
            identities,
            identities_only: self.first("identitiesonly").is_some_and(|v| v.eq_ignore_ascii_case("yes")),
            agent,
            known_hosts,
            strangers,
            with_keys: !self.is_no("pubkeyauthentication"),
            with_password: !self.is_no("passwordauthentication"),
            with_questions: !self.is_no("kbdinteractiveauthentication")
                && !self.is_no("challengeresponseauthentication"),
            alias: self.alias,
            host,
            port,
            user,
        }
    }

    /// Whichever of the two is said first.
    fn way(&self, expand: impl Fn(&str) -> String) -> Way {
        let is_way = |said: &str| said == "proxyjump" || said == "proxycommand";
        match self.said.iter().find(|(said, _)| is_way(said)) {
            None => Way::Directly,
            Some((_, value)) if value.eq_ignore_ascii_case("none") => Way::Directly,
            Some((said, value)) if said == "proxyjump" => {
                Way::Jumps(value.split(',').map(|jump| jump.trim().to_owned()).collect())
            }
            Some((_, value)) => Way::Command(expand(value)),
        }
    }

    /// The first value, without quotes.
    fn argument(&self, keyword: &str) -> Option<String> {
        arguments(self.first(keyword)?).into_iter().next()
    }
}

/// A value whose quotes have no end is taken as it stands.
fn arguments(value: &str) -> Vec<String> {
    words(value).unwrap_or_else(|| vec![value.to_owned()])
}

/// `~/` and the tokens that begin with a percent sign.
fn expand(text: &str, home: &Path, alias: &str, host: &str, port: u16, user: &str) -> String {
    let text = match text.strip_prefix("~/") {
        Some(rest) => home.join(rest).to_string_lossy().into_owned(),
        None => text.to_owned(),
    };
    let mut expanded = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match (character, rest.clone().next()) {
            ('%', Some(token)) => {
                rest.next();
                match token {
                    'h' => expanded += host,
                    'n' => expanded += alias,
                    'p' => expanded += &port.to_string(),
                    'r' => expanded += user,
                    'u' => expanded += &local_user(),
                    'd' => expanded += &home.to_string_lossy(),
                    '%' => expanded.push('%'),
                    other => expanded.extend(['%', other]),
                }
            }
            _ => expanded.push(character),
        }
    }
    expanded
}

fn local_user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    user.map(|user| user.name).unwrap_or_default()
}

/// Files that a pattern in the last part of a path names, in the order of their names.
fn included(path: &str, base: &Path) -> Vec<PathBuf> {
    let path = match path.strip_prefix("~/") {
        Some(rest) => folders::home().unwrap_or_default().join(rest),
        None => base.join(path),
    };
    let (Some(folder), Some(pattern)) = (path.parent(), path.file_name()) else { return Vec::new() };
    let pattern = pattern.to_string_lossy();
    if !pattern.contains(['*', '?']) {
        return vec![path];
    }
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let mut matching: Vec<_> = names
        .filter(|name| is_like(&pattern, &name.to_string_lossy()))
        .map(|name| folder.join(name))
        .collect();
    matching.sort();
    matching
}

/// At least one pattern matches, and none that begins with an exclamation mark does.
pub(super) fn patterns_match(patterns: &[String], text: &str) -> bool {
    let mut matched = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if is_like(pattern, text) => return false,
            Some(_) => {}
            None => matched |= is_like(pattern, text),
        }
    }
    matched
}

/// `*` stands for anything, `?` for one character; case does not matter.
fn is_like(pattern: &str, text: &str) -> bool {
    fn is_like(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| is_like(rest, &text[skipped..])),
            (['?', pattern @ ..], [_, text @ ..]) => is_like(pattern, text),
            ([one, pattern @ ..], [other, text @ ..]) => one == other && is_like(pattern, text),
            _ => false,
        }
    }
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    is_like(&lower(pattern), &lower(text))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
