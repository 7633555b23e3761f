//! What of a backup a selection wants. A folder that is only on the way to something comes back if that does.

use std::collections::VecDeque;

use crate::engine::states::{State, States, What};
use crate::entry::{EntryPath, Kind};
use crate::error::Result;
use crate::tree::select::{Decision, Selection};

pub(super) struct Selected<'a> {
    selection: &'a Selection,
    /// Folders on the way to here in which nothing has been selected yet.
    held: Vec<State>,
    /// To be yielded first: folders, and at the end perhaps a file whose content is to be read next.
    ready: VecDeque<State>,
    /// The last folder that was left out, with what lies in it.
    excluded: Option<EntryPath>,
}

impl<'a> Selected<'a> {
    pub(super) fn new(selection: &'a Selection) -> Self {
        Self { selection, held: Vec::new(), ready: VecDeque::new(), excluded: None }
    }

    /// See [`States::next`].
    pub(super) fn next(&mut self, states: &mut States) -> Result<Option<State>> {
        while self.ready.is_empty() {
            let Some(state) = states.next()? else { return Ok(None) };
            self.pass(state);
        }
        Ok(self.ready.pop_front())
    }

    fn pass(&mut self, state: State) {
        if self.excluded.as_ref().is_some_and(|top| state.path.is_within(top)) {
            return;
        }
        while self.held.last().is_some_and(|folder| !state.path.is_within(&folder.path)) {
            self.held.pop();
        }
        match (self.decide(&state), is_directory(&state)) {
            (Decision::Include, _) => {
                self.ready.extend(self.held.drain(..));
                self.ready.push_back(state);
            }
            (Decision::Scan, true) => self.held.push(state),
            (Decision::Exclude, true) => self.excluded = Some(state.path),
            (Decision::Scan | Decision::Exclude, false) => {}
        }
    }

    fn decide(&self, state: &State) -> Decision {
        if self.selection.is_everything() {
            return Decision::Include;
        }
        match &state.what {
            // No rule speaks of the root.
            _ if state.path.is_root() => Decision::Scan,
            What::Object(attributes) => self.selection.decide_stored(&state.path, Some(attributes)),
            What::File(file) => self.selection.decide_stored(&state.path, Some(&file.attributes())),
            What::Lost(_) => self.selection.decide_stored(&state.path, None),
        }
    }
}

fn is_directory(state: &State) -> bool {
    matches!(&state.what, What::Object(attributes) if attributes.kind == Kind::Directory)
}
