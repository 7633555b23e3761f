//! A wish carried out: planned, read in one go, written, and written down so that it can be undone.

use std::sync::Arc;

use super::known::Known;
use super::planned::Planned;
use super::shared::Shared;
use super::{Restore, Task, Writers};
use crate::context::{Context, ProblemKind};
use crate::engine::dates::report_unusable;
use crate::engine::states::States;
use crate::engine::undo::Record;
use crate::engine::wish::{Estimate, Existing, Hindrance, Obstacle, Wish};
use crate::engine::{BringBackJob, Place, RestoreReport};
use crate::error::{Error, Result};
use crate::repository::stream::Wanted;
use crate::repository::{BackupSet, Repository, SetTime, asctime};
use crate::tree::select::Selection;
use crate::tree::target;

/// What a wish would do now. Looks at the files that are there, and reads those that may be the same; fetches
/// nothing but what the catalogue does not know yet.
pub fn estimate(place: &Place, wish: &Wish, ctx: &Context) -> Result<Estimate> {
    let repository = place.open()?;
    // As it is while a backup runs, where that suffices.
    let catalog = |sets: &_| repository.catalog_if_known(sets).map_or_else(|| repository.catalog(sets), Ok);
    let known = Known::of(wish, &repository, ctx, catalog)?;
    Planned::of(wish, &known, ctx)?.estimate(&repository, &known, ctx)
}

pub(in crate::engine) fn run(job: BringBackJob, ctx: &Context) -> Result<RestoreReport> {
    let BringBackJob { place, wish, ownership, undo } = job;
    let repository = place.open()?;
    let repository = Arc::new(repository);
    let known = Known::of(&wish, &repository, ctx, |sets| repository.catalog(sets))?;
    let unusable = |(date, sets)| report_unusable(&repository, sets, Some(date), wish.base(), ctx);
    let unusable = known.dates().map(unusable).sum::<u64>();
    let time = known.sets().last().map_or(0, |set| set.id.at.0);
    let planned = Planned::of(&wish, &known, ctx)?;
    if planned.finds_nothing() {
        let path = planned.absent.into_iter().next().unwrap_or_default();
        return Err(Error::PathNotFound { path, date: asctime(time) });
    }
    let wanted = planned.wanted(&known);
    let record = undo.map(|file| Arc::new(Record::new(file, wish.base())));
    let task = task(&wish, &planned, ownership, record.as_ref(), ctx);
    let shared = Shared::new(&task, ctx);
    shared.expect(planned.write);
    shared.left_alone(planned.counts.kept);
    planned.look.obstacles.iter().for_each(|obstacle| shared.barred(obstacle));
    for path in &planned.absent {
        let root = planned.roots.root_of(path);
        let place = root.map_or_else(|| path.clone(), |root| root.place_of(path)).below(wish.base());
        let date = root.map_or(time, |root| root.date);
        ctx.problem(ProblemKind::Lost, place, format_args!("it is not in the backup of {}", asctime(date)));
    }
    let restored = if wanted.is_empty() { Ok(()) } else { all(&repository, wanted, &shared) };
    // Also of what was stopped or failed halfway.
    let undo = record.and_then(|record| record.finish(ctx));
    restored?;
    shared.report_progress(wish.base().to_path_buf());
    Ok(RestoreReport { undo, ..shared.report(time, unusable + planned.absent.len() as u64) })
}

fn all(repository: &Arc<Repository>, wanted: Vec<(BackupSet, Wanted)>, shared: &Shared<'_>) -> Result<()> {
    let mut states = States::of(repository, wanted, shared.ctx)?;
    std::thread::scope(|scope| {
        let writers = Writers::start(scope, shared);
        Restore::new(shared, writers).all(&mut states, &Selection::everything())
    })
}

fn task(
    wish: &Wish,
    planned: &Planned,
    ownership: super::Ownership,
    record: Option<&Arc<Record>>,
    ctx: &Context,
) -> Task {
    let existing = match wish.existing {
        Existing::OnlyMissing => target::Existing::Keep,
        Existing::KeepBoth => target::Existing::KeepBoth,
        Existing::Replace => target::Existing::MoveAway,
    };
    let deeds = record.map(|record| {
        let record = Arc::clone(record);
        Arc::new(move |deed| record.tell(deed)) as Arc<target::Deeds>
    });
    Task {
        base: wish.base().to_path_buf(),
        roots: planned.roots.clone(),
        above: planned.above.clone(),
        existing,
        makes_way: false,
        aside: format!(".hindsight-replaced-{}", SetTime(ctx.clock.now().seconds)),
        deeds,
        ownership,
    }
}

/// For the log and the list of problems.
pub(super) fn why_barred(obstacle: &Obstacle) -> &'static str {
    match obstacle.why {
        Hindrance::NotPermitted { of_another_user: true } => "it belongs to another user",
        Hindrance::NotPermitted { of_another_user: false } => "Permission denied",
        Hindrance::ReadOnly => "Read-only file system",
        Hindrance::InTheWay => "something that is no folder has its name",
    }
}
