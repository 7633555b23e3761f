//! Against ourselves, Sequoia and the gpg on this machine.

mod hostile;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::*;
use crate::secret::Passphrase;

const PASSPHRASE: &str = "correct horse Ünïcode";
const SALT: [u8; 8] = *b"saltsalt";

static SEALER: LazyLock<Sealer> = LazyLock::new(|| opener().sealer(Some(SALT)).unwrap());
/// Of what it seals.
static KEY: LazyLock<s2k::Key> =
    LazyLock::new(|| s2k::Key::derive(&Sealer::s2k(SALT), &passphrase(), Sealer::KEY_LENGTH));

fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE)
}

fn opener() -> Opener {
    Opener::new(Some(passphrase()), Keys::default())
}

fn seal(data: &[u8]) -> Vec<u8> {
    seal_by(&SEALER, data)
}

fn seal_by(sealer: &Sealer, data: &[u8]) -> Vec<u8> {
    let mut writer = MessageWriter::new(Vec::new(), sealer).unwrap();
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn salt_of(message: &[u8]) -> Option<[u8; 8]> {
    protection_of(message).unwrap().salt()
}

fn read(opener: &Opener, message: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    opener.open(message, Ciphertext::Unproven)?.read_to_end(&mut out)?;
    Ok(out)
}

fn read_proven(message: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    opener().open(message, Ciphertext::Proven)?.read_to_end(&mut out)?;
    Ok(out)
}

/// Text with noise in the middle, so that both kinds of deflate segments occur.
fn data(length: usize) -> Vec<u8> {
    let mut data: Vec<u8> =
        (0..).flat_map(|line: u32| format!("{line} bottles of beer\n").into_bytes()).take(length).collect();
    getrandom::fill(&mut data[length / 3..length / 2]).unwrap();
    data
}

/// A gpg with a home of its own; its agent ends with it.
struct Gpg(tempfile::TempDir);

impl Gpg {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let file = self.path().join("input");
        std::fs::write(&file, input).unwrap();
        let mut gpg = Command::new("gpg")
            .args(["--batch", "--yes", "--quiet", "--no-tty"])
            .args(["--pinentry-mode", "loopback", "--passphrase-fd", "0", "--output", "-", "--homedir"])
            .arg(self.path())
            .args(arguments)
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("these tests need gpg");
        gpg.stdin.take().unwrap().write_all(PASSPHRASE.as_bytes()).unwrap();
        let output = gpg.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn generate_key(&self, name: &str) {
        let done = Command::new("gpg")
            .args([
                "--batch",
                "--quiet",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                PASSPHRASE,
                "--homedir",
            ])
            .arg(self.path())
            .args(["--quick-generate-key", name, "ed25519", "sign"])
            .status();
        assert!(done.unwrap().success());
    }

    /// This GnuPG's.
    fn opener(&self) -> Opener {
        let setup = Setup { options: vec!["--homedir".into(), self.path().into()], ..Setup::default() };
        Opener::new(Some(passphrase()), Keys { gnupg: Gnupg::new(setup), ..Keys::default() })
    }

    /// With few rounds of key derivation, to be quick.
    fn encrypt(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        self.run(&[&["--s2k-count", "65536"], arguments, &["--symmetric"]].concat(), input)
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.path()).args(["--kill", "all"]).status();
    }
}

#[test]
fn messages_of_every_size_come_back() {
    for length in [0, 1, 65_535, 65_536, 65_537, 5_000_000] {
        let data = data(length);
        let message = seal(&data);
        assert!(read(&opener(), &message).unwrap() == data, "{length} bytes");
        assert!(read_proven(&message).unwrap() == data, "{length} bytes");
    }
}

#[test]
fn gpg_and_sequoia_read_what_we_write() {
    let gpg = Gpg::new();
    for length in [0, 1, 65_537, 5_000_000] {
        let data = data(length);
        let message = seal(&data);
        assert!(gpg.run(&["--decrypt"], &message) == data, "gpg, {length} bytes");

        let mut out = Vec::new();
        sequoia::open(&opener(), &message[..]).unwrap().read_to_end(&mut out).unwrap();
        assert!(out == data, "Sequoia, {length} bytes");
    }
}

