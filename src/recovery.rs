//! The recovery sheet: how somebody gets the files of a plan back who has nothing but the place and this paper. Words
//! and commands; how they are drawn is the app's business. There is no password on it.

use std::path::{Path, PathBuf};

use crate::i18n::{gettext, gettext_f};
use crate::settings::{PlaceKind, Plan, PlanKey, PlanKeys, Protection};

/// What stands on the paper, from top to bottom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    Title(String),
    Heading(String),
    Text(String),
    Fact {
        name: String,
        value: String,
    },
    /// To be typed into a terminal, line by line.
    Commands(Vec<String>),
    /// Room to write something down.
    Empty {
        name: String,
    },
}

/// `made`: today, in the person's language.
pub fn sheet(plan: &Plan, made: &str) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(gettext("Recovery Sheet")),
        Block::Text(gettext_f(
            "How to get the files of the backup plan “{plan}” back. Keep this paper apart from the computer and from the backups.",
            &[("plan", &plan.name)],
        )),
        Block::Heading(gettext("What, and Where")),
    ];
    blocks.extend(facts(plan, made));
    blocks.push(Block::Heading(gettext("Protection")));
    blocks.extend(protection(plan));
    blocks.extend(with_hindsight(plan));
    let place = folder(plan);
    blocks.extend(with_duplicity(plan, &place));
    blocks.extend(with_tar(plan, &place));
    blocks
}

fn fact(name: String, value: impl Into<String>) -> Block {
    Block::Fact { name, value: value.into() }
}

fn facts(plan: &Plan, made: &str) -> Vec<Block> {
    let saved = plan.folders.iter().map(|folder| folder.path.display().to_string());
    let saved = saved.collect::<Vec<_>>().join(", ");
    let mut facts = vec![
        fact(gettext("Computer"), computer()),
        fact(gettext("User"), user()),
        fact(gettext("Saved folders"), saved),
        fact(gettext("Place"), plan.place.label.as_str()),
    ];
    if let PlaceKind::Drive { uuid, .. } = &plan.place.kind {
        facts.push(fact(gettext("Drive"), uuid.as_str()));
    }
    facts.push(fact(gettext("Folder"), folder(plan).display().to_string()));
    facts.push(fact(gettext("Made on"), made));
    facts
}

fn computer() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn user() -> String {
    let id = nix::unistd::geteuid();
    let user = nix::unistd::User::from_uid(id).ok().flatten();
    user.map_or_else(|| id.to_string(), |user| user.name)
}

/// Where the backups are now, or are to be expected once the drive is connected.
fn folder(plan: &Plan) -> PathBuf {
    let today = plan.place.spec().ok().and_then(|spec| spec.folder().map(Path::to_path_buf));
    today.unwrap_or_else(|| match &plan.place.kind {
        PlaceKind::Drive { folder, .. } => {
            Path::new("/media").join(user()).join(&plan.place.label).join(folder)
        }
        PlaceKind::Folder { path } => path.clone(),
        PlaceKind::Address { url } => PathBuf::from(url),
    })
}

fn protection(plan: &Plan) -> Vec<Block> {
    let mut blocks = match &plan.protection {
        Protection::None => {
            vec![Block::Text(gettext("The backups are not encrypted: whoever has the place can read them."))]
        }
        Protection::Password => vec![
            Block::Text(gettext(
                "The backups are encrypted with a password. Without it nobody can read them. If you write it here, keep this paper as you would keep a key.",
            )),
            Block::Empty { name: gettext("Password") },
        ],
        Protection::Keys(keys) => for_keys(keys),
    };
    blocks
        .extend(plan.key_file.iter().map(|file| fact(gettext("Secret keys in"), file.display().to_string())));
    if plan.older_passwords {
        blocks.push(Block::Text(gettext("Earlier backups have another password:")));
        blocks.push(Block::Empty { name: gettext("Earlier password") });
    }
    blocks
}

fn for_keys(PlanKeys { recipients, signer }: &PlanKeys) -> Vec<Block> {
    let named = |key: &PlanKey| format!("{} — {}", key.label, grouped(&key.fingerprint));
    let text = gettext(
        "The backups are encrypted for keys of GnuPG. One of these secret keys, with its passphrase, is needed to read them: keep a copy of it, made by gpg --export-secret-keys, where the backups are not.",
    );
    let recipients = recipients.iter().map(|key| fact(gettext("Key"), named(key)));
    let signer = signer.iter().map(|key| fact(gettext("Signed by"), named(key)));
    std::iter::once(Block::Text(text)).chain(recipients).chain(signer).collect()
}

