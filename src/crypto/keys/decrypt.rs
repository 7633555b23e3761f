//! Messages that gpg itself has to open: those in forms that neither we nor Sequoia read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sequoia_openpgp as openpgp;
use tempfile::NamedTempFile;

use super::agent::{BAD_PASSPHRASE, Unlock};
use super::gpg::{Program, last_words};
use super::{Gnupg, KeyError, Signatories};
use crate::crypto::{Ciphertext, Error};
use crate::secret::Passphrase;

/// What is known of a message before gpg opens it.
pub(in crate::crypto) struct Foreign<'a> {
    /// Key ids of the recipients who are known.
    pub(in crate::crypto) recipients: Vec<String>,
    /// Opens it without any key.
    pub(in crate::crypto) passphrase: Option<&'a Passphrase>,
    /// From before there was any integrity check: whoever can write can alter it, unless something else proves it.
    pub(in crate::crypto) unprotected: bool,
    pub(in crate::crypto) ciphertext: Ciphertext,
    /// Whose signature is demanded.
    pub(in crate::crypto) signatories: Option<Arc<Signatories>>,
}

impl Gnupg {
    /// The content of a message, from gpg. As elsewhere it is not to be believed before its end.
    pub(in crate::crypto) fn decrypt(
        &self,
        mut message: impl Read,
        foreign: Foreign<'_>,
    ) -> Result<Box<dyn Read + Send>, Error> {
        // gpg has one input, which the passphrase comes by. What is stored may be seen.
        let mut spool = NamedTempFile::new()?;
        io::copy(&mut message, &mut spool)?;

        let unlock = match foreign.passphrase {
            Some(passphrase) => Unlock::Passphrase(passphrase),
            None => self.unlock(&self.0.setup.passphrase),
        };
        let report = tempfile::tempfile()?;
        let program = self.program();
        let mut command = decrypting(&program, spool.path(), unlock, foreign.unprotected);
        let child = command.stderr(report.try_clone()?).spawn();
        let mut child = child.map_err(|error| {
            let program = program.path.display();
            Error::Unsupported(format!("only GnuPG reads this form, and {program} cannot be run: {error}"))
        })?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        if let (Some(mut input), Unlock::Passphrase(passphrase)) = (input, unlock) {
            // If gpg does not want it, it says why.
            let _ = input.write_all(passphrase.expose());
        }
        let by_key = foreign.passphrase.is_none();
        let unprotected = foreign.unprotected && foreign.ciphertext == Ciphertext::Unproven;
        let Foreign { recipients, signatories, .. } = foreign;
        let output = output.ok_or_else(|| Error::damaged("gpg is silent"))?;
        let mut decryption = Decryption {
            gnupg: self.clone(),
            child,
            output,
            report,
            _spool: spool,
            recipients,
            by_key,
            unprotected,
            signatories,
            begun: false,
            ended: false,
        };
        // What is wrong from the beginning is said at once.
        let mut first = [0];
        let count = decryption.read(&mut first)?;
        Ok(Box::new(io::Cursor::new(first).take(count as u64).chain(decryption)))
    }

    /// Whether something was opened that nothing protects against changes. Asking forgets it.
    pub fn take_unprotected(&self) -> bool {
        self.0.unprotected.swap(false, Ordering::Relaxed)
    }
}

fn decrypting(program: &Program, file: &Path, unlock: Unlock<'_>, unprotected: bool) -> Command {
    let mode = match unlock {
        Unlock::Passphrase(_) => "loopback",
        Unlock::Dialogue => "ask",
        Unlock::Never => "error",
    };
    let mut command = program.command(&["--status-fd", "2", "--pinentry-mode", mode]);
    if let Unlock::Passphrase(_) = unlock {
        command.args(["--passphrase-fd", "0"]);
    }
    if unprotected {
        command.arg("--ignore-mdc-error");
    }
    command.args(["--decrypt", "--"]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A gpg at work, which ends with this.
struct Decryption {
    gnupg: Gnupg,
    child: Child,
    output: ChildStdout,
    /// What it says.
    report: File,
    _spool: NamedTempFile,
    recipients: Vec<String>,
    by_key: bool,
    unprotected: bool,
    signatories: Option<Arc<Signatories>>,
    begun: bool,
    ended: bool,
}

impl Read for Decryption {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        let count = self.output.read(out)?;
        if count == 0 {
            self.ended = true;
            self.finish()?;
        }
        self.begun |= count > 0;
        Ok(count)
    }
}

impl Decryption {
    fn finish(&mut self) -> Result<(), Error> {
        let status = self.child.wait()?;
        let mut said = Vec::new();
        self.report.seek(SeekFrom::Start(0))?;
        self.report.read_to_end(&mut said)?;
        let said = String::from_utf8_lossy(&said);
        let told: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")).collect();
        let has = |keyword: &str| told.iter().any(|line| line.split(' ').next() == Some(keyword));

        // A signature by somebody whom gpg does not know makes it fail as a whole.
        let by_stranger = has("ERRSIG") && !has("BADSIG");
        if !has("DECRYPTION_OKAY") || has("DECRYPTION_FAILED") || !(status.success() || by_stranger) {
            return Err(self.failure(&told, &said));
        }
        if let Some(by) = &self.signatories
            && !told.iter().filter_map(|line| signed_by(line)).any(|key| by.has(&key))
        {
            return Err(Error::NotSigned { by: by.name.clone() });
        }
        if self.unprotected {
            self.gnupg.0.unprotected.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn failure(&self, told: &[&str], said: &str) -> Error {
        let has = |start: &str| told.iter().any(|line| line.starts_with(start));
        let ids = || self.recipients.clone();
        let name = || self.recipients.join(", ");
        // Numbers of libgpg-error, their source above.
        let code = |line: &&str| {
            let number = line.strip_prefix("ERROR pkdecrypt_failed ")?.split(' ').next()?;
            number.parse::<u32>().ok().map(|number| number as u16)
        };
        if self.begun {
            return Error::damaged("gpg found it altered or cut");
        }
        match told.iter().find_map(code) {
            Some(BAD_PASSPHRASE) if self.by_key => {
                return KeyError::PassphraseWrong { name: name() }.into();
            }
            Some(_) if self.by_key => return KeyError::Locked { name: name() }.into(),
            _ => {}
        }
        if self.by_key && has("NO_SECKEY") {
            return KeyError::NoSecretKey { ids: ids() }.into();
        }
        if !self.by_key && has("DECRYPTION_FAILED") {
            return Error::PassphraseWrong;
        }
        Error::Damaged(last_words(said))
    }
}

/// `VALIDSIG FINGERPRINT …`
fn signed_by(line: &str) -> Option<openpgp::Fingerprint> {
    line.strip_prefix("VALIDSIG ")?.split(' ').next()?.parse().ok()
}

impl Drop for Decryption {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