#[test]
fn what_gpg_writes_by_default_is_read() {
    let gpg = Gpg::new();
    let data = data(300_000);
    let message = gpg.run(&["--force-mdc", "--symmetric"], &data);
    assert!(read(&opener(), &message).unwrap() == data);
    assert_eq!(salt_of(&message), None, "SHA-1 is not how we write");
}

#[test]
fn every_form_that_gpg_writes_is_read() {
    let gpg = Gpg::new();
    let data = data(100_000);
    let compressions = ["none", "zip", "zlib", "bzip2"].map(|name| ["--compress-algo", name]);
    let ciphers = [
        "IDEA",
        "3DES",
        "CAST5",
        "AES",
        "AES192",
        "AES256",
        "TWOFISH",
        "CAMELLIA128",
        "CAMELLIA192",
        "CAMELLIA256",
    ]
    .map(|name| ["--cipher-algo", name]);
    let hashes =
        ["SHA1", "RIPEMD160", "SHA224", "SHA256", "SHA384", "SHA512"].map(|name| ["--s2k-digest-algo", name]);
    let others =
        [["--armor", "--force-mdc"], ["--s2k-mode", "0"], ["--s2k-mode", "1"], ["--set-filename", "tar.x"]];
    for arguments in [&compressions[..], &ciphers, &hashes, &others].concat() {
        let message = gpg.encrypt(&arguments, &data);
        assert!(read(&opener(), &message).expect(arguments[1]) == data, "{arguments:?}");

        let other = Opener::new(Some(Passphrase::new("other")), Keys::default());
        let error = read(&other, &message).unwrap_err();
        assert!(matches!(error, Error::PassphraseWrong), "{arguments:?}: {error:?}");
    }
}

#[test]
fn a_signed_message_is_read() {
    let gpg = Gpg::new();
    gpg.generate_key("someone");
    let data = data(100_000);
    assert!(read(&opener(), &gpg.encrypt(&["--sign"], &data)).unwrap() == data);
}

/// As GnuPG from 2.3 on does it with a passphrase; the gpg on this machine checks that it is right.
fn seal_with_ocb(data: &[u8], chunk_octet: u8) -> Vec<u8> {
    use aes::Aes256;
    use ocb3::aead::consts::U15;
    use ocb3::{AeadInOut, KeyInit, Ocb3};

    let encrypt = |key: &[u8], nonce: [u8; 15], associated: &[u8], data: &[u8]| {
        let cipher = Ocb3::<Aes256, U15>::new_from_slice(key).unwrap();
        let mut out = data.to_vec();
        let tag =
            cipher.encrypt_inout_detached(&nonce.into(), associated, out.as_mut_slice().into()).unwrap();
        [&out[..], &tag[..]].concat()
    };
    let packet = |tag: u8, body: &[u8]| {
        let mut writer = packet::PacketWriter::new(Vec::new(), tag).unwrap();
        writer.write_all(body).unwrap();
        writer.finish().unwrap()
    };
    let definite = |tag: u8, body: &[u8]| [&[0xC0 | tag, body.len() as u8][..], body].concat();

    let s2k = s2k::S2k { hash: s2k::Hash::Sha256, salt: Some(SALT), octets: s2k::S2k::octets_of(96) };
    let derived = s2k::Key::derive(&s2k, &passphrase(), 32);
    let session_key = [42; 32];
    let specifier = [&[5, 9, ocb::OCB, 3, 8][..], &SALT, &[96]].concat();
    let wrapped = encrypt(derived.bytes(), [7; 15], &[0xC3, 5, 9, ocb::OCB], &session_key);
    let skesk = [&specifier[..], &[7; 15], &wrapped].concat();

    let plain = packet(packet::LITERAL, &[b"b\0\0\0\0\0", data].concat());
    let header = [0xD4, 1, 9, ocb::OCB, chunk_octet];
    let mut body = [&header[1..], &[9; 15]].concat();
    let nonce = |index: u64| {
        let mut nonce = [9; 15];
        nonce[7..].copy_from_slice(&(u64::from_be_bytes([9; 8]) ^ index).to_be_bytes());
        nonce
    };
    let mut index = 0_u64;
    for chunk in plain.chunks(1 << (chunk_octet + 6)) {
        body.extend(encrypt(
            &session_key,
            nonce(index),
            &[&header[..], &index.to_be_bytes()].concat(),
            chunk,
        ));
        index += 1;
    }
    let end = [&header[..], &index.to_be_bytes(), &(plain.len() as u64).to_be_bytes()].concat();
    body.extend(encrypt(&session_key, nonce(index), &end, &[]));
    [definite(packet::SKESK, &skesk), packet(packet::AEAD, &body)].concat()
}

