//! From a place to its dates.

use std::sync::Arc;

use adw::prelude::*;
use hindsight::context::{Context, Monitor, Progress};
use hindsight::engine::Place;
use hindsight::engine::timeline::Backup;
use hindsight::error::Error;
use hindsight::explain::explain;
use relm4::prelude::*;
use relm4::{Sender, adw, gtk};

use super::bar::Mark;
use super::reader::Reader;
use super::{State, TimelineInput, TimelineOutput, TimelinePage, TimelinePageWidgets, keys, layout};

impl TimelinePage {
    pub(super) fn connect(
        &self,
        widgets: &TimelinePageWidgets,
        root: &adw::NavigationPage,
        sender: &ComponentSender<Self>,
    ) {
        let input = sender.input_sender();
        keys::install(root, self.browse.with_deleted, input);
        self.notes.show_on(&self.bar, input);
        let both = |from: &gtk::ToggleButton, to: &gtk::Widget, property: &str| {
            from.bind_property("active", to, property).bidirectional().sync_create().build();
        };
        both(&widgets.search_toggle, self.search.widget().upcast_ref(), "search-mode-enabled");
        both(&widgets.pane_toggle, self.layouts.split.upcast_ref(), "show-sidebar");
        let slim = breakpoint(layout::SLIM);
        slim.add_setter(&self.layouts.split, "collapsed", Some(&true.to_value()));
        widgets.breakpoints.add_breakpoint(slim);
        // Which hides the pane: the window learns its size only after it may have been asked for.
        let told = input.clone();
        self.layouts.split.connect_collapsed_notify(move |_| told.emit(TimelineInput::Collapsed));
        let narrow = breakpoint(layout::NARROW);
        narrow.add_setter(&self.layouts.split, "collapsed", Some(&true.to_value()));
        let told = input.clone();
        narrow.connect_apply(move |_| told.emit(TimelineInput::Narrow(true)));
        let told = input.clone();
        narrow.connect_unapply(move |_| told.emit(TimelineInput::Narrow(false)));
        widgets.breakpoints.add_breakpoint(narrow);
    }

    pub(super) fn open(&mut self, place: Place, sender: &ComponentSender<Self>) {
        self.state = State::Loading;
        self.place = Some(place.clone());
        let input = sender.input_sender().clone();
        let reading = Reading(input.clone());
        let ctx = Context { monitor: Arc::new(reading), ..Context::silent() };
        match Reader::open(place, ctx, move |opened| input.emit(TimelineInput::Opened(opened))) {
            Ok(reader) => self.reader = Some(reader),
            Err(error) => self.fail(&Error::Internal(error.to_string())),
        }
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.state = State::Failed(explain(error));
    }

    pub(super) fn opened(&mut self, opened: Result<Vec<Backup>, Error>, sender: &ComponentSender<Self>) {
        match opened {
            Ok(backups) => self.show_backups(backups, sender),
            // The page is left.
            Err(Error::Cancelled(_)) => {}
            Err(error @ (Error::PassphraseNeeded | Error::PassphraseWrong)) => {
                let wrong = matches!(error, Error::PassphraseWrong);
                let _ = sender.output(TimelineOutput::PasswordNeeded { wrong });
            }
            Err(error) => self.fail(&error),
        }
    }

    /// The first time the newest date is shown; when more becomes known later, one stays where one is.
    fn show_backups(&mut self, backups: Vec<Backup>, sender: &ComponentSender<Self>) {
        if self.is_ready() && backups == self.browse.backups {
            return;
        }
        let mark = |backup: &Backup| Mark {
            date: backup.date,
            changed_bytes: backup.changed_bytes,
            damaged: backup.damaged,
        };
        self.bar.set_marks(Some(backups.iter().map(mark).collect()));
        self.browse.set_backups(backups);
        let Some(shown) = self.browse.shown() else {
            self.state = State::Empty;
            return;
        };
        self.bar.select(shown);
        self.state = State::Ready;
        (self.marked, self.followed) = (None, None);
        self.notes.forget();
        self.refresh(sender);
        self.mark_changes(sender);
    }
}

fn breakpoint(most: f64) -> adw::Breakpoint {
    let length = adw::BreakpointConditionLengthType::MaxWidth;
    adw::Breakpoint::new(adw::BreakpointCondition::new_length(length, most, adw::LengthUnit::Sp))
}

/// Tells the page how far opening is.
struct Reading(Sender<TimelineInput>);

impl Monitor for Reading {
    fn progress(&self, progress: Progress) {
        self.0.emit(TimelineInput::Reading(progress));
    }
}
