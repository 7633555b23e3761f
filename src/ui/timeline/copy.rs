//! Files as they were, for other programs: a copy that is opened and only to be read, and copies of what is dragged out.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use adw::prelude::*;
use hindsight::context::{CancelToken, Context, Monitor, Problem, ProblemKind};
use hindsight::engine::{BringBackJob, Existing, Job, Ownership, Part, Place, To, Wish, estimate, run};
use hindsight::entry::EntryPath;
use hindsight::error::{Error, Result};
use hindsight::folders;
use relm4::{adw, gtk};

use super::row;
use crate::ui::state::Problems;

/// Copies, and what could not be brought back.
#[derive(Debug)]
pub struct Made {
    pub files: Vec<PathBuf>,
    pub problems: Problems,
}

/// One file as of a date, which is only to be read. Seconds since 1970.
pub fn make_one(place: &Place, path: EntryPath, date: i64) -> Result<Made> {
    let made = make(place, vec![row::part(date, vec![path])], CancelToken::default())?;
    for file in &made.files {
        // What is written into it would be lost: programs say so, or ask where to save. Not what a link leads to.
        if file.symlink_metadata().is_ok_and(|found| found.is_file()) {
            let _ = fs::set_permissions(file, Permissions::from_mode(0o400));
        }
    }
    Ok(made)
}

/// Restores files and folders, each as of its date, into a folder of their own.
pub fn make(place: &Place, parts: Vec<Part>, cancel: CancelToken) -> Result<Made> {
    let folder = new_folder()?;
    let wish = Wish { parts, to: To::Folder(folder.clone()), existing: Existing::OnlyMissing };
    let mut files = wish.places();
    let troubles = Arc::new(Troubles { wish: wish.clone(), problems: Mutex::default() });
    let ctx = Context { cancel, monitor: troubles.clone(), ..Context::silent() };
    if let Err(error) = restore(place, wish, &folder, &ctx) {
        remove(&folder);
        return Err(error);
    }
    files.retain(|file| file.symlink_metadata().is_ok());
    if files.is_empty() {
        remove(&folder);
    }
    let problems = troubles.problems.lock().map(|mut problems| std::mem::take(&mut *problems));
    Ok(Made { files, problems: problems.unwrap_or_default() })
}

fn restore(place: &Place, wish: Wish, folder: &Path, ctx: &Context) -> Result<()> {
    // Whole folders may be wanted, by a hand that slipped too: the disk is not filled to find out.
    if !estimate(place, &wish, ctx)?.shortages.is_empty() {
        return Err(Error::Local { path: folder.into(), source: io::ErrorKind::StorageFull.into() });
    }
    let job = BringBackJob { place: place.clone(), wish, ownership: Ownership::Ignore, undo: None };
    run(Job::BringBack(job), ctx).map(drop)
}

/// Collects what could not be brought back, by the names that people know: nobody has heard of the copies. Of a copy
/// that has all but its owner or its attributes, nobody must know.
struct Troubles {
    wish: Wish,
    problems: Mutex<Problems>,
}

impl Monitor for Troubles {
    fn problem(&self, problem: Problem) {
        let matters =
            matches!(problem.kind, ProblemKind::Lost | ProblemKind::Corrupt | ProblemKind::NotWritten);
        if let (true, Ok(mut problems)) = (matters, self.problems.lock()) {
            let origin = self.wish.path_at(&problem.path).map(|path| path.below(Path::new("/")));
            problems.add(Problem { path: origin.unwrap_or(problem.path), ..problem });
        }
    }
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