#[test]
fn authenticated_encryption_of_newer_gpg_is_read() {
    let gpg = Gpg::new();
    for (length, chunk_octet) in [(0, 0), (1, 16), (10_000, 0), (300_000, 10), (64 * 1024 - 11, 10)] {
        let data = data(length);
        let message = seal_with_ocb(&data, chunk_octet);
        assert!(gpg.run(&["--decrypt"], &message) == data, "gpg, {length} bytes");
        assert!(read(&opener(), &message).unwrap() == data, "{length} bytes");

        let wrong = Opener::new(Some(Passphrase::new("other")), Keys::default());
        assert!(matches!(read(&wrong, &message), Err(Error::PassphraseWrong)));
        assert!(read(&opener(), &message[..message.len() - 1]).is_err());
        for position in (90..message.len()).step_by(1 + message.len() / 50) {
            let mut altered = message.clone();
            altered[position] ^= 1;
            assert!(matches!(read(&opener(), &altered), Err(Error::Damaged(_))), "octet {position}");
        }
    }
}

/// As PGP 2 and GnuPG 1.0 wrote it: without any integrity check, and with a cipher that begins anew after the prefix.
fn seal_unprotected(data: &[u8]) -> Vec<u8> {
    use aes::Aes256;
    use aes::cipher::KeyIvInit;
    use cfb_mode::Encryptor;

    let mut encrypted = [7; 18];
    let encryptor = |iv: &[u8]| Encryptor::<Aes256>::new_from_slices(KEY.bytes(), iv).unwrap();
    encryptor(&[0; 16]).encrypt(&mut encrypted);
    let mut plain =
        [&[0xCB, 0xFF], &(data.len() as u32 + 6).to_be_bytes()[..], b"b\0\0\0\0\0", data].concat();
    encryptor(&encrypted[2..]).encrypt(&mut plain);
    let length = (encrypted.len() + plain.len()) as u32;
    [&seal(b"x")[..15], &[0xC9, 0xFF], &length.to_be_bytes(), &encrypted, &plain].concat()
}

#[test]
fn what_only_gpg_reads_is_read_by_it() {
    let gpg = Gpg::new();
    let data = data(300_000);
    let message = gpg.encrypt(&["--cipher-algo", "BLOWFISH"], &data);
    let opener = gpg.opener();
    assert!(read(&opener, &message).unwrap() == data);
    assert!(!opener.gnupg().take_unprotected());
    assert!(matches!(read(&opener, &message[..message.len() - 5]), Err(Error::Damaged(_))));
    let wrong = Opener::new(
        Some(Passphrase::new("wrong")),
        Keys { gnupg: opener.gnupg().clone(), ..Keys::default() },
    );
    assert!(matches!(read(&wrong, &message), Err(Error::PassphraseWrong)));

    let missing = Gnupg::new(Setup { program: "/nowhere/gpg".into(), ..Setup::default() });
    let without = Opener::new(Some(passphrase()), Keys { gnupg: missing, ..Keys::default() });
    let error = read(&without, &message).unwrap_err();
    assert!(
        matches!(&error, Error::Unsupported(why) if why.contains("/nowhere/gpg cannot be run")),
        "{error:?}"
    );
}

