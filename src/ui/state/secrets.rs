//! The passwords of one plan that are known in this session.

use hindsight::secret::{Passphrase, Passphrases};

#[derive(Clone, Default, Debug)]
pub(super) struct Secrets {
    known: Passphrases,
    /// What `known` has of today was typed at a question, perhaps by mistake: it must open the newest backup.
    typed: bool,
    /// Known before it, and enough for something else.
    others: Vec<Passphrase>,
    /// The keyring's was not enough for something.
    lacks: bool,
}

impl Secrets {
    /// By the keyring, or by who has changed it.
    pub(super) fn learn(&mut self, known: Passphrases) {
        (self.known, self.typed, self.lacks) = (known, false, false);
    }

    pub(super) fn type_in(&mut self, passphrase: Passphrase) {
        self.doubt();
        (self.known.today, self.typed) = (Some(passphrase), true);
    }

    /// It did not open all that was wanted.
    pub(super) fn doubt(&mut self) {
        let doubted = self.known.today.take();
        self.lacks |= doubted.is_some() && !self.typed;
        self.others.extend(doubted.filter(|doubted| !self.others.contains(doubted)));
    }

    /// What was set aside stays.
    pub(super) fn forget(&mut self) {
        self.known.today = None;
        self.others.clear();
    }

    /// What is typed now to read something is the password of earlier backups.
    pub(super) fn lacks_older(&self) -> bool {
        self.lacks
    }

    pub(super) fn today(&self) -> Option<&Passphrase> {
        self.known.today.as_ref()
    }

    /// New backups begin anew where the newest was made with a password that was set aside: nobody who mistypes one
    /// must cause that.
    pub(super) fn for_writing(&self) -> Passphrases {
        match self.typed {
            true => Passphrases { today: self.known.today.clone(), older: Vec::new() },
            false => self.known.clone(),
        }
    }

    /// Whatever may open something.
    pub(super) fn for_reading(&self) -> Passphrases {
        let Passphrases { today, older } = self.known.clone();
        Passphrases { today, older: older.into_iter().chain(self.others.iter().cloned()).collect() }
    }
}
