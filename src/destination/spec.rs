//! A place as a person writes it: duplicity's URLs.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use md5::{Digest, Md5};

use super::ssh::{Address, Ssh};
use super::{Destination, Folder, Login, Rclone};

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SpecError {
    #[error("not an address of the form scheme://place")]
    NotUrl,
    #[error("places of the kind {scheme}:// are not supported")]
    UnsupportedScheme { scheme: String },
    #[error("the address names no folder")]
    NoPath,
    #[error("the address names no server, or a port that cannot be")]
    NoHost,
    #[error("the address is not text")]
    NotText,
}

/// What duplicity calls ssh, with the names of the programs that it can use for it.
const SSH: [&str; 9] = [
    "sftp",
    "scp",
    "ssh",
    "paramiko+sftp",
    "paramiko+scp",
    "pexpect+sftp",
    "pexpect+scp",
    "lftp+sftp",
    "lftp+scp",
];

/// Whether duplicity takes an argument for a URL rather than a path.
pub fn is_url(text: &OsStr) -> bool {
    scheme(text.as_bytes()).is_some()
}

#[derive(Clone, PartialEq, Eq)]
pub struct Spec {
    typed: OsString,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Folder(PathBuf),
    Ssh(Address),
    /// What rclone takes: remote and folder.
    Rclone(String),
    /// A folder that fails as it is told.
    #[cfg(feature = "fault-injection")]
    Faulty(PathBuf),
}

impl Spec {
    /// `file:///absolute`, the same with `gio+` before it, or `file://relative/to/the/working/folder`; or
    /// `sftp://[user[:password]@]host[:port]/relative`, `…//absolute`, also called `scp` and `ssh`; or
    /// `rclone://remote:folder`, `rclone://remote://absolute`.
    ///
    /// As in duplicity a query (`?`) and fragment (`#`) are cut off, tabs and line ends ignored, and percent signs decoded (of a local folder only
    /// after the first slash). Unlike there, `%FF` is a byte of a local name, and any number of slashes makes an
    /// absolute local path.
    pub fn parse(typed: &OsStr) -> Result<Self, SpecError> {
        let (scheme, rest) = scheme(typed.as_bytes()).ok_or(SpecError::NotUrl)?;
        let is_one_of = |ours: &[&str]| ours.iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
        let rest = rest.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
        let rest: Vec<u8> =
            rest.iter().copied().filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n')).collect();
        // gio reaches many things; this is a plain folder in its words.
        let kind = if is_one_of(&["file", "gio+file"]) {
            Kind::Folder(local_folder(&rest)?)
        } else if is_one_of(&SSH) {
            Kind::Ssh(Address::parse(&rest)?)
        } else if is_one_of(&["rclone"]) {
            Kind::Rclone(remote(&rest)?)
        } else {
            #[cfg(feature = "fault-injection")]
            if is_one_of(&[super::faults::SCHEME]) {
                return Ok(Self { typed: typed.to_owned(), kind: Kind::Faulty(local_folder(&rest)?) });
            }
            return Err(SpecError::UnsupportedScheme { scheme: scheme.to_ascii_lowercase() });
        };
        Ok(Self { typed: typed.to_owned(), kind })
    }

    /// A folder chosen by other means than a typed address.
    pub fn from_folder(folder: &Path) -> Self {
        let encoded: String =
            folder.as_os_str().as_bytes().iter().map(|byte| percent_encode(*byte)).collect();
        Self { typed: format!("file://{encoded}").into(), kind: Kind::Folder(folder.to_owned()) }
    }

    /// Exactly as given. May hold a password: not for display.
    pub fn typed(&self) -> &OsStr {
        &self.typed
    }

    /// Whether the address itself lets whoever reads it in.
    pub fn has_password(&self) -> bool {
        matches!(&self.kind, Kind::Ssh(address) if address.has_password())
    }

