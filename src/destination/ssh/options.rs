//! duplicity's `--ssh-options`: the words that ssh takes on its command line.

use std::path::PathBuf;

/// What was typed, before ssh's own files are looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SshOptions {
    /// Keyword in lower case, and its value.
    pub(super) said: Vec<(String, String)>,
    /// Read instead of ssh's own files.
    pub(super) config: Option<PathBuf>,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SshOptionError {
    #[error("a quotation mark has no end")]
    Quotes,
    #[error("{word} is not known")]
    Unknown { word: String },
    #[error("{word} has no value")]
    NoValue { word: String },
}

/// Options of one letter that stand for a keyword.
const LETTERS: [(char, &str); 4] = [('i', "identityfile"), ('p', "port"), ('l', "user"), ('J', "proxyjump")];
/// Those without a value, about what does not matter here.
const WITHOUT_MEANING: &str = "46CKTXaknqtvx";

impl SshOptions {
    /// As a shell would split it. Keywords that mean nothing here are taken and never looked at.
    pub fn parse(text: &str) -> Result<Self, SshOptionError> {
        let mut options = Self::default();
        let mut words = words(text).ok_or(SshOptionError::Quotes)?.into_iter();
        while let Some(word) = words.next() {
            let unknown = || SshOptionError::Unknown { word: word.clone() };
            let mut letters = word.strip_prefix('-').ok_or_else(unknown)?.chars();
            let letter = letters.next().ok_or_else(unknown)?;
            if WITHOUT_MEANING.contains(letter) {
                continue;
            }
            let keyword = LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, keyword)| *keyword);
            if keyword.is_none() && !matches!(letter, 'o' | 'F') {
                return Err(unknown());
            }
            let attached = Some(letters.as_str().to_owned()).filter(|value| !value.is_empty());
            let no_value = || SshOptionError::NoValue { word: word.clone() };
            let value = attached.or_else(|| words.next()).ok_or_else(no_value)?;
            match keyword {
                Some(keyword) => options.said.push((keyword.into(), value)),
                None if letter == 'F' => options.config = Some(value.into()),
                None => options.said.push(setting(&value).ok_or_else(no_value)?),
            }
        }
        Ok(options)
    }
}

/// `Keyword value` or `Keyword=value`; the keyword comes back in lower case, the value without blanks around it.
pub(super) fn setting(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=')?;
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix('=').unwrap_or(rest).trim();
    (!keyword.is_empty() && !value.is_empty()).then(|| (keyword.to_lowercase(), value.to_owned()))
}

/// Splits at blanks outside quotes; `None` if a quotation mark has no end.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match quote {
            Some(mark) if character == mark => quote = None,
            Some(_) => word.get_or_insert_default().push(character),
            None if matches!(character, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            None if character.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, String)> {
        SshOptions::parse(text).unwrap().said
    }

    #[test]
    fn options_are_taken_in_all_forms_that_ssh_knows() {
        let expected = [("identityfile".to_owned(), "/a b".to_owned())];
        for form in [
            "-oIdentityFile='/a b'",
            "-o IdentityFile=\"/a b\"",
            "-o 'IdentityFile /a b'",
            "-o 'identityfile = /a b'",
            "-i '/a b'",
            "-i'/a b'",
        ] {
            assert_eq!(said(form), expected, "{form}");
        }
        assert_eq!(said("-p 22 -4 -C -l me -J j").len(), 3);
        assert_eq!(SshOptions::parse("-F /x").unwrap().config, Some("/x".into()));
        assert_eq!(said(""), []);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let error = |text| SshOptions::parse(text).unwrap_err().to_string();
        assert_eq!(error("-o 'x"), "a quotation mark has no end");
        assert_eq!(error("-Z x"), "-Z is not known");
        assert_eq!(error("x"), "x is not known");
        assert_eq!(error("-o"), "-o has no value");
        assert_eq!(error("-oPort"), "-oPort has no value");
    }
}
