//! The thread that counts what a wish would do. A new question stops the one before.

use std::sync::mpsc::{Receiver, Sender, channel};

use hindsight::context::{CancelToken, Context, Why};
use hindsight::engine::{Estimate, Place, estimate};
use hindsight::error::Error;

use crate::ui::state::Restore;

/// Ends its thread when dropped.
pub struct Estimator {
    questions: Sender<Question>,
    current: CancelToken,
    asked: u64,
}

struct Question {
    number: u64,
    wish: Restore,
    cancel: CancelToken,
}

impl Estimator {
    /// `answer` gets the number of the question; called on the thread.
    pub fn start(
        place: Place,
        answer: impl Fn(u64, Result<Estimate, Error>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (questions, asked) = channel();
        let thread = std::thread::Builder::new().name("estimate".into());
        thread.spawn(move || serve(&place, &asked, &answer))?;
        Ok(Self { questions, current: CancelToken::default(), asked: 0 })
    }

    /// Returns the number that the answer will have.
    pub fn ask(&mut self, wish: Restore) -> u64 {
        self.stop();
        self.asked += 1;
        let cancel = self.current.clone();
        let _ = self.questions.send(Question { number: self.asked, wish, cancel });
        self.asked
    }

    /// Nobody waits for an answer any more.
    pub fn stop(&mut self) {
        std::mem::take(&mut self.current).cancel(Why::User);
    }
}

impl Drop for Estimator {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(place: &Place, asked: &Receiver<Question>, answer: &dyn Fn(u64, Result<Estimate, Error>)) {
    for Question { number, wish, cancel } in asked {
        let ctx = Context { cancel, ..Context::silent() };
        let estimated = ctx.check().map_err(Error::from).and_then(|()| estimate(place, &wish, &ctx));
        if ctx.check().is_ok() {
            answer(number, estimated);
        }
    }
}