    /// Where the place is a folder of this computer: that folder, as given.
    pub fn folder(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Folder(folder) => Some(folder),
            Kind::Ssh(_) | Kind::Rclone(_) => None,
            #[cfg(feature = "fault-injection")]
            Kind::Faulty(folder) => Some(folder),
        }
    }

    /// The same for every way to write one place: absolute, symbolic links of local folders resolved as far as the
    /// path exists. For locks; never shown. Fails only if the working folder is gone.
    pub fn normalised(&self) -> std::io::Result<OsString> {
        match &self.kind {
            #[cfg(feature = "fault-injection")]
            Kind::Faulty(folder) => Self::from_folder(folder).normalised(),
            Kind::Folder(folder) => {
                let resolved = resolve(&std::path::absolute(folder)?);
                let mut url = OsString::from("file://");
                url.push(resolved);
                Ok(url)
            }
            Kind::Ssh(address) => Ok(address.normalised().into()),
            Kind::Rclone(remote) => Ok(format!("rclone://{remote}").into()),
        }
    }

    /// Name of duplicity's cache folder when none is given: hexadecimal MD5 of the address as typed.
    pub fn default_cache_name(&self) -> String {
        Md5::digest(self.typed.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The place itself. Touches nothing yet.
    pub fn connect(&self, login: Login) -> Box<dyn Destination> {
        match &self.kind {
            Kind::Folder(folder) => Box::new(Folder::new(folder)),
            Kind::Ssh(address) => Box::new(Ssh::new(address.clone(), login)),
            Kind::Rclone(remote) => Box::new(Rclone::new(remote)),
            #[cfg(feature = "fault-injection")]
            Kind::Faulty(folder) => Box::new(super::faults::Faulty::new(folder)),
        }
    }
}

/// For people and logs: without a password.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Folder(folder) => folder.display().fmt(f),
            Kind::Ssh(address) => address.fmt(f),
            Kind::Rclone(remote) => Rclone::new(remote).describe().fmt(f),
            #[cfg(feature = "fault-injection")]
            Kind::Faulty(folder) => folder.display().fmt(f),
        }
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spec({self})")
    }
}

fn local_folder(rest: &[u8]) -> Result<PathBuf, SpecError> {
    let slash = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (first, path) = rest.split_at(slash);
    let folder = [first, percent_decode(path).as_slice()].concat();
    // A NUL cannot be part of any path.
    if folder.is_empty() || folder.contains(&0) {
        return Err(SpecError::NoPath);
    }
    Ok(OsString::from_vec(folder).into())
}

/// `REMOTE:FOLDER`, as duplicity gives it to rclone: with the colon, decoded, and without one slash behind the colon. Two
/// of them begin an absolute path, where a remote has such.
fn remote(rest: &[u8]) -> Result<String, SpecError> {
    let remote = String::from_utf8(percent_decode(rest)).map_err(|_| SpecError::NotText)?;
    match remote.contains(':') && !remote.contains('\0') {
        true => Ok(remote.replacen(":/", ":", 1)),
        false => Err(SpecError::NoPath),
    }
}

/// Splits `scheme://rest`.
fn scheme(text: &[u8]) -> Option<(&str, &[u8])> {
    let end = text.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+')))?;
    let rest = text[end..].strip_prefix(b"://")?;
    let scheme = std::str::from_utf8(&text[..end]).ok()?;
    (!scheme.is_empty()).then_some((scheme, rest))
}

/// Percent signs without two hexadecimal digits stay as they are.
pub(super) fn percent_decode(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match (byte, digit(tail.first()), digit(tail.get(1))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            _ => {
                decoded.push(*byte);
                rest = tail;
            }
        }
    }
    decoded
}

