//! The thread that answers the restore page's questions, beside whatever job is running.

use std::sync::mpsc::{Sender, channel};

use hindsight::engine::Place;
use hindsight::engine::timeline::Timeline;
use hindsight::error::Error;

type Question = Box<dyn FnOnce(&Timeline) + Send>;

/// Ends its thread when dropped, after the question it is at.
pub struct Reader {
    questions: Sender<Question>,
}

impl Reader {
    /// `opened` is called once, on the new thread: with the dates of all backups, oldest first, or with what kept the
    /// backups from being opened.
    pub fn open(
        place: Place,
        opened: impl FnOnce(Result<Vec<i64>, Error>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (questions, asked) = channel::<Question>();
        std::thread::Builder::new().name("timeline".into()).spawn(move || {
            let timeline = match Timeline::open(&place) {
                Ok(timeline) => timeline,
                Err(error) => return opened(Err(error)),
            };
            opened(Ok(timeline.dates()));
            for question in asked {
                question(&timeline);
            }
        })?;
        Ok(Self { questions })
    }

    /// Answers come in the order of the questions; none does if the backups could not be opened.
    pub fn ask(&self, question: impl FnOnce(&Timeline) + Send + 'static) {
        let _ = self.questions.send(Box::new(question));
    }
}
