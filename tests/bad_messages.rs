//! Encrypted files that were altered, cut, exchanged or made to do harm: each is refused with the right code, and
//! nothing false ever gets a name among a person's files.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code)]
mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod sets;
}

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::backup::PASSWORD;
use support::bytes::{bytes, next};
use support::cli::{Outcome, Repository, ours, scratch};
use support::sets::file_names;
use tempfile::TempDir;

const DAMAGED: i32 = 21;
/// At its very beginning damage looks like a wrong password, or like a form that is not known.
const DAMAGED_AT_THE_BEGINNING: &[i32] = &[DAMAGED, 31, 33];
const BEGINNING: usize = 64;
/// Memory that a restore of these small backups may need, in KiB.
const ENOUGH: u64 = 300 << 10;

/// A repository with a password, and the folder that it is of.
struct Backed {
    repository: Repository,
    source: TempDir,
    /// For whatever a test needs besides.
    other: TempDir,
}

impl Backed {
    fn up() -> Self {
        let backed =
            Self { repository: Repository::new(Some(PASSWORD)), source: scratch(), other: scratch() };
        fs::write(backed.source.path().join("letter"), b"Dear Sir").unwrap();
        fs::write(backed.source.path().join("photo"), bytes(1, 700_000)).unwrap();
        fs::write(backed.source.path().join("video"), bytes(2, 900_000)).unwrap();
        backed.again("full");
        backed
    }

    fn again(&self, action: &str) {
        self.repository.backup(&ours(), action, self.source.path()).expect(0);
    }

    /// The stored files with `part` in their names, in order.
    fn stored(&self, part: &str) -> Vec<PathBuf> {
        let names = file_names(&self.repository.place());
        let names = names.iter().filter(|name| name.contains(part));
        names.map(|name| self.repository.place().join(name)).collect()
    }

    /// Restores what there is, with nothing known before.
    fn restore(&self) -> Outcome {
        let target = scratch();
        let outcome = self.repository.restore(&ours(), scratch().path(), "now", target.path());
        self.expect_nothing_false(target.path());
        outcome
    }

    /// What has a name in `target` is what was saved; there may be less.
    fn expect_nothing_false(&self, target: &Path) {
        for entry in fs::read_dir(target).into_iter().flatten() {
            let entry = entry.unwrap();
            let saved = fs::read(self.source.path().join(entry.file_name()));
            assert!(saved.is_ok_and(|saved| fs::read(entry.path()).unwrap() == saved), "{entry:?}");
        }
    }

    /// Restores with `change` made to a stored file, which is as before afterwards.
    fn restore_with(&self, file: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Outcome {
        let whole = fs::read(file).unwrap();
        let mut changed = whole.clone();
        change(&mut changed);
        fs::write(file, changed).unwrap();
        let outcome = self.restore();
        fs::write(file, whole).unwrap();
        outcome
    }

    fn gpg(&self, options: &[&str], input: &[u8]) -> Vec<u8> {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(self.other.path()).args(["--batch", "--quiet", "--no-tty"]);
        gpg.args(["--pinentry-mode", "loopback", "--passphrase", PASSWORD]).args(options);
        let mut child = gpg.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input).unwrap());
            child.wait_with_output().unwrap()
        });
        assert!(output.status.success());
        output.stdout
    }
}

/// Where the headers of our messages' packets are, and the lengths of their parts.
fn headers(message: &[u8]) -> Vec<usize> {
    let mut places: Vec<_> = (0..17).collect();
    let mut place = 16;
    while let Some(length @ 0xE0..=0xFE) = message.get(place) {
        place += 1 + (1 << (length & 0x1F));
        places.push(place);
    }
    places
}

