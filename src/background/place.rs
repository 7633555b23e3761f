//! How far away a plan's place is, and whether it is there: connects to nothing, and waits for no folder that does not
//! answer.

use std::net::IpAddr;
use std::time::Duration;

use crate::schedule::conditions::Reach;
use crate::settings::{PlaceKind, PlanPlace};

const PATIENCE: Duration = Duration::from_secs(5);

/// By its address alone.
pub(super) fn reach(place: &PlanPlace) -> Reach {
    let PlaceKind::Address { url } = &place.kind else { return Reach::Here };
    let Some((scheme, rest)) = url.split_once("://") else { return Reach::Here };
    if ["file", "gio+file"].iter().any(|local| scheme.eq_ignore_ascii_case(local)) {
        return Reach::Here;
    }
    // Behind the name of a remote may be anything, and most often is a cloud.
    if scheme.eq_ignore_ascii_case("rclone") {
        return Reach::Internet;
    }
    if is_in_house(host(rest)) { Reach::House } else { Reach::Internet }
}

/// Of what follows `scheme://`: without user, port and path.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_in_house(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_private() || address.is_link_local() || address.is_loopback(),
        Ok(IpAddr::V6(address)) => {
            address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback()
        }
        // Names without a domain, and those that only the house knows.
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            let domains = [".local", ".lan", ".home", ".internal", ".home.arpa", ".fritz.box"];
            !name.is_empty() && (!name.contains('.') || domains.iter().any(|end| name.ends_with(end)))
        }
    }
}

/// `None`: only a try would tell, or it does not answer.
pub(super) async fn is_present(place: &PlanPlace) -> Option<bool> {
    match &place.kind {
        PlaceKind::Drive { .. } => Some(place.spec().is_ok()),
        PlaceKind::Folder { path } => {
            let path = path.clone();
            let looked = tokio::task::spawn_blocking(move || path.is_dir());
            tokio::time::timeout(PATIENCE, looked).await.ok()?.ok()
        }
        PlaceKind::Address { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_here_in_the_house_or_on_the_internet() {
        let reach = |url: &str| {
            let kind = PlaceKind::Address { url: url.into() };
            reach(&PlanPlace { kind, label: String::new(), marker: None })
        };
        for here in ["/mnt/disk", "file:///mnt", "gio+FILE:///mnt"] {
            assert_eq!(reach(here), Reach::Here, "{here}");
        }
        for house in [
            "sftp://ada:secret@192.168.1.9:22/backups",
            "ftp://10.0.0.1",
            "smb://nas/share",
            "webdavs://Box.Fritz.Box/x",
            "sftp://user@nas.local./x",
            "ftp://[fd00::1]:21/x",
            "ftp://[fe80::1]",
            "sftp://localhost/x",
        ] {
            assert_eq!(reach(house), Reach::House, "{house}");
        }
        for away in [
            "s3://s3.example.org/bucket",
            "sftp://8.8.8.8/x",
            "ftp://[2001:db8::1]/x",
            "sftp://@/x",
            "rclone://drive:/x",
        ] {
            assert_eq!(reach(away), Reach::Internet, "{away}");
        }
    }
}
