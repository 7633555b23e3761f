//! The threads that answer the timeline's questions, beside whatever job is running: one opens the backups, the other
//! answers from what is known of them by then.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use hindsight::context::{CancelToken, Context, Why};
use hindsight::engine::Place;
use hindsight::engine::timeline::{Backup, Timeline};
use hindsight::error::Error;

type Question = Box<dyn FnOnce(&mut Option<Timeline>) + Send>;

/// Ends its threads when dropped, after the question that is being answered.
pub struct Reader {
    questions: Sender<Question>,
    opening: CancelToken,
}

impl Reader {
    /// `opened` is called on another thread, whenever more can be asked about: with all backups known by then, oldest
    /// first, or with what kept them from being opened. `ctx` is told how far that is.
    pub fn open(
        place: Place,
        ctx: Context,
        opened: impl Fn(Result<Vec<Backup>, Error>) + Send + 'static,
    ) -> io::Result<Self> {
        let (questions, asked) = channel::<Question>();
        spawn("timeline", move || {
            let mut timeline = None;
            for question in asked {
                question(&mut timeline);
            }
        })?;
        let (opening, answering) = (ctx.cancel.clone(), questions.clone());
        spawn("timeline-opening", move || {
            let use_from_now_on = |timeline: Timeline| {
                let backups = timeline.backups();
                // Before the page knows and asks.
                let _ = answering.send(Box::new(move |answering| *answering = Some(timeline)));
                opened(Ok(backups));
            };
            if let Err(error) = open(&place, &ctx, use_from_now_on) {
                opened(Err(error));
            }
        })?;
        Ok(Self { questions, opening })
    }

    /// Answers come in the order of the questions; none does before the backups are opened.
    pub fn ask(&self, question: impl FnOnce(&Timeline) + Send + 'static) {
        let _ = self.questions.send(Box::new(move |timeline| {
            if let Some(timeline) = timeline {
                question(timeline);
            }
        }));
    }
}

/// What is known already is there at once; of a place that is new here, the newest chain is there first.
fn open(place: &Place, ctx: &Context, use_from_now_on: impl Fn(Timeline)) -> Result<(), Error> {
    match Timeline::as_last_known(place).filter(|timeline| !timeline.backups().is_empty()) {
        Some(known) => use_from_now_on(known),
        None => use_from_now_on(Timeline::open_newest(place, ctx)?),
    }
    use_from_now_on(Timeline::open_with(place, ctx)?);
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.opening.cancel(Why::Quitting);
    }
}