#[test]
fn a_bit_that_is_flipped_anywhere_is_noticed() {
    let backed = Backed::up();
    // Of a volume the hash decides, wherever it is: the parts' lengths stand for all headers.
    for (part, from, some) in [(".vol1.", 15, 6), (".manifest.", 0, 12)] {
        let file = &backed.stored(part)[0];
        let message = fs::read(file).unwrap();
        let mut state = 6;
        let sample = (0..some).map(|_| next(&mut state) as usize % message.len());
        let mut places: Vec<_> = headers(&message).into_iter().skip(from).chain(sample).collect();
        places.push(message.len() - 1);
        for place in places {
            let bit = next(&mut state) % 8;
            let outcome = backed.restore_with(file, |message| message[place] ^= 1 << bit);
            let expected: &[i32] = match place < BEGINNING && part == ".manifest." {
                true => DAMAGED_AT_THE_BEGINNING,
                false => &[DAMAGED],
            };
            assert!(expected.contains(&outcome.code), "{part} octet {place}, bit {bit}: {outcome}");
        }
    }
    backed.restore().expect(0);
}

#[test]
fn a_message_that_is_cut_is_refused() {
    let backed = Backed::up();
    for part in [".vol1.", ".manifest."] {
        let file = &backed.stored(part)[0];
        let length = fs::metadata(file).unwrap().len() as usize;
        for left in [0, 1, 15, 16, 17, 40, length / 2, length - 22, length - 1] {
            let outcome = backed.restore_with(file, |message| message.truncate(left));
            let expected: &[i32] =
                if left < BEGINNING && part == ".manifest." { DAMAGED_AT_THE_BEGINNING } else { &[DAMAGED] };
            assert!(expected.contains(&outcome.code), "{part}, {left} octets: {outcome}");
        }
    }
}

#[test]
fn a_message_whose_integrity_check_was_taken_away_is_refused() {
    let backed = Backed::up();
    let manifest = &backed.stored(".manifest.")[0];
    let end = |message: &mut Vec<u8>| {
        // A small one: its only part has two octets of length.
        let data = 16 + if message[16] < 192 { 1 } else { 2 };
        assert!(message[15] == 0xD2 && message[16] < 224 && message[data] == 1);
        data
    };
    let as_if_never_there = backed.restore_with(manifest, |message| {
        let data = end(message);
        message.remove(data);
        let length = (message.len() - data) as u32;
        drop(message.splice(15..data, [&[0xC9, 0xFF][..], &length.to_be_bytes()].concat()));
    });
    assert!(DAMAGED_AT_THE_BEGINNING.contains(&as_if_never_there.code), "{as_if_never_there}");
    let cut_off = backed.restore_with(manifest, |message| {
        let data = end(message);
        message.truncate(message.len() - 22);
        let length = (message.len() - data) as u32;
        drop(message.splice(16..data, [&[0xFF][..], &length.to_be_bytes()].concat()));
    });
    cut_off.expect(DAMAGED);
}

#[test]
fn files_of_another_set_are_refused() {
    let backed = Backed::up();
    fs::write(backed.source.path().join("letter"), b"Dear Madam").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    backed.again("full");
    for part in [".vol1.", ".vol2.", ".manifest."] {
        let files = backed.stored(part);
        let [older, newer] = files.as_slice() else { panic!("two sets") };
        let older = fs::read(older).unwrap();
        assert_eq!(backed.restore_with(newer, |message| *message = older).code, DAMAGED, "{part}");
    }
    backed.restore().expect(0);
}

/// A literal packet, binary and without a name.
fn literal(data: &[u8]) -> Vec<u8> {
    let length = (6 + data.len()) as u32;
    [&[0xCB, 0xFF], &length.to_be_bytes()[..], b"b\0\0\0\0\0", data].concat()
}