#[test]
fn what_nothing_protects_is_read_and_told() {
    let gpg = Gpg::new();
    let data = data(300_000);
    let message = seal_unprotected(&data);
    let opener = gpg.opener();
    assert!(read(&opener, &message).unwrap() == data);
    assert!(opener.gnupg().take_unprotected());
    assert!(!opener.gnupg().take_unprotected(), "once");
    let nobody = Opener::new(None, Keys::default());
    assert!(matches!(read(&nobody, &message), Err(Error::PassphraseNeeded)));
    assert!(read(&opener, &message[..message.len() - 5]).is_err());
    // Who is not believed until the end can go before it.
    let mut begun = opener.open(&message[..], Ciphertext::Unproven).unwrap();
    begun.read_exact(&mut [0; 100]).unwrap();
}

#[test]
fn armor_may_be_around_every_form() {
    let gpg = Gpg::new();
    let data = data(300_000);
    for message in [seal(&data), seal_unprotected(&data)] {
        let armored = gpg.run(&["--enarmor"], &message);
        let armored = String::from_utf8(armored).unwrap().replace("PGP ARMORED FILE", "PGP MESSAGE");
        assert!(read(&gpg.opener(), armored.as_bytes()).unwrap() == data);
        assert!(read(&gpg.opener(), &armored.as_bytes()[..armored.len() / 2]).is_err());
    }
}

/// What is promised of repositories with many small volumes. In time of the processor, whatever else it has to do.
#[test]
fn a_small_file_costs_less_than_two_milliseconds_once_the_key_is_derived() {
    const FILES: u32 = 1000;
    let opener = opener();
    let sealer = opener.sealer(Some(SALT)).unwrap();
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let start = now();
    for number in 0..FILES {
        let data = [&number.to_be_bytes()[..], &data(4096)].concat();
        let mut writer = MessageWriter::new(Vec::new(), &sealer).unwrap();
        writer.write_all(&data).unwrap();
        assert!(read(&opener, &writer.finish().unwrap()).unwrap() == data);
    }
    let each = (now() - start) / FILES;
    println!("sealing and opening a small file: {each:?}");
    assert!(each < Duration::from_millis(2), "{each:?}");
}

#[test]
fn an_octet_altered_anywhere_is_an_error() {
    let opener = opener();
    let small = seal(b"some text");
    assert!(read(&opener, &small).is_ok());
    for position in 0..small.len() {
        for bit in [0x01, 0x80] {
            let mut altered = small.clone();
            altered[position] ^= bit;
            assert!(read(&opener, &altered).is_err(), "octet {position}, bit {bit}");
        }
    }
    let large = seal(&data(1_000_000));
    for position in (100..large.len()).step_by(9_973).chain(large.len() - 30..large.len()) {
        let mut altered = large.clone();
        altered[position] ^= 0x10;
        assert!(read(&opener, &altered).is_err(), "octet {position}");
    }
}

#[test]
fn a_cut_message_is_an_error() {
    let opener = opener();
    for (message, step) in [(seal(b"some text"), 1), (seal(&data(1_000_000)), 20_011)] {
        for length in (0..message.len()).step_by(step) {
            assert!(read(&opener, &message[..length]).is_err(), "{length} octets");
            assert!(read_proven(&message[..length]).is_err(), "{length} octets");
        }
        assert!(read(&opener, &message[..message.len() - 1]).is_err());
    }
}

#[test]
fn altered_messages_are_errors_in_sequoias_hands_too() {
    let gpg = Gpg::new();
    let message = gpg.encrypt(&["--cipher-algo", "TWOFISH"], &data(400_000));
    for position in [50, message.len() / 2, message.len() - 10] {
        let mut altered = message.clone();
        altered[position] ^= 1;
        let error = read(&opener(), &altered).unwrap_err();
        assert!(matches!(error, Error::Damaged(_)), "octet {position}: {error:?}");
    }
    assert!(matches!(read(&opener(), &message[..message.len() / 2]), Err(Error::Damaged(_))));
}

