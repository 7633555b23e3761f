//! Names of uploads in progress (`FORMAT.md` 21): `.volume.RANDOM.part`, RANDOM being 32 hexadecimal digits.
//!
//! Stock duplicity ignores them, and 128 random bits make the pattern ours beyond doubt, so `sweep` may delete
//! what matches.

use super::{DestinationError, ErrorKind, Result};

const PREFIX: &str = ".volume.";
const SUFFIX: &str = ".part";

/// A fresh name no other upload has.
pub fn new_upload_name() -> Result<String> {
    Ok(format!("{PREFIX}{}{SUFFIX}", random_id()?))
}

/// Whether a name is exactly of the form [`new_upload_name`] makes.
pub fn is_upload_name(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| {
        random.len() == 32 && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// 128 random bits as 32 hexadecimal digits.
pub fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let source = Some(error.to_string().into());
        DestinationError { source, ..DestinationError::new(ErrorKind::Other, "random numbers") }
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_pattern_is_ours() {
        assert!(is_upload_name(&new_upload_name().unwrap()));
        for foreign in [
            ".volume.part",
            ".volume.0123.part",
            "volume.0123456789abcdef0123456789abcdef.part",
            ".volume.0123456789ABCDEF0123456789abcdef.part",
            ".volume.0123456789abcdef0123456789abcdef.part.gz",
            ".firefox.0123456789abcdef0123456789abcdef.part",
            "duplicity-full.20260101T000000Z.vol1.difftar.gpg",
        ] {
            assert!(!is_upload_name(foreign), "{foreign}");
        }
    }
}
