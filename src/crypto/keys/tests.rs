//! Keys of every kind, against the gpg on this machine.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;
use crate::crypto::{Ciphertext, Error, MessageWriter, Opener};

const PASSPHRASE: &str = "correct horse";
const KINDS: [(&str, &str); 4] =
    [("rsa2048", "rsa2048"), ("ed25519", "cv25519"), ("nistp256", "nistp256"), ("nistp521", "nistp521")];

/// A GnuPG with a home of its own, in a short path because of the agent's socket.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap())
    }

    fn gpg(&self, arguments: &[&str], input: &[u8]) -> (bool, Vec<u8>, String) {
        let file = self.0.path().join("input");
        std::fs::write(&file, input).unwrap();
        let output = Command::new("gpg")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--batch", "--yes", "--no-tty", "--always-trust", "--pinentry-mode", "loopback"])
            .args(arguments)
            .stdin(std::fs::File::open(file).unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let (done, out, errors) = self.gpg(arguments, input);
        assert!(done, "{arguments:?}: {errors}");
        out
    }

    /// A key that signs with a subkey that encrypts, without a passphrase unless there is one.
    fn key(&self, name: &str, (sign, encrypt): (&str, &str), passphrase: &str) -> String {
        let known = ["--passphrase", passphrase];
        self.run(&[&known[..], &["--quick-generate-key", name, sign, "sign", "never"]].concat(), b"");
        let fingerprint = self.fingerprint(name);
        self.run(&[&known[..], &["--quick-add-key", &fingerprint, encrypt, "encr", "never"]].concat(), b"");
        fingerprint
    }

    fn fingerprint(&self, name: &str) -> String {
        let listing = self.run(&["--with-colons", "--list-keys", name], b"");
        let listing = String::from_utf8(listing).unwrap();
        let line = listing.lines().find(|line| line.starts_with("fpr")).unwrap();
        line.split(':').nth(9).unwrap().to_string()
    }

    fn setup(&self) -> Setup {
        Setup { options: vec!["--homedir".into(), self.0.path().into()], ..Setup::default() }
    }

    fn keys(&self, recipients: &[&str], signer: Option<&str>) -> Keys {
        let recipients = recipients.iter().map(|id| Recipient { id: (*id).into(), hidden: false }).collect();
        let signer = signer.map(str::to_string);
        Keys { gnupg: Gnupg::new(self.setup()), recipients, signer, ..Keys::default() }
    }

    fn forget_passphrases(&self) {
        self.gpgconf(&["--reload", "gpg-agent"]);
    }

    fn gpgconf(&self, arguments: &[&str]) {
        let home = self.0.path();
        assert!(
            Command::new("gpgconf").arg("--homedir").arg(home).args(arguments).status().unwrap().success()
        );
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.gpgconf(&["--kill", "all"]);
    }
}

