//! Files as they were, for other programs: a copy that is opened and only to be read, and copies of what is dragged out.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use adw::prelude::*;
use hindsight::context::Context;
use hindsight::engine::{
    BringBackJob, Existing, Job, Ownership, Part, Place, RestoreJob, To, Wish, estimate, run,
};
use hindsight::entry::EntryPath;
use hindsight::error::{Error, Result};
use hindsight::folders;
use relm4::{adw, gtk};

/// Restores one file into a folder of its own, and returns where it is. Seconds since 1970.
pub fn make(place: Place, path: EntryPath, date: i64) -> Result<PathBuf> {
    let folder = new_folder()?;
    let target = path.below(Path::new("")).file_name().map(|name| folder.join(name));
    let target = target.ok_or_else(|| Error::Internal("a copy needs a name".into()))?;
    let job = RestoreJob {
        place,
        target: target.clone(),
        path,
        selection: Arc::default(),
        time: Some(date),
        force: false,
        ownership: Ownership::Ignore,
        renames: Vec::new(),
    };
    run(Job::Restore(job), &Context::silent())?;
    // What is written into it would be lost: programs say so, or ask where to save.
    let _ = fs::set_permissions(&target, Permissions::from_mode(0o400));
    Ok(target)
}

/// Restores files and folders, each as of its date, into a folder of their own, and returns where they are. What could
/// not be brought back is not among them, and `ctx` is told.
pub fn make_all(place: &Place, parts: Vec<Part>, ctx: &Context) -> Result<Vec<PathBuf>> {
    let folder = new_folder()?;
    let wish = Wish { parts, to: To::Folder(folder.clone()), existing: Existing::OnlyMissing };
    let mut files = wish.places();
    if let Err(error) = restore(place, wish, &folder, ctx) {
        remove(&folder);
        return Err(error);
    }
    files.retain(|file| file.symlink_metadata().is_ok());
    if files.is_empty() {
        remove(&folder);
    }
    Ok(files)
}

fn restore(place: &Place, wish: Wish, folder: &Path, ctx: &Context) -> Result<()> {
    // Whole folders may be wanted, by a hand that slipped too: the disk is not filled to find out.
    if !estimate(place, &wish, ctx)?.shortages.is_empty() {
        return Err(Error::Local { path: folder.into(), source: io::ErrorKind::StorageFull.into() });
    }
    let job = BringBackJob { place: place.clone(), wish, ownership: Ownership::Ignore, undo: None };
    run(Job::BringBack(job), ctx).map(drop)
}

/// Copies that nobody has got.
pub fn discard(files: &[PathBuf]) {
    files.first().and_then(|file| file.parent()).into_iter().for_each(remove);
}

/// With the program that is there for such files.
pub fn open(file: &Path, page: &adw::NavigationPage) {
    let launcher = gtk::FileLauncher::new(Some(&gtk::gio::File::for_path(file)));
    let window = page.root().and_downcast::<gtk::Window>();
    launcher.launch(window.as_ref(), None::<&gtk::gio::Cancellable>, |_| {});
}

/// For this user alone, in the caches, since it may be large; those of an earlier run of the app are removed by the first.
fn new_folder() -> Result<PathBuf> {
    static COPIES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let copies = COPIES.get_or_init(|| {
        let folder = folders::caches()?.join("hindsight/copies");
        remove(&folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
        Some(folder)
    });
    let made = match copies {
        Some(copies) => tempfile::Builder::new().prefix("").tempdir_in(copies),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    made.map(tempfile::TempDir::keep)
        .map_err(|error| Error::Internal(format!("a folder for copies: {error}")))
}

/// With folders in it that may not be written to, as they were in the backup.
fn remove(folder: &Path) {
    if fs::remove_dir_all(folder).is_ok() {
        return;
    }
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, Permissions::from_mode(0o700));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        folders.extend(entries.filter(is_folder).map(|entry| entry.path()));
    }
    let _ = fs::remove_dir_all(folder);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_removed_with_folders_that_may_not_be_written_to() {
        let home = tempfile::tempdir().unwrap();
        let copies = home.path().join("copies");
        let locked = copies.join("a/locked/inner");
        fs::create_dir_all(&locked).unwrap();
        fs::write(locked.join("letter.txt"), "Dear Ada,").unwrap();
        for folder in [locked.as_path(), locked.parent().unwrap()] {
            fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap();
        }
        remove(&copies);
        assert!(!copies.exists());
    }
}