#[test]
fn a_wrong_or_missing_passphrase_is_told_apart_from_damage() {
    let message = seal(&data(300_000));
    let wrong = Opener::new(Some(Passphrase::new("incorrect horse")), Keys::default());
    assert!(matches!(read(&wrong, &message), Err(Error::PassphraseWrong)));
    assert!(matches!(read(&Opener::new(None, Keys::default()), &message), Err(Error::PassphraseNeeded)));

    let mut beginning = message.clone();
    beginning[30] ^= 1;
    assert!(matches!(read(&opener(), &beginning), Err(Error::PassphraseWrong)), "nothing is known yet");
    let proven = opener();
    read(&proven, &message).unwrap();
    assert!(matches!(read(&proven, &beginning), Err(Error::Damaged(_))));

    let mut small = seal(b"a manifest");
    small[30] ^= 1;
    assert!(matches!(read(&opener(), &small), Err(Error::Damaged(_))), "its end shows that the key is right");
}

#[test]
fn older_passphrases_open_what_was_written_with_them() {
    let knowing = |today: Option<&str>, older: &[&str]| {
        let older_passphrases = older.iter().map(|text| Passphrase::new(*text)).collect();
        Opener::new(today.map(Passphrase::new), Keys { older_passphrases, ..Keys::default() })
    };
    let written = |by: &str| seal_by(&knowing(Some(by), &[]).sealer(None).unwrap(), by.as_bytes());
    let today = knowing(Some("third"), &["first", "second"]);
    for by in ["first", "second", "third", "first"] {
        assert_eq!(read(&today, &written(by)).unwrap(), by.as_bytes());
    }
    assert!(matches!(read(&today, &written("strange")), Err(Error::PassphraseWrong)));
    assert!(matches!(read(&today.without_older(), &written("first")), Err(Error::PassphraseWrong)));
    let only_older = knowing(None, &["first"]);
    assert_eq!(read(&only_older, &written("first")).unwrap(), b"first");
    assert!(matches!(only_older.sealer(None), Err(Error::PassphraseNeeded)));

    let gpg = Gpg::new();
    for form in [&["--cipher-algo", "AES256"][..], &["--cipher-algo", "3DES"], &["--armor"]] {
        let foreign = gpg.encrypt(form, b"of gpg");
        for opener in [knowing(Some("third"), &["first", PASSPHRASE]), knowing(None, &[PASSPHRASE])] {
            assert_eq!(read(&opener, &foreign).unwrap(), b"of gpg", "{form:?}");
        }
        assert!(matches!(read(&today, &foreign), Err(Error::PassphraseWrong)), "{form:?}");
    }
}

#[test]
fn what_is_not_encrypted_is_recognised() {
    for plain in [&b"Hostname x\n"[..], &[0x1f, 0x8b, 8, 0], &[0; 512], b"\xff\xd8\xff\xe0 JFIF"] {
        assert!(matches!(read(&opener(), plain), Err(Error::NotEncrypted)));
        assert_eq!(salt_of(plain), None);
    }
    assert!(matches!(read(&opener(), &[]), Err(Error::Damaged(_))));
}

#[test]
fn a_chain_is_continued_with_its_salt() {
    let salt = salt_of(&seal(b"first"));
    assert_eq!(salt, Some(SALT));
    let opener = opener();
    let mut writer = MessageWriter::new(Vec::new(), &opener.sealer(salt).unwrap()).unwrap();
    writer.write_all(b"second").unwrap();
    assert_eq!(read(&opener, &writer.finish().unwrap()).unwrap(), b"second");
}

#[test]
fn the_same_text_is_never_sealed_to_the_same_octets() {
    assert_ne!(seal(b"x"), seal(b"x"));
    let with_new_salt = || {
        let writer = MessageWriter::new(Vec::new(), &opener().sealer(None).unwrap()).unwrap();
        salt_of(&writer.finish().unwrap()).unwrap()
    };
    assert_ne!(with_new_salt(), with_new_salt());
}

#[test]
fn threads_that_open_at_once_share_one_derivation() {
    let opener = opener();
    let key = || opener.passphrases()[0].key(Sealer::s2k(*b"shared!!"), 32);
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(key), scope.spawn(key));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!(Arc::ptr_eq(&one, &other));
}

#[test]
fn debug_output_shows_no_secret() {
    assert_eq!(format!("{:?} {:?}", *SEALER, opener()), "Sealer(***) Opener(***)");
}