/// Programs differ in which of the two they take for the content.
#[test]
fn a_message_with_two_contents_is_refused() {
    let backed = Backed::up();
    let (manifest, volume) = (&backed.stored(".manifest.")[0], &backed.stored(".vol1.")[0]);
    let plain = |file: &Path| backed.gpg(&["--decrypt"], &fs::read(file).unwrap());
    // Encrypts packets as they are.
    let seal =
        |packets: &[u8]| backed.gpg(&["--compress-algo", "none", "--no-literal", "--symmetric"], packets);
    let (text, content) = (plain(manifest), plain(volume));

    let one = seal(&literal(&text));
    backed.restore_with(manifest, |message| *message = one).expect(0);
    let two = seal(&[literal(&text), literal(&text)].concat());
    backed.restore_with(manifest, |message| *message = two).expect(DAMAGED);

    // The volume is what its manifest says: somebody has the password.
    for (contents, code) in [(1, 0), (2, DAMAGED)] {
        let swapped = seal(&literal(&content).repeat(contents));
        let text = with_hash_of_first_volume(std::str::from_utf8(&text).unwrap(), &swapped);
        let its_manifest = backed.gpg(&["--symmetric"], text.as_bytes());
        let whole = fs::read(volume).unwrap();
        fs::write(volume, swapped).unwrap();
        let outcome = backed.restore_with(manifest, |message| *message = its_manifest);
        fs::write(volume, whole).unwrap();
        assert_eq!(outcome.code, code, "{contents}: {outcome}");
    }
}

/// How the call ended, and the most memory that it had, in KiB.
fn measured(command: &Command) -> (Outcome, u64) {
    const SCRIPT: &str = "import resource,subprocess,sys\n\
        code=subprocess.call(sys.argv[2:])\n\
        open(sys.argv[1],'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n\
        sys.exit(code)";
    let peak = scratch();
    let file = peak.path().join("peak");
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT]).arg(&file).arg(command.get_program()).args(command.get_args());
    python.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let outcome = Outcome::of(python);
    let peak = fs::read_to_string(file).unwrap().parse().unwrap();
    (outcome, peak)
}

