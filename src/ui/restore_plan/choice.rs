//! What is chosen in the dialog so far, and the wish that it makes. Pure.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use hindsight::engine::{Existing, Instead, Part, To};
use hindsight::entry::EntryPath;

use crate::ui::state::Restore;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Of the dates, each of which is there once.
    pub parts: Vec<Part>,
    pub into_folder: bool,
    pub folder: Option<PathBuf>,
    /// The home of the person whose backups these are, and the one of who restores.
    pub other_home: Option<Instead>,
    pub into_my_home: bool,
    pub existing: Existing,
}

impl Choice {
    /// `ours`: the backups are of this computer and person, so that paths mean what they say.
    pub fn new(parts: Vec<Part>, home: &Path, ours: bool) -> Self {
        let other_home = if ours { None } else { other_home(&parts, home) };
        Self {
            parts,
            into_folder: false,
            folder: None,
            other_home,
            into_my_home: true,
            existing: Existing::default(),
        }
    }

    /// `None`: a folder is still to be chosen.
    pub fn wish(&self) -> Option<Restore> {
        let to = if self.into_folder {
            To::Folder(self.folder.clone()?)
        } else {
            let instead = self.other_home.clone().filter(|_| self.into_my_home);
            To::Original { root: "/".into(), instead }
        };
        Some(Restore { parts: self.parts.clone(), to, existing: self.existing })
    }

    /// The one folder in which all paths were, or would be; `None` if there are several.
    pub fn original_folder(&self) -> Option<PathBuf> {
        let original = Self { into_folder: false, ..self.clone() };
        let mut places = original.wish()?.places().into_iter();
        let folder_of = |place: &Path| place.parent().unwrap_or(place).to_path_buf();
        let folder = folder_of(&places.next()?);
        places.all(|place| folder_of(&place) == folder).then_some(folder)
    }
}

/// Another person's home in which some path lies.
fn other_home(parts: &[Part], home: &Path) -> Option<Instead> {
    let here = EntryPath::parse(home.as_os_str().as_bytes()).ok()?;
    let homes = [EntryPath::root().child(b"home"), here.parent()?];
    let home_of = |path: &EntryPath| {
        let below = homes.iter().find_map(|homes| Some((homes, path.relative_to(homes)?)));
        let (homes, below) = below?;
        Some(homes.child(below.components().next()?))
    };
    let of = parts.iter().flat_map(|part| &part.paths).filter_map(home_of).find(|of| *of != here)?;
    Some(Instead { of, here })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn choice(paths: &[&str], ours: bool) -> Choice {
        let paths = paths.iter().map(|path| EntryPath::parse(path.as_bytes()).unwrap()).collect();
        let part = Part { paths, date: 7, mark: "12 May 2026".into() };
        Choice::new(vec![part], Path::new("/home/bob"), ours)
    }

    #[test]
    fn the_harmless_way_is_the_first() {
        let wish = choice(&["home/bob/letter"], true).wish().unwrap();
        assert_eq!(wish.existing, Existing::OnlyMissing);
        assert_eq!(wish.to, To::Original { root: "/".into(), instead: None });
    }

    #[test]
    fn without_a_folder_there_is_no_wish_for_one() {
        let into = Choice { into_folder: true, ..choice(&["a"], true) };
        assert_eq!(into.wish(), None);
        let chosen = Choice { folder: Some("/out".into()), ..into };
        assert_eq!(chosen.wish().unwrap().to, To::Folder("/out".into()));
    }

    #[test]
    fn another_persons_files_come_into_ones_own_home_unless_one_says_no() {
        let theirs = choice(&["home/alice/Pictures/a", "home/alice/Pictures/b"], false);
        let To::Original { instead: Some(instead), .. } = theirs.wish().unwrap().to else { panic!() };
        assert_eq!(
            (instead.of.to_string(), instead.here.to_string()),
            ("home/alice".into(), "home/bob".into())
        );
        assert_eq!(theirs.original_folder(), Some("/home/bob/Pictures".into()));
        let there = Choice { into_my_home: false, ..theirs };
        assert_eq!(there.wish().unwrap().to, To::Original { root: "/".into(), instead: None });
        assert_eq!(there.original_folder(), Some("/home/alice/Pictures".into()));
    }

    #[test]
    fn nobody_is_asked_about_a_home_that_is_ones_own() {
        for (path, ours) in
            [("home/bob/a", false), ("home/alice/a", true), ("etc/fstab", false), ("home", false)]
        {
            assert_eq!(choice(&[path], ours).other_home, None, "{path}");
        }
        assert_eq!(choice(&["a/x", "b/x"], true).original_folder(), None);
    }
}
