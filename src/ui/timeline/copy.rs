//! A file as it was, opened with the program that people open such files with: in a copy that is only to be read.

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use adw::prelude::*;
use hindsight::context::Context;
use hindsight::engine::{Job, Ownership, Place, RestoreJob, run};
use hindsight::entry::EntryPath;
use hindsight::error::{Error, Result};
use hindsight::folders;
use relm4::{adw, gtk};

/// Restores one file into a folder of its own, and returns where it is. Seconds since 1970.
pub fn make(place: Place, path: EntryPath, date: i64) -> Result<PathBuf> {
    let folder = new_folder().map_err(|error| Error::Internal(format!("a folder for copies: {error}")))?;
    let target = path.below(Path::new("")).file_name().map(|name| folder.join(name));
    let target = target.ok_or_else(|| Error::Internal("a copy needs a name".into()))?;
    let job = RestoreJob {
        place,
        target: target.clone(),
        path,
        time: Some(date),
        force: false,
        ownership: Ownership::Ignore,
    };
    run(Job::Restore(job), &Context::silent())?;
    // What is written into it would be lost: programs say so, or ask where to save.
    let _ = fs::set_permissions(&target, Permissions::from_mode(0o400));
    Ok(target)
}

/// With the program that is there for such files.
pub fn open(file: &Path, page: &adw::NavigationPage) {
    let launcher = gtk::FileLauncher::new(Some(&gtk::gio::File::for_path(file)));
    let window = page.root().and_downcast::<gtk::Window>();
    launcher.launch(window.as_ref(), None::<&gtk::gio::Cancellable>, |_| {});
}

/// For this user alone, in the caches, since it may be large; those of an earlier run of the app are removed by the first.
fn new_folder() -> std::io::Result<PathBuf> {
    static COPIES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let copies = COPIES.get_or_init(|| {
        let folder = folders::caches()?.join("hindsight/copies");
        let _ = fs::remove_dir_all(&folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
        Some(folder)
    });
    let copies = copies.as_ref().ok_or(std::io::ErrorKind::NotFound)?;
    Ok(tempfile::Builder::new().prefix("").tempdir_in(copies)?.keep())
}
