//! A backup as of some date, for `dated`: `dated_backup --archive-dir CACHE --current-time SECONDS SOURCE URL`, which
//! are the words of duplicity. The program itself takes that date only in builds for tests.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

use std::path::PathBuf;
use std::sync::Arc;

use hindsight::context::{Clock, Context};
use hindsight::destination::Spec;
use hindsight::engine::{self, BackupJob, Job, Keys, Mode, Place, Prefixes, Renewal};
use hindsight::secret::Passphrase;
use hindsight::tree::select::Selection;

fn main() {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [_, cache, _, seconds, source, url] = &words[..] else { panic!("six words are needed") };
    let place = Spec::parse(url).unwrap();
    let passphrase = Passphrase::new(std::env::var("PASSPHRASE").unwrap());
    let job = BackupJob {
        place: Place {
            destination: Arc::from(place.connect()),
            passphrase: Some(passphrase),
            keys: Keys::default(),
            cache: PathBuf::from(cache),
            address: place.normalised().unwrap(),
            prefixes: Prefixes::default(),
        },
        place_id: None,
        source: PathBuf::from(source),
        selection: Arc::new(Selection::everything()),
        mode: Mode::Auto,
        encrypt: true,
        volume_size: None,
        allow_source_mismatch: false,
        count_first: false,
        skip_unchanged: false,
        guard: Vec::new(),
        renewal: Renewal::default(),
        dry_run: false,
        statistics: false,
    };
    let clock = Clock::Fixed(seconds.to_str().unwrap().parse().unwrap());
    engine::run(Job::Backup(job), &Context { clock, ..Context::silent() }).unwrap();
}
