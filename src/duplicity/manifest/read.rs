//! Reading a manifest, line by line.

use std::collections::HashMap;

use super::quote::unquote;
use super::{Boundary, Manifest, ManifestError, ManifestFault, VolumeRecord};
use crate::entry::EntryPath;

impl Manifest {
    /// Reads the decrypted text. What is unknown is skipped, but a volume without range or hash is an error, as is text that
    /// evidently stops early. A cut exactly between two volumes cannot be seen here: compare with the files listed.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let mut parser = Parser::default();
        let mut lines = 0;
        for line in text.split_inclusive(|b| *b == b'\n') {
            lines += 1;
            let complete = line.strip_suffix(b"\n");
            let known = parser
                .line(complete.unwrap_or(line))
                .map_err(|fault| ManifestError { line: lines, fault })?;
            // Without its newline a line must prove itself whole.
            if complete.is_none() && known != Line::Whole {
                return Err(ManifestError { line: lines, fault: ManifestFault::Cut });
            }
        }
        parser.finish().map_err(|fault| ManifestError { line: lines, fault })
    }
}

/// Whether a line that stops without a newline may be taken as it stands.
#[derive(PartialEq, Eq)]
enum Line {
    /// Its length is fixed, or it matters to nobody.
    Whole,
    MayBeCut,
}

#[derive(Default)]
struct Parser {
    manifest: Manifest,
    /// Number of a volume to its place in the list.
    places: HashMap<u32, usize>,
    volume: Option<Stanza>,
    in_filelist: bool,
}

/// A volume of which not everything was read yet.
#[derive(Default)]
struct Stanza {
    number: u32,
    start: Option<Boundary>,
    end: Option<Boundary>,
    sha1: Option<[u8; 20]>,
    md5: Option<[u8; 16]>,
    sha256: Option<[u8; 32]>,
}

impl Parser {
    fn line(&mut self, line: &[u8]) -> Result<Line, ManifestFault> {
        let indented = line.first().is_some_and(u8::is_ascii_whitespace);
        let (word, value) = split_word(line.trim_ascii_start());
        if !indented {
            return self.header(word, value);
        }
        match &mut self.volume {
            Some(stanza) if !self.in_filelist => stanza.field(word, value),
            _ if self.in_filelist => Ok(Line::Whole),
            _ => Ok(Line::MayBeCut),
        }
    }

    fn header(&mut self, word: &[u8], value: &[u8]) -> Result<Line, ManifestFault> {
        let unquoted = || unquote(value).ok_or(ManifestFault::Path);
        // A header line ends the stanza or list before it.
        self.in_filelist = word == b"Filelist";
        match word {
            b"Hostname" => self.manifest.hostname = Some(value.to_vec()),
            b"Localdir" => self.manifest.localdir = Some(unquoted()?.into_owned()),
            b"X-Hindsight-Version" => {
                self.manifest.version = Some(parse_number(value).ok_or(ManifestFault::OwnValue)?);
            }
            b"X-Hindsight-Source" => {
                let id = String::from_utf8(unquoted()?.into_owned()).map_err(|_| ManifestFault::OwnValue)?;
                self.manifest.source_id = Some(id);
            }
            b"X-Hindsight-Unfinished" => self.manifest.unfinished = Some(parse_path(value)?),
            b"Volume" => {
                self.end_stanza()?;
                let number = value.trim_ascii().strip_suffix(b":").and_then(parse_number);
                let number = number.ok_or(ManifestFault::VolumeNumber)?;
                self.volume = Some(Stanza { number, ..Stanza::default() });
            }
            b"Filelist" => return Ok(Line::Whole),
            _ => {}
        }
        Ok(Line::MayBeCut)
    }

    /// A volume listed again replaces its earlier record, in the earlier place.
    fn end_stanza(&mut self) -> Result<(), ManifestFault> {
        let Some(stanza) = self.volume.take() else { return Ok(()) };
        let record = stanza.finish()?;
        let volumes = &mut self.manifest.volumes;
        match self.places.insert(record.number, volumes.len()) {
            Some(place) => {
                self.places.insert(record.number, place);
                volumes[place] = record;
            }
            None => volumes.push(record),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Manifest, ManifestFault> {
        let last = self.volume.as_ref().map(|stanza| stanza.number).ok_or(ManifestFault::NoVolume)?;
        self.end_stanza()?;
        // After a resume (1 2 3 2) what is above the last number listed was written by the run that died.
        self.manifest.volumes.retain(|v| v.number <= last);
        Ok(self.manifest)
    }
}

impl Stanza {
    fn field(&mut self, word: &[u8], value: &[u8]) -> Result<Line, ManifestFault> {
        match word {
            b"StartingPath" => self.start = Some(Boundary::parse(value)?),
            b"EndingPath" => self.end = Some(Boundary::parse(value)?),
            b"Hash" => {
                let (kind, hex) = split_word(value.trim_ascii());
                let hex = hex.trim_ascii_start();
                match kind {
                    b"SHA1" => self.sha1 = Some(parse_hex(hex).ok_or(ManifestFault::Hash)?),
                    b"MD5" => self.md5 = Some(parse_hex(hex).ok_or(ManifestFault::Hash)?),
                    b"SHA256" => self.sha256 = Some(parse_hex(hex).ok_or(ManifestFault::Hash)?),
                    _ => return Ok(Line::MayBeCut),
                }
                return Ok(Line::Whole);
            }
            _ => {}
        }
        Ok(Line::MayBeCut)
    }

    fn finish(self) -> Result<VolumeRecord, ManifestFault> {
        let Self { number, start, end, sha1, md5, sha256 } = self;
        let start = start.ok_or(ManifestFault::NoStart(number))?;
        let end = end.ok_or(ManifestFault::NoEnd(number))?;
        if sha1.is_none() && md5.is_none() && sha256.is_none() {
            return Err(ManifestFault::NoHash(number));
        }
        Ok(VolumeRecord { number, start, end, sha1, md5, sha256 })
    }
}

/// The first word, and what follows the one space after it.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(u8::is_ascii_whitespace) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

impl Boundary {
    fn parse(text: &[u8]) -> Result<Self, ManifestFault> {
        let text = text.trim_ascii_start();
        // A quoted path holds no further quote and a bare one no space.
        let length = match text.strip_prefix(b"\"") {
            Some(quoted) => quoted.iter().position(|b| *b == b'"').map(|n| n + 2),
            None => Some(text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len())),
        };
        let (path, block) = text.split_at(length.filter(|n| *n > 0).ok_or(ManifestFault::Path)?);
        let block = match block.trim_ascii() {
            b"" => None,
            digits => Some(parse_number(digits).ok_or(ManifestFault::Block)?),
        };
        Ok(Self { path: parse_path(path)?, block })
    }
}

fn parse_path(text: &[u8]) -> Result<EntryPath, ManifestFault> {
    let bytes = unquote(text).ok_or(ManifestFault::Path)?;
    EntryPath::parse(&bytes).map_err(|_| ManifestFault::Path)
}

fn parse_number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn parse_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