fn percent_encode(byte: u8) -> String {
    match byte {
        b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

/// Resolves the longest part of an absolute path that exists; `..` in the rest is taken literally.
fn resolve(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let Some((ancestor, mut resolved)) = existing else { return path.to_owned() };
    for component in path.strip_prefix(ancestor).unwrap_or(Path::new("")).components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            other => resolved.push(other),
        }
    }
    resolved
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn folder(url: &str) -> PathBuf {
        Spec::parse(OsStr::new(url)).unwrap().folder().unwrap().to_owned()
    }

    #[test]
    fn local_addresses_mean_what_they_mean_to_duplicity() {
        assert_eq!(folder("file:///a%20b/c?x#y"), Path::new("/a b/c"));
        assert_eq!(folder("file://rel/d;p?q"), Path::new("rel/d;p"));
        assert_eq!(folder("file://%41b/c%41"), Path::new("%41b/cA"));
        assert_eq!(folder("file://u@h:3/x"), Path::new("u@h:3/x"));
        assert_eq!(folder("FILE:///a\nb/ c "), Path::new("/ab/ c "));
        assert_eq!(folder("file:///100%/%zz"), Path::new("/100%/%zz"));
        assert_eq!(folder("file:///%FF").as_os_str().as_bytes(), b"/\xff");
        assert_eq!(folder("file:///"), Path::new("/"));
        assert_eq!(folder("gio+file:///a%20b"), Path::new("/a b"));
    }

    #[test]
    fn other_schemes_are_named_in_the_error_and_nothing_else_is() {
        let error = Spec::parse(OsStr::new("mega://me:secret@host/dir")).unwrap_err();
        assert_eq!(error, SpecError::UnsupportedScheme { scheme: "mega".into() });
        assert!(!error.to_string().contains("secret"));
        assert_eq!(Spec::parse(OsStr::new("/a/path")), Err(SpecError::NotUrl));
        assert_eq!(Spec::parse(OsStr::new("file://")), Err(SpecError::NoPath));
        assert_eq!(Spec::parse(OsStr::new("file:///a%00b")), Err(SpecError::NoPath));
    }

    #[cfg(not(feature = "fault-injection"))]
    #[test]
    fn the_place_that_fails_for_tests_is_in_builds_for_tests_only() {
        let error = Spec::parse(OsStr::new("fortestsonly:///tmp/x")).unwrap_err();
        assert_eq!(error, SpecError::UnsupportedScheme { scheme: "fortestsonly".into() });
    }

    #[test]
    fn all_names_of_ssh_mean_the_same() {
        let spec = |url: &str| Spec::parse(OsStr::new(url)).unwrap();
        let expected = spec("sftp://me:secret@host/dir");
        assert_eq!(expected.to_string(), "sftp://host/dir");
        assert_eq!(expected.folder(), None);
        assert!(expected.has_password() && !spec("sftp://me@host/dir").has_password());
        assert!(!format!("{expected:?}").contains("secret"));
        for scheme in ["scp", "SSH", "paramiko+sftp", "pexpect+scp", "lftp+sftp"] {
            let other = spec(&format!("{scheme}://me@host:22/dir/?x#y"));
            assert_eq!(other.normalised().unwrap(), expected.normalised().unwrap(), "{scheme}");
        }
    }

    #[test]
    fn one_slash_behind_a_remote_of_rclone_is_dropped_as_by_duplicity() {
        let remote = |url: &str| Spec::parse(OsStr::new(url)).unwrap().normalised().unwrap();
        assert_eq!(remote("rclone://there:/a%20b"), "rclone://there:a b");
        assert_eq!(remote("rclone://there:a"), "rclone://there:a");
        assert_eq!(remote("rclone://there://a"), "rclone://there:/a");
        assert_eq!(Spec::parse(OsStr::new("rclone://there/a")), Err(SpecError::NoPath));
    }

    #[test]
    fn urls_are_told_from_paths() {
        for url in ["file://x", "gio+smb://h/s", "S3://b", "x_1://"] {
            assert!(is_url(OsStr::new(url)), "{url}");
        }
        for path in ["/a", "a", "", "://x", "file:/x", "./file://x", "a-b://x"] {
            assert!(!is_url(OsStr::new(path)), "{path}");
        }
    }

    #[test]
    fn the_cache_is_named_by_the_address_as_typed() {
        let spec = Spec::parse(OsStr::new("file:///tmp/backup")).unwrap();
        assert_eq!(spec.default_cache_name(), "ba8d32ccb88d13597b4784252744fc75");
    }

    #[test]
    fn all_spellings_of_a_place_normalise_to_one() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("real")).unwrap();
        std::os::unix::fs::symlink("real", base.join("link")).unwrap();
        let normal = |tail: &str| {
            Spec::parse(OsStr::new(&format!("file://{}/{tail}", base.display())))
                .unwrap()
                .normalised()
                .unwrap()
        };
        let expected = normal("real/new");
        for other in ["link/new", "real//new/", "./real/new", "link/new/", "real/x/../new", "%72eal/new"] {
            assert_eq!(normal(other), expected, "{other}");
        }
        std::fs::create_dir(base.join("real/new")).unwrap();
        assert_eq!(normal("link/new"), expected, "the same once it exists");
    }

    #[test]
    fn any_folder_can_be_spelled_as_an_address() {
        let odd = Path::new(OsStr::from_bytes(b"/a b/100%25#?\xff\n"));
        let spec = Spec::from_folder(odd);
        assert_eq!(Spec::parse(spec.typed()).unwrap().folder(), Some(odd));
    }
}