#[test]
fn what_swells_without_measure_fills_neither_memory_nor_disk() {
    let backed = Backed::up();
    let zeros = vec![0; 400 << 20];
    let bomb = backed.gpg(&["--compress-algo", "bzip2", "--symmetric"], &zeros);
    assert!(bomb.len() < 10_000, "{} octets", bomb.len());
    let (cache, target) = (scratch(), scratch());
    let call = |words: &[&str]| {
        let mut command = backed.repository.command(&ours(), cache.path());
        command.args(words.iter().map(|word| match *word {
            "URL" => backed.repository.url(),
            "OUT" => target.path().join("out").into(),
            word => word.into(),
        }));
        measured(&command)
    };

    let manifest = &backed.stored(".manifest.")[0];
    let honest = fs::read(manifest).unwrap();
    fs::write(manifest, &bomb).unwrap();
    let (outcome, peak) = call(&["restore", "URL", "OUT"]);
    assert!(outcome.code == DAMAGED && outcome.stderr.contains("too large"), "{outcome}");
    assert!(peak < ENOUGH, "{peak} KiB");

    // The volume is what its manifest says: somebody has the password. After its end there are zeros.
    let volume = &backed.stored(".vol1.")[0];
    let plain = backed.gpg(&["--decrypt"], &fs::read(volume).unwrap());
    let swelling = backed.gpg(&["--compress-algo", "bzip2", "--symmetric"], &[plain, zeros].concat());
    let text = backed.gpg(&["--decrypt"], &honest);
    let text = with_hash_of_first_volume(&String::from_utf8(text).unwrap(), &swelling);
    fs::write(manifest, backed.gpg(&["--symmetric"], text.as_bytes())).unwrap();
    fs::write(volume, swelling).unwrap();
    let (outcome, peak) = call(&["restore", "URL", "OUT"]);
    assert!([0, DAMAGED].contains(&outcome.code), "{outcome}");
    assert!(peak < ENOUGH, "{peak} KiB");
    backed.expect_nothing_false(&target.path().join("out"));

    fs::write(&backed.stored(".sigtar.")[0], &bomb).unwrap();
    let (_, peak) = call(&["list-current-files", "URL"]);
    assert!(peak < ENOUGH, "{peak} KiB");
    let kept: u64 = walk(cache.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(kept < 20 << 20, "{kept} bytes in the cache");
}

/// The manifest with other hashes of volume 1: those of `stored`.
fn with_hash_of_first_volume(text: &str, stored: &[u8]) -> String {
    use sha1::{Digest, Sha1};
    let hex = |digest: &[u8]| digest.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let (sha1, sha256) = (hex(&Sha1::digest(stored)[..]), hex(&sha2::Sha256::digest(stored)[..]));
    let mut in_first = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("Volume ") {
            in_first = line == "Volume 1:";
        }
        lines.push(match line.trim_start() {
            hash if in_first && hash.starts_with("Hash SHA1 ") => format!("    Hash SHA1 {sha1}"),
            other if in_first && other.to_lowercase().contains("sha256") => {
                let (before, _) = line.rsplit_once(' ').unwrap();
                format!("{before} {sha256}")
            }
            _ => line.to_string(),
        });
    }
    lines.join("\n") + "\n"
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

/// As programs of long ago wrote it: no integrity check, and a cipher that begins anew after the prefix.
fn seal_unprotected(data: &[u8]) -> Vec<u8> {
    use aes::Aes256;
    use aes::cipher::KeyIvInit;
    use sha2::{Digest, Sha256};

    let salt = *b"saltsalt";
    let key = Sha256::digest([&salt[..], PASSWORD.as_bytes()].concat());
    let encryptor = |iv: &[u8]| cfb_mode::Encryptor::<Aes256>::new_from_slices(&key[..], iv).unwrap();
    let mut encrypted = [7; 18];
    encryptor(&[0; 16]).encrypt(&mut encrypted);
    let length = |length: usize| (length as u32).to_be_bytes();
    let mut plain = [&[0xCB, 0xFF], &length(6 + data.len())[..], b"b\0\0\0\0\0", data].concat();
    encryptor(&encrypted[2..]).encrypt(&mut plain);
    let password = [&[0xC3, 12, 4, 9, 1, 8][..], &salt].concat();
    let header = [&[0xC9, 0xFF][..], &length(encrypted.len() + plain.len())].concat();
    [&password[..], &header, &encrypted, &plain].concat()
}

#[test]
fn backups_from_before_there_was_an_integrity_check_are_restored_with_a_warning() {
    let backed = Backed::up();
    let (manifest, volume) = (&backed.stored(".manifest.")[0], &backed.stored(".vol1.")[0]);
    let plain = |file: &Path| backed.gpg(&["--decrypt"], &fs::read(file).unwrap());
    let old = seal_unprotected(&plain(volume));
    fs::write(volume, &old).unwrap();
    let text = with_hash_of_first_volume(&String::from_utf8(plain(manifest)).unwrap(), &old);
    let protected = backed.gpg(&["--symmetric"], text.as_bytes());
    fs::write(manifest, protected).unwrap();
    let proven = backed.restore().expect(0);
    assert!(!proven.stderr.contains("old way"), "the manifest proves the volume: {proven}");

    fs::write(manifest, seal_unprotected(text.as_bytes())).unwrap();
    let warned = backed.restore().expect(0);
    assert!(warned.stderr.contains("encrypted in an old way"), "{warned}");

    let cache = scratch();
    let mut without_gpg = backed.repository.command(&ours(), cache.path());
    without_gpg
        .args(["restore", "--gpg-binary", "/nowhere/gpg"])
        .arg(backed.repository.url())
        .arg(backed.other.path().join("out"));
    let refused = Outcome::of(without_gpg).expect(33);
    assert!(refused.stderr.contains("only GnuPG reads this form"), "{refused}");
}