fn seal(opener: &Opener, data: &[u8]) -> Vec<u8> {
    let mut writer = MessageWriter::new(Vec::new(), &opener.sealer(None).unwrap()).unwrap();
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn open(opener: &Opener, message: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    opener.open(message, Ciphertext::Unproven)?.read_to_end(&mut out)?;
    Ok(out)
}

fn data() -> Vec<u8> {
    (0..20_000).flat_map(|line: u32| format!("{line} bottles of beer\n").into_bytes()).collect()
}

fn key_error<T>(result: Result<T, Error>) -> KeyError {
    match result {
        Err(Error::Key(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it went well"),
    }
}

#[test]
fn keys_of_every_kind_seal_sign_and_open_both_ways() {
    let home = Home::new();
    let data = data();
    for kind in KINDS {
        let name = format!("{} <{0}@example.org>", kind.0);
        let mail = format!("{}@example.org", kind.0);
        home.key(&name, kind, "");
        let opener = Opener::new(None, home.keys(&[&mail], Some(&mail)));
        let message = seal(&opener, &data);
        assert!(home.run(&["--decrypt"], &message) == data, "{name}: gpg reads ours");
        assert!(open(&opener.demanding_signatures(), &message).unwrap() == data, "{name}: we read ours");

        let (_, _, status) = home.gpg(&["--status-fd", "2", "--decrypt"], &message);
        assert!(status.contains("GOODSIG") && status.contains("DECRYPTION_OKAY"), "{status}");

        let message = home.run(&["--sign", "--local-user", &mail, "--encrypt", "-r", &mail], &data);
        assert!(open(&opener.demanding_signatures(), &message).unwrap() == data, "{name}: we read gpg's");
    }
}

#[test]
fn several_recipients_open_hidden_or_with_a_passphrase() {
    let (ada, bob) = (Home::new(), Home::new());
    ada.key("ada <ada@x>", KINDS[1], "");
    bob.key("bob <bob@x>", KINDS[0], "");
    ada.run(&["--import"], &bob.run(&["--export"], b""));
    let mut keys = ada.keys(&["ada@x", "bob@x"], None);
    let message = seal(&Opener::new(None, keys.clone()), b"to both");
    for home in [&ada, &bob] {
        assert_eq!(home.run(&["--decrypt"], &message), b"to both");
        assert_eq!(open(&Opener::new(None, home.keys(&[], None)), &message).unwrap(), b"to both");
    }

    keys.recipients.iter_mut().for_each(|recipient| recipient.hidden = true);
    let hidden = seal(&Opener::new(None, keys.clone()), b"to somebody");
    assert_eq!(super::super::protection_of(&hidden[..]).unwrap().recipients, [HIDDEN; 2]);
    for home in [&ada, &bob] {
        assert_eq!(home.run(&["--decrypt"], &hidden), b"to somebody");
        assert_eq!(open(&Opener::new(None, home.keys(&[], None)), &hidden).unwrap(), b"to somebody");
    }
    let foreign = ada.run(&["--encrypt", "-R", "bob@x", "-R", "ada@x"], b"from gpg");
    assert_eq!(open(&Opener::new(None, bob.keys(&[], None)), &foreign).unwrap(), b"from gpg");

    keys.passphrase_too = true;
    let stranger = Home::new();
    let passphrase = || Some(Passphrase::new(PASSPHRASE));
    let message = seal(&Opener::new(passphrase(), keys.clone()), b"either way");
    assert_eq!(stranger.run(&["--passphrase", PASSPHRASE, "--decrypt"], &message), b"either way");
    assert_eq!(bob.run(&["--decrypt"], &message), b"either way");
    assert_eq!(open(&Opener::new(passphrase(), stranger.keys(&[], None)), &message).unwrap(), b"either way");
    let wrong = Some(Passphrase::new("that of the key"));
    assert_eq!(open(&Opener::new(wrong, bob.keys(&[], None)), &message).unwrap(), b"either way");
    let error = key_error(open(&Opener::new(None, stranger.keys(&[], None)), &message));
    assert!(matches!(error, KeyError::NoSecretKey { .. }), "{error:?}");
}

#[test]
fn every_form_that_gpg_writes_for_keys_is_read() {
    let home = Home::new();
    home.key("ada", KINDS[1], "");
    let data = data();
    let opener = Opener::new(None, home.keys(&[], Some("ada"))).demanding_signatures();
    for options in [
        &["--compress-algo", "none"][..],
        &["--compress-algo", "bzip2"],
        &["--cipher-algo", "AES"],
        &["--cipher-algo", "TWOFISH"],
        &["--cipher-algo", "3DES"],
        &["--cipher-algo", "BLOWFISH"],
        &["--cipher-algo", "CAMELLIA256", "--compress-algo", "zlib"],
        &["--digest-algo", "SHA256"],
        &["--armor"],
    ] {
        let message = home.run(&[options, &["--sign", "--encrypt", "-r", "ada"]].concat(), &data);
        let read = open(&opener, &message).unwrap_or_else(|error| panic!("{options:?}: {error}"));
        assert!(read == data, "{options:?}");
        let unsigned = home.run(&[options, &["--encrypt", "-r", "ada"]].concat(), &data);
        let error = open(&opener, &unsigned).unwrap_err();
        assert!(matches!(&error, Error::NotSigned { by } if by == "ada"), "{options:?}: {error:?}");
    }
    let message = home.run(&["--sign", "--symmetric", "--passphrase", PASSPHRASE], &data);
    let keys = home.keys(&[], Some("ada"));
    let opener = Opener::new(Some(Passphrase::new(PASSPHRASE)), keys).demanding_signatures();
    assert!(open(&opener, &message).unwrap() == data);
}

#[test]
fn only_the_right_signature_counts() {
    let home = Home::new();
    home.key("ada", KINDS[1], "");
    home.key("eve", KINDS[1], "");
    let by = |name| Opener::new(None, home.keys(&["ada"], name));
    let demanded = by(Some("ada")).demanding_signatures();
    let (good, other, none) =
        (seal(&by(Some("ada")), b"x"), seal(&by(Some("eve")), b"x"), seal(&by(None), b"x"));
    assert!(open(&demanded, &good).is_ok());
    assert!(matches!(open(&demanded, &other), Err(Error::NotSigned { .. })));
    assert!(matches!(open(&demanded, &none), Err(Error::NotSigned { .. })));
    assert!(open(&by(None), &other).is_ok(), "nothing is demanded");
}

#[test]
fn an_octet_altered_anywhere_is_an_error() {
    let home = Home::new();
    home.key("ada", KINDS[1], "");
    let opener = Opener::new(None, home.keys(&["ada"], Some("ada")));
    let message = seal(&opener, b"some text");
    for position in 0..message.len() {
        let mut altered = message.clone();
        altered[position] ^= 1;
        // A hidden or another recipient's packet may still be found to be for us.
        let read = open(&opener.demanding_signatures(), &altered);
        assert!(
            read.is_err() || read.is_ok_and(|text| text == b"some text") && position < 15,
            "octet {position}"
        );
        assert!(open(&opener, &message[..position]).is_err(), "{position} octets");
    }
}

#[test]
fn what_follows_the_content_is_an_error() {
    let home = Home::new();
    home.key("ada", KINDS[1], "");
    let literal = |text: &[u8]| [&[0xCB, 6 + text.len() as u8, b'b', 0, 0, 0, 0, 0], text].concat();
    let keys = home.keys(&["ada"], None);
    let opener = Opener::new(None, keys.clone());
    let seal = |packets: &[u8]| {
        let session_key = SessionKey::from(&[7; 32][..]);
        let mut message = Vec::new();
        keys.addressees().unwrap()[0].wrap(&session_key, &mut message).unwrap();
        let mut writer = crate::crypto::mdc::MdcWriter::new(message, &session_key).unwrap();
        writer.write_all(packets).unwrap();
        writer.finish().unwrap()
    };
    assert_eq!(open(&opener, &seal(&literal(b"one"))).unwrap(), b"one");
    let two = [literal(b"one"), literal(b"two")].concat();
    assert!(matches!(open(&opener, &seal(&two)), Err(Error::Damaged(_))));
    let compressed = [&[0xC8, 1 + two.len() as u8, 0][..], &two].concat();
    assert!(matches!(open(&opener, &seal(&compressed)), Err(Error::Damaged(_))));
    let after = [&[0xC8, 12, 0][..], &literal(b"one"), &literal(b"two")].concat();
    assert!(matches!(open(&opener, &seal(&after)), Err(Error::Damaged(_))));
}

#[test]
fn a_locked_key_fails_at_once_and_a_passphrase_unlocks_it() {
    let home = Home::new();
    for kind in [KINDS[0], KINDS[1]] {
        let fingerprint = home.key(kind.0, kind, PASSPHRASE);
        let message = home.run(&["--encrypt", "-r", &fingerprint], b"secret");
        home.forget_passphrases();
        let with = |passphrase: Option<&str>| {
            let passphrase = passphrase.map(Passphrase::new);
            let setup =
                Setup { passphrase: passphrase.clone(), signing_passphrase: passphrase, ..home.setup() };
            Keys { gnupg: Gnupg::new(setup), ..home.keys(&[&fingerprint], Some(&fingerprint)) }
        };
        let start = std::time::Instant::now();
        let locked = key_error(open(&Opener::new(None, with(None)), &message));
        assert!(matches!(&locked, KeyError::Locked { name } if name == kind.0), "{locked:?}");
        let locked = key_error(Opener::new(None, with(None)).sealer(None));
        assert!(matches!(locked, KeyError::Locked { .. }), "{locked:?}");
        let wrong = key_error(open(&Opener::new(None, with(Some("wrong"))), &message));
        assert!(matches!(wrong, KeyError::PassphraseWrong { .. }), "{wrong:?}");
        assert!(start.elapsed().as_secs() < 10, "nobody was waited for");

        let opener = Opener::new(None, with(Some(PASSPHRASE)));
        assert_eq!(open(&opener, &message).unwrap(), b"secret");
        assert_eq!(open(&opener, &seal(&opener, b"signed")).unwrap(), b"signed");
        assert_eq!(
            open(&Opener::new(None, with(None)), &message).unwrap(),
            b"secret",
            "the agent knows it now"
        );
    }
}

#[test]
fn the_messages_of_one_set_ask_the_agent_once() {
    let home = Home::new();
    home.key("ada", KINDS[1], "");
    let sealer = Opener::new(None, home.keys(&["ada"], None)).sealer(None).unwrap();
    let seal = |data: &[u8]| {
        let mut writer = MessageWriter::new(Vec::new(), &sealer).unwrap();
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    };
    let (one, other) = (seal(b"the same"), seal(b"the same"));
    let head = 2 + usize::from(one[1]);
    assert_eq!(one[..head], other[..head]);
    assert_eq!(one.len(), other.len());
    let alike = (head + 3..one.len()).filter(|&octet| one[octet] == other[octet]).count();
    assert!(alike * 8 < one.len(), "{alike} octets are the same");
    for message in [&one, &other] {
        assert_eq!(home.run(&["--decrypt"], message), b"the same");
    }

    let opener = Opener::new(None, home.keys(&[], None));
    assert_eq!(open(&opener, &one).unwrap(), b"the same");
    let key_file = |from: &str, to: &str| {
        std::fs::rename(home.0.path().join(from), home.0.path().join(to)).unwrap();
    };
    home.gpgconf(&["--kill", "gpg-agent"]);
    key_file("private-keys-v1.d", "away");
    assert_eq!(open(&opener, &other).unwrap(), b"the same");
    key_file("away", "private-keys-v1.d");
}

#[test]
fn an_agent_that_was_ended_is_started_again() {
    let home = Home::new();
    home.key("ada", KINDS[1], "");
    let opener = Opener::new(None, home.keys(&["ada"], None));
    let (one, other) = (seal(&opener, b"one"), seal(&opener, b"other"));
    assert_eq!(open(&opener, &one).unwrap(), b"one");
    home.gpgconf(&["--kill", "gpg-agent"]);
    assert_eq!(open(&opener, &other).unwrap(), b"other");
}

#[test]
fn keys_that_gpg_does_not_take_are_refused_with_the_reason() {
    let home = Home::new();
    home.key("good <good@x>", KINDS[1], "");
    let revoked = home.key("revoked <revoked@x>", KINDS[1], "");
    let certificate = home.0.path().join(format!("openpgp-revocs.d/{revoked}.rev"));
    let certificate = std::fs::read_to_string(certificate).unwrap().replace(":-----", "-----");
    home.run(&["--import"], certificate.as_bytes());
    let past = ["--faked-system-time", "20200101T000000", "--passphrase", ""];
    let generate = |name| ["--quick-generate-key", name, "ed25519", "sign", "1d"];
    home.run(&[&past[..], &generate("expired <expired@x>")].concat(), b"");
    home.run(&["--passphrase", "", "--quick-generate-key", "signs <signs@x>", "ed25519", "sign"], b"");

    let addressees = |ids: &[&str]| home.keys(ids, None).addressees().map(|found| found.len());
    let text = |id: &str| id.to_string();
    assert_eq!(addressees(&["good@x"]), Ok(1));
    assert_eq!(addressees(&["good@x", "nobody@x"]), Err(KeyError::NotFound { id: text("nobody@x") }));
    assert_eq!(addressees(&["good@x", "revoked@x"]), Err(KeyError::Revoked { id: text("revoked@x") }));
    assert_eq!(addressees(&[&revoked]), Err(KeyError::Revoked { id: text(&revoked) }));
    assert_eq!(addressees(&["expired@x"]), Err(KeyError::Expired { id: text("expired@x") }));
    assert_eq!(addressees(&["signs@x"]), Err(KeyError::Unsuitable { id: text("signs@x") }));

    let signs = |id: &str| Signer::new(&home.keys(&[], None).gnupg, id).map(drop);
    assert_eq!(signs("signs@x"), Ok(()));
    assert_eq!(signs("revoked@x"), Err(KeyError::Revoked { id: text("revoked@x") }));
    assert_eq!(signs("nobody@x"), Err(KeyError::NotFound { id: text("nobody@x") }));
    let public = Home::new();
    public.run(&["--import"], &home.run(&["--export", "good@x"], b""));
    let error = Signer::new(&public.keys(&[], None).gnupg, "good@x").map(drop);
    assert_eq!(error, Err(KeyError::NoSecretKey { ids: vec![text("good@x")] }));

    let missing = Setup { program: PathBuf::from("/nowhere/gpg"), ..Setup::default() };
    let keys = Keys { gnupg: Gnupg::new(missing), ..home.keys(&["good@x"], None) };
    assert!(matches!(keys.addressees(), Err(KeyError::NoGpg { .. })));
}

#[test]
fn keys_of_every_kind_in_a_file_do_without_gpg() {
    let home = Home::new();
    let data = data();
    for kind in KINDS {
        let mail = format!("{}@example.org", kind.0);
        let fingerprint = home.key(&format!("{} <{mail}>", kind.0), kind, PASSPHRASE);
        let file = home.0.path().join("secret");
        let export: [&str; 5] = ["--armor", "--passphrase", PASSPHRASE, "--export-secret-keys", &mail];
        std::fs::write(&file, home.run(&export, b"")).unwrap();
        let with = |passphrase: Option<&str>, id: &str, hidden: bool| {
            let passphrase = passphrase.map(Passphrase::new);
            let setup = Setup {
                program: "/nowhere/gpg".into(),
                passphrase: passphrase.clone(),
                signing_passphrase: passphrase,
                key_file: Some(file.clone()),
                ..Setup::default()
            };
            let recipients = vec![Recipient { id: id.into(), hidden }];
            let signer = Some(id.to_string());
            Opener::new(None, Keys { gnupg: Gnupg::new(setup), recipients, signer, ..Keys::default() })
        };
        for id in [&mail, &format!("<{mail}>"), &fingerprint, &format!("0x{}", &fingerprint[24..])] {
            let opener = with(Some(PASSPHRASE), id, id == &mail).demanding_signatures();
            let message = seal(&opener, &data);
            assert!(
                home.run(&["--passphrase", PASSPHRASE, "--decrypt"], &message) == data,
                "{id}: gpg reads ours"
            );
            assert!(open(&opener, &message).unwrap() == data, "{id}: we read ours");
        }
        for recipient in ["-r", "-R"] {
            let sign: [&str; 8] =
                ["--passphrase", PASSPHRASE, "--sign", "--local-user", &mail, "--encrypt", recipient, &mail];
            let message = home.run(&sign, &data);
            let opener = with(Some(PASSPHRASE), &mail, false).demanding_signatures();
            assert!(open(&opener, &message).unwrap() == data, "{mail}: we read gpg's");
            let error = key_error(open(&with(None, &mail, false), &message));
            assert!(matches!(&error, KeyError::Locked { name } if name.contains(&mail)), "{error:?}");
            let error = key_error(open(&with(Some("wrong"), &mail, false), &message));
            assert!(matches!(error, KeyError::PassphraseWrong { .. }), "{error:?}");
        }
        let error = key_error(with(None, &mail, false).sealer(None));
        assert!(matches!(error, KeyError::Locked { .. }), "{error:?}");
        let error = key_error(with(None, "nobody@x", false).sealer(None));
        assert!(matches!(error, KeyError::NoGpg { .. }), "{error:?}");
    }
    let no_key = |text: &str| {
        let file = home.0.path().join("none");
        std::fs::write(&file, text).unwrap();
        Gnupg::new(Setup { key_file: Some(file), ..home.setup() }).session_key(&[]).map(drop)
    };
    for text in ["", "no key"] {
        assert!(matches!(no_key(text), Err(KeyError::File { .. })), "{text}");
    }
}

#[test]
fn a_subkey_that_has_expired_is_passed_over() {
    let home = Home::new();
    let fingerprint = home.key("ada", KINDS[1], "");
    let old = home.keys(&["ada"], None).addressees().unwrap()[0].id();
    let long_ago = ["--passphrase", "", "--quick-set-expire", &fingerprint, "seconds=1", "*"];
    home.run(&long_ago, b"");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(home.keys(&["ada"], None).addressees().map(drop), Err(KeyError::Expired { id: "ada".into() }));
    home.run(&["--passphrase", "", "--quick-add-key", &fingerprint, "cv25519", "encr", "never"], b"");
    let chosen = home.keys(&["ada"], None).addressees().unwrap();
    assert_eq!(chosen.len(), 1);
    assert_ne!(chosen[0].id(), old);
}

#[test]
fn what_gpg_is_set_up_to_do_counts() {
    let home = Home::new();
    home.key("ada", KINDS[1], "");
    home.key("bob", KINDS[1], "");
    let configuration = home.0.path().join("gpg.conf");
    std::fs::write(&configuration, "group us = ada bob\n").unwrap();
    assert_eq!(home.keys(&["us"], None).addressees().unwrap().len(), 2);
    std::fs::write(&configuration, "encrypt-to bob\nthrow-keyids\n").unwrap();
    let addressees = home.keys(&["ada"], None).addressees().unwrap();
    assert_eq!(addressees.iter().map(Addressee::id).collect::<Vec<_>>(), [HIDDEN; 2]);
}

#[test]
fn debug_output_shows_no_passphrase() {
    let passphrase = || Some(Passphrase::new(PASSPHRASE));
    let setup = Setup { passphrase: passphrase(), signing_passphrase: passphrase(), ..Setup::default() };
    let shown = format!("{:?}", Keys { gnupg: Gnupg::new(setup), ..Keys::default() });
    assert!(!shown.contains(PASSPHRASE), "{shown}");
}
