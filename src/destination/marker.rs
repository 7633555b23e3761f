//! `hindsight-place.json` (`FORMAT.md` 21): tells one place from another, and a drive from its bare mount point.
//!
//! A plan remembers the id. Before anything is written the marker must be there and equal; what a missing or
//! different one means is for the caller to decide.

use serde::{Deserialize, Serialize};

use super::upload_name::random_id;
use super::{Destination, DestinationError, ErrorKind, Existing, Result, put_bytes, read_bytes};
use crate::context::Context;
use crate::entry::Timestamp;

pub const MARKER_NAME: &str = "hindsight-place.json";
/// Of the marker's own form. A higher number at a place means a newer Hindsight writes there.
const VERSION: u32 = 1;
/// Bytes; ours has about 120.
const LIMIT: u64 = 64 << 10;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Marker {
    /// 32 random hexadecimal digits.
    pub id: String,
    pub version: u32,
    /// Day the place was first used, as `2026-11-22` in UTC. For people.
    pub created: String,
}

impl Marker {
    pub fn new(now: Timestamp) -> Result<Self> {
        let day = chrono::DateTime::from_timestamp(now.seconds, 0).unwrap_or_default();
        Ok(Self { id: random_id()?, version: VERSION, created: day.format("%Y-%m-%d").to_string() })
    }

    /// Written by a Hindsight newer than this one: read, but do not write.
    pub fn is_newer(&self) -> bool {
        self.version > VERSION
    }
}

/// The marker of a place, `None` if it has none. `NotFound` if the place itself is missing; `Other` if the
/// marker cannot be understood.
pub fn read_marker(place: &dyn Destination) -> Result<Option<Marker>> {
    if place.size(MARKER_NAME)?.is_none() {
        return Ok(None);
    }
    let bytes = read_bytes(place, MARKER_NAME, LIMIT)?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let path = format!("{}/{MARKER_NAME}", place.describe());
        DestinationError { source: Some(error.into()), ..DestinationError::new(ErrorKind::Other, path) }
    })
}

/// Marks a place. `NameTaken` if it has a marker: an identity is never overwritten.
pub fn write_marker(place: &dyn Destination, marker: &Marker, ctx: &Context) -> Result<()> {
    let text = serde_json::to_vec(marker).map_err(|error| DestinationError {
        source: Some(error.into()),
        ..DestinationError::new(ErrorKind::Other, MARKER_NAME)
    })?;
    put_bytes(place, MARKER_NAME, &text, Existing::Refuse, ctx)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::destination::Folder;

    #[test]
    fn a_marker_is_written_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let place = Folder::new(dir.path());
        assert_eq!(read_marker(&place).unwrap(), None);
        let marker = Marker::new(Timestamp::from_seconds(1_795_392_000)).unwrap();
        assert_eq!(marker.created, "2026-11-23");
        write_marker(&place, &marker, &Context::silent()).unwrap();
        assert_eq!(read_marker(&place).unwrap(), Some(marker.clone()));
        let again = write_marker(&place, &marker, &Context::silent()).unwrap_err();
        assert_eq!(again.kind, ErrorKind::NameTaken);
    }

    #[test]
    fn a_missing_place_is_not_a_place_without_marker() {
        let dir = tempfile::tempdir().unwrap();
        let error = read_marker(&Folder::new(dir.path().join("gone"))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }

    #[test]
    fn garbage_in_the_marker_is_an_error_not_an_absence() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(MARKER_NAME), "{").unwrap();
        assert_eq!(read_marker(&Folder::new(dir.path())).unwrap_err().kind, ErrorKind::Other);
    }
}
