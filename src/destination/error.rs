//! What can go wrong at a place, sorted by what can be done about it.

use std::io;

use rustix::io::Errno;

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErrorKind {
    #[error("not found")]
    NotFound,
    #[error("permission denied")]
    Denied,
    #[error("no space left")]
    NoSpace,
    #[error("read-only")]
    ReadOnly,
    #[error("not reachable")]
    Offline,
    #[error("name exists already")]
    NameTaken,
    #[error("not usable as a place for backups")]
    Misconfigured,
    /// Nobody has ever accepted this server's key; the source tells which it is.
    #[error("unknown server")]
    HostKeyUnknown,
    /// The server's key is not the one that was accepted, or it was revoked.
    #[error("not the server that was known")]
    HostKeyChanged,
    /// Of the account, or of a private key.
    #[error("password needed")]
    PasswordNeeded,
    #[error("sign-in refused")]
    SignInRefused,
    #[error("failed")]
    Other,
}

#[derive(Debug, thiserror::Error)]
#[error("{path}: {kind}{}", self.cause())]
pub struct DestinationError {
    pub kind: ErrorKind,
    /// Object or folder as people know it; no secrets.
    pub path: String,
    /// The same call may succeed if simply tried again.
    pub temporary: bool,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl DestinationError {
    pub fn new(kind: ErrorKind, path: impl Into<String>) -> Self {
        Self { kind, path: path.into(), temporary: kind == ErrorKind::Offline, source: None }
    }

    /// With what caused it.
    pub(super) fn because(self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(cause.into()), ..self }
    }

    /// Sorts an I/O error, from `open`'s reader or a `Staged` writer too.
    pub fn from_io(path: impl Into<String>, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        // A destination's own error may have travelled inside an `io::Error`.
        if error.get_ref().is_some_and(|inner| inner.is::<Self>()) {
            let inner = error.into_inner().and_then(|inner| inner.downcast::<Self>().ok());
            return inner.map_or_else(|| Self::new(ErrorKind::Other, path), |inner| *inner);
        }
        let (kind, temporary) = classify(&error);
        Self { kind, path: path.into(), temporary, source: Some(Box::new(error)) }
    }

    fn cause(&self) -> String {
        self.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default()
    }
}

impl From<DestinationError> for io::Error {
    fn from(error: DestinationError) -> Self {
        io::Error::other(error)
    }
}

fn classify(error: &io::Error) -> (ErrorKind, bool) {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR) => (ErrorKind::NotFound, false),
        Some(Errno::ACCESS | Errno::PERM) => (ErrorKind::Denied, false),
        Some(Errno::NOSPC | Errno::DQUOT) => (ErrorKind::NoSpace, false),
        Some(Errno::ROFS) => (ErrorKind::ReadOnly, false),
        Some(Errno::EXIST) => (ErrorKind::NameTaken, false),
        Some(
            Errno::NODEV
            | Errno::NXIO
            | Errno::STALE
            | Errno::NOTCONN
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::CONNREFUSED
            | Errno::CONNRESET
            | Errno::CONNABORTED
            | Errno::PIPE
            | Errno::TIMEDOUT,
        ) => (ErrorKind::Offline, true),
        Some(Errno::INTR | Errno::AGAIN | Errno::BUSY) => (ErrorKind::Other, true),
        Some(_) => (ErrorKind::Other, false),
        None => classify_portable(error.kind()),
    }
}

/// Errors made by libraries carry no number of the system.
fn classify_portable(kind: io::ErrorKind) -> (ErrorKind, bool) {
    match kind {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, false),
        io::ErrorKind::PermissionDenied => (ErrorKind::Denied, false),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (ErrorKind::NoSpace, false),
        io::ErrorKind::ReadOnlyFilesystem => (ErrorKind::ReadOnly, false),
        io::ErrorKind::AlreadyExists => (ErrorKind::NameTaken, false),
        io::ErrorKind::TimedOut
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => (ErrorKind::Offline, true),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => (ErrorKind::Other, true),
        _ => (ErrorKind::Other, false),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_are_sorted_by_what_can_be_done() {
        let kind = |errno: Errno| DestinationError::from_io("x", errno).kind;
        assert_eq!(kind(Errno::NOSPC), ErrorKind::NoSpace);
        assert_eq!(kind(Errno::DQUOT), ErrorKind::NoSpace);
        assert_eq!(kind(Errno::ROFS), ErrorKind::ReadOnly);
        assert_eq!(kind(Errno::ACCESS), ErrorKind::Denied);
        assert_eq!(kind(Errno::NOENT), ErrorKind::NotFound);
        assert_eq!(kind(Errno::IO), ErrorKind::Other);
        assert!(DestinationError::from_io("x", Errno::TIMEDOUT).temporary);
        assert!(!DestinationError::from_io("x", Errno::NOSPC).temporary);
    }

    #[test]
    fn an_error_inside_an_io_error_comes_back_unchanged() {
        let wrapped = io::Error::from(DestinationError::new(ErrorKind::NoSpace, "there"));
        let back = DestinationError::from_io("elsewhere", wrapped);
        assert_eq!((back.kind, back.path.as_str()), (ErrorKind::NoSpace, "there"));
    }

    #[test]
    fn the_message_names_path_kind_and_cause() {
        let text = DestinationError::from_io("/mnt/x", Errno::NOSPC).to_string();
        assert!(text.starts_with("/mnt/x: no space left ("), "{text}");
    }
}
