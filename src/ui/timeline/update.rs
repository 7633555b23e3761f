//! What the page's messages do.

use hindsight::error::Error;
use hindsight::explain::explain;
use relm4::adw;
use relm4::prelude::*;

use super::list::Deed;
use super::search::SearchInput;
use super::versions::{PaneInput, PaneOutput};
use super::{Looked, State, TimelineInput, TimelineOutput, TimelinePage, copy};
use crate::ui::{dialogs, texts};

impl TimelinePage {
    pub(super) fn take(
        &mut self,
        input: TimelineInput,
        root: &adw::NavigationPage,
        sender: &ComponentSender<Self>,
    ) {
        match input {
            TimelineInput::Open(place) => self.open(place.0, sender),
            TimelineInput::Declined => self.fail(&Error::PassphraseNeeded),
            TimelineInput::NotReady(why) => self.state = State::Failed(why.explanation()),
            TimelineInput::Reading(progress) => self.progress = progress,
            TimelineInput::Opened(opened) => self.opened(opened, sender),
            TimelineInput::List(Deed::Selected) => self.selection_changed(sender),
            TimelineInput::List(Deed::Activated(position)) => self.activate(position, sender),
            TimelineInput::List(Deed::Sorted(order)) => {
                self.browse.order = order;
                self.refresh(sender);
            }
            TimelineInput::Listed { look, rows } => self.listed(look, rows, sender),
            TimelineInput::DateChosen { index, dragging } => self.date_chosen(index, dragging, sender),
            TimelineInput::StepChange { forward } => self.bar.step_change(forward),
            TimelineInput::Changed { of, dates } => self.mark(&of, &dates),
            TimelineInput::CountWanted(index) => self.count_items(index, sender),
            TimelineInput::Counted { of, index, items } => self.counted(&of, index, items),
            TimelineInput::History { path, versions } => self.history(&path, versions, sender),
            TimelineInput::Start(start) => self.start(start, root, sender),
            TimelineInput::Go(way) => self.go(way, root, sender),
            TimelineInput::Find => self.search.emit(SearchInput::Open),
            TimelineInput::Search(wanted) => self.search_for(wanted, sender),
            TimelineInput::Pane(PaneOutput::Chosen(date)) => self.show_date(date, sender),
            TimelineInput::Pane(PaneOutput::CompareWanted(versions)) => self.compare(versions, root),
            TimelineInput::Pane(PaneOutput::OpenWanted) => self.open_copy(sender),
            TimelineInput::Rested(looked) => self.look(looked, sender),
            TimelineInput::WithDeleted(on) => {
                self.browse.with_deleted = on;
                self.refresh(sender);
            }
            TimelineInput::WithHidden(on) => {
                self.browse.with_hidden = on;
                self.refresh(sender);
            }
            TimelineInput::Collapsed => self.show_wanted_versions(),
            TimelineInput::Narrow(narrow) => {
                self.narrow = narrow;
                self.layouts.set_narrow(narrow);
                self.list.set_narrow(narrow);
            }
            TimelineInput::RestoreWanted => self.restore(sender),
            TimelineInput::Retry => {
                self.state = State::Loading;
                let _ = sender.output(TimelineOutput::Retry);
            }
        }
    }

    /// What was done aside.
    pub(super) fn take_looked(&mut self, looked: Looked, root: &adw::NavigationPage) {
        match looked {
            Looked::Preview { looked, preview } if looked == self.looked => {
                self.pane.emit(PaneInput::Preview(preview));
            }
            Looked::Preview { .. } => {}
            Looked::Copied(Ok(made)) => {
                made.files.iter().for_each(|file| copy::open(file, root));
                if made.problems.total > 0 {
                    dialogs::show_problems(root, &made.problems);
                }
            }
            Looked::Fetched(Ok(problems)) if problems.total > 0 => dialogs::show_problems(root, &problems),
            Looked::Fetched(Ok(_) | Err(Error::Cancelled(_))) => {}
            Looked::Copied(Err(error)) | Looked::Fetched(Err(error)) => {
                dialogs::show_error(root, &explain(&error), &texts::details(&error), None)
            }
        }
    }
}