/// The digits in groups of four.
fn grouped(fingerprint: &str) -> String {
    let digits: Vec<_> = fingerprint.chars().collect();
    digits.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

fn with_hindsight(plan: &Plan) -> Vec<Block> {
    let steps = gettext_f(
        "Install Hindsight, connect “{place}”, and choose “Restore From a Backup”. Choose the place, and any date.",
        &[("place", &plan.place.label)],
    );
    vec![
        Block::Heading(gettext("With Hindsight")),
        Block::Text(format!("{steps} {}", env!("CARGO_PKG_REPOSITORY"))),
    ]
}

fn with_duplicity(plan: &Plan, place: &Path) -> Vec<Block> {
    let open = if plan.protection.encrypts() || plan.older_passwords { "" } else { "--no-encryption " };
    let url = quoted(&format!("file://{}", place.display()));
    vec![
        Block::Heading(gettext("With duplicity")),
        Block::Text(gettext(
            "duplicity (duplicity.gitlab.io) reads these backups too. Files come back below the folder “restored”. If the drive appears in another folder, put that in its place.",
        )),
        Block::Commands(vec![format!("duplicity restore {open}{url} \"$HOME/restored\"")]),
    ]
}

/// Increments need a program that knows rdiff's deltas; a full backup is plain files.
fn with_tar(plan: &Plan, place: &Path) -> Vec<Block> {
    let (manifest, volume, open) = match plan.protection.encrypts() {
        true => ("manifest.gpg", "difftar.gpg", "gpg --decrypt"),
        false => ("manifest", "difftar.gz", "gzip --decompress --stdout"),
    };
    let unpack = [
        format!("cd {}", quoted(&place.display().to_string())),
        format!("full=$(ls duplicity-full.*.{manifest} | tail -n 1)"),
        "mkdir -p \"$HOME/restored\"".into(),
        format!("for volume in \"${{full%{manifest}}}\"vol*.{volume}; do"),
        format!("  {open} \"$volume\" | tar -xi -C \"$HOME/restored\""),
        "done".into(),
    ];
    let join = [
        "cd \"$HOME/restored/multivol_snapshot\"",
        "find . -type f -name 1 -printf '%h\\n' | while IFS= read -r file; do",
        "  mkdir -p \"../snapshot/${file%/*}\"",
        "  (cd \"$file\" && ls | sort -n | xargs cat) >\"../snapshot/$file\"",
        "done",
    ];
    vec![
        Block::Heading(gettext("With Nothing but gpg and tar")),
        Block::Text(gettext(
            "This brings back the newest full backup, below “restored/snapshot”. What was saved after it needs one of the two programs above.",
        )),
        Block::Commands(unpack.into()),
        Block::Text(gettext("Large files come in parts, which this puts together:")),
        Block::Commands(join.map(String::from).into()),
    ]
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::PlanPlace;

    fn plan() -> Plan {
        let kind = PlaceKind::Folder { path: "/mnt/Ada's Disk".into() };
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: None };
        Plan::for_home("Home", place, Path::new("/usr")).unwrap()
    }

    fn text(plan: &Plan) -> String {
        format!("{:?}", sheet(plan, "30 November 2026"))
    }

    #[test]
    fn it_says_where_and_how() {
        let text = text(&plan());
        for word in ["Red Disk", "30 November 2026", "/usr", "Password", "gpg --decrypt", "manifest.gpg"] {
            assert!(text.contains(word), "{word} is missing in {text}");
        }
        assert!(!text.contains("--no-encryption") && !text.contains("Earlier password"));
    }

    #[test]
    fn each_protection_has_its_own_words() {
        let open = text(&Plan { protection: Protection::None, ..plan() });
        assert!(open.contains("--no-encryption") && open.contains("gzip") && !open.contains("Empty"));

        let fingerprint = "EBFEC57932F509332F85CB3980A28F318364EE46".into();
        let key = PlanKey { fingerprint, label: "Ada".into() };
        let keys = PlanKeys { recipients: vec![key], signer: None };
        let key_file = Some("/home/ada/keys.asc".into());
        let protection = Protection::Keys(keys);
        let sealed = text(&Plan { protection, key_file, older_passwords: true, ..plan() });
        for words in ["Ada — EBFE C579 32F5", "/home/ada/keys.asc", "Earlier password"] {
            assert!(sealed.contains(words), "{words} is missing in {sealed}");
        }
    }

    #[test]
    fn a_drive_that_is_away_is_looked_for_where_it_will_be() {
        let mut plan = plan();
        plan.place.kind = PlaceKind::Drive { uuid: "1234-ABCD".into(), folder: "backups".into() };
        let text = text(&plan);
        assert!(text.contains("1234-ABCD") && text.contains("/Red Disk/backups"), "{text}");
    }

    #[test]
    fn names_with_quotes_stay_one_word() {
        assert_eq!(quoted("/mnt/Ada's Disk"), "'/mnt/Ada'\\''s Disk'");
    }
}
