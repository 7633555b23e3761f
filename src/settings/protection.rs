//! By what the backups of a plan are protected.

use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Protection {
    None,
    Password,
    Keys(PlanKeys),
}

/// Of the person's GnuPG.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanKeys {
    /// Each of them opens the backups.
    pub recipients: Vec<PlanKey>,
    /// What is written is signed with it.
    pub signer: Option<PlanKey>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanKey {
    /// Of the primary key, in hexadecimal digits.
    pub fingerprint: String,
    /// What people call it: the name of its owner.
    pub label: String,
}

impl Protection {
    pub fn encrypts(&self) -> bool {
        *self != Self::None
    }

    /// Settings that somebody edited must not name something else than keys, or no key at all.
    pub(super) fn is_proper(&self) -> bool {
        let Self::Keys(PlanKeys { recipients, signer }) = self else { return true };
        !recipients.is_empty() && recipients.iter().chain(signer).all(PlanKey::is_proper)
    }
}

impl PlanKey {
    /// The last digits, by which people tell keys apart.
    pub fn short_id(&self) -> String {
        short_id(&self.fingerprint)
    }

    fn is_proper(&self) -> bool {
        matches!(self.fingerprint.len(), 40 | 64) && self.fingerprint.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

/// The key id in groups of four digits.
pub fn short_id(fingerprint: &str) -> String {
    let digits: Vec<_> = fingerprint.chars().collect();
    let last = &digits[digits.len().saturating_sub(16)..];
    last.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fingerprint: &str) -> PlanKey {
        PlanKey { fingerprint: fingerprint.into(), label: "Ada".into() }
    }

    #[test]
    fn keys_have_the_ids_that_gnupg_shows() {
        let key = key("EBFEC57932F509332F85CB3980A28F318364EE46");
        assert_eq!(key.short_id(), "80A2 8F31 8364 EE46");
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        let good = key("EBFEC57932F509332F85CB3980A28F318364EE46");
        let keys = |recipients: &[&PlanKey], signer: Option<&PlanKey>| {
            let recipients = recipients.iter().copied().cloned().collect();
            Protection::Keys(PlanKeys { recipients, signer: signer.cloned() }).is_proper()
        };
        assert!(keys(&[&good], Some(&good)));
        assert!(!keys(&[], Some(&good)), "sealed to nobody");
        for bad in ["", "ada", "--homedir", "EBFEC57932F509332F85CB3980A28F318364EEXX"] {
            assert!(!keys(&[&good, &key(bad)], None), "{bad}");
            assert!(!keys(&[&good], Some(&key(bad))), "{bad}");
        }
    }
}
