//! Hindsight: backups with a timeline, in duplicity's repository format.
//!
//! # The map
//!
//! ```text
//!  ui (src/main.rs, src/ui)      cli (src/cli) ◄─ background (a process; starts `plan run` when it is due)
//!        │  Job, JobHandle            │             settings (plans) · jobs (plan to job) · schedule · ledger
//!        │                            │             keyring · recovery (the sheet) · hooks · desktop (drives) · explain
//!        ▼
//!  worker          one thread, a queue, one sink for events
//!        ▼
//!  engine          backup · restore · verify · list · search · status · timeline
//!                  remove · cleanup · erase · replicate                        + plan, retention (pure)
//!        ▼                       ▼
//!  repository      sets, journal, catalogue,     tree   local files in path order, faithful metadata
//!    ▼        ▼        ▼                         delta  signature, diff, patch (pure)
//!  duplicity  crypto  destination
//!  (pure)    OpenPGP  local folders, folders of servers by ssh
//! ```
//!
//! Calls go down, values come up, events go to one sink. Nothing below `worker` knows queues; nothing
//! above `repository` knows how a backup is spelled in files; the engine reads no settings and no
//! environment. Who may import whom is a table in `tests/layering.rs`.
//!
//! Base modules, importable by all: [`entry`] (paths and attributes), [`context`] (cancel, report, clock),
//! [`secret`], [`deflate`], [`lock`], [`folders`] (where our own files are), [`ledger`] (what became of runs), [`i18n`].
//!
//! To read on: [`engine`] (the jobs, one match), `engine/backup.rs` (the whole story), `engine/pipeline.rs`
//! (its threads), `repository/writer.rs` (the order of writes), `repository/catalog.rs` (what is known of all
//! backups), `repository/chronicle.rs` (what the timeline reads), [`duplicity`] (the format), `ui/mod.rs` (the tree of
//! components), `ui/state.rs` (what the app decides).

#[cfg(feature = "background")]
pub mod background;
pub mod cli;
pub mod context;
pub mod crypto;
pub mod deflate;
pub mod delta;
#[cfg(feature = "gui")]
pub mod desktop;
pub mod destination;
pub mod duplicity;
pub mod engine;
pub mod entry;
pub mod error;
pub mod explain;
pub mod folders;
pub mod hooks;
pub mod i18n;
pub mod jobs;
pub mod keyring;
pub mod ledger;
pub mod lock;
pub mod recovery;
mod repository;
#[cfg(feature = "keyring")]
mod runtime;
pub mod schedule;
pub mod secret;
pub mod settings;
pub mod texts;
pub mod tree;
pub mod worker;
