//! Preferences: what is saved and what is left out, with sizes computed in the background.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use adw::prelude::*;
use hindsight::context::{CancelToken, Context, Why};
use hindsight::explain::explain_folder;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::{Folder, Plan, Preset};
use hindsight::tree::measure::{self, LeftOut};
use relm4::prelude::*;
use relm4::{adw, gtk};

use crate::ui::change::PlanChange;
use crate::ui::overview::escaped;
use crate::ui::place::choose_folder;
use crate::ui::{folder_list, left_out, texts};

pub struct FoldersPage {
    plan: Plan,
    home: PathBuf,
    sizes: HashMap<PathBuf, gtk::Label>,
    left_out: Option<Vec<LeftOut>>,
    /// Ends the counting of a plan that is no longer the one shown.
    counting: CancelToken,
    /// Those in the two groups that follow the plan, and those behind them that stay, with what is typed in them.
    saved_rows: Vec<adw::PreferencesRow>,
    saved_end: Vec<adw::PreferencesRow>,
    out_rows: Vec<adw::PreferencesRow>,
    out_end: Vec<adw::PreferencesRow>,
    presets: Vec<(Preset, adw::SwitchRow)>,
}

#[derive(Debug)]
pub enum FoldersInput {
    Plan(Box<Plan>),
    ChooseFolder,
    ChooseLeftOut,
    FolderChosen(PathBuf),
    Change(PlanChange),
    AddPattern(String),
    Preset { preset: Preset, left_out: bool },
    Review,
}

#[derive(Debug)]
pub enum FoldersOutput {
    Change(PlanChange),
    Refused(String),
    Review(Vec<LeftOut>),
}

#[derive(Debug)]
pub enum Counted {
    Folder { path: PathBuf, bytes: u64 },
    LeftOut(Vec<LeftOut>),
}

#[relm4::component(pub)]
impl Component for FoldersPage {
    type Init = (Plan, PathBuf);
    type Input = FoldersInput;
    type Output = FoldersOutput;
    type CommandOutput = Counted;

    view! {
        adw::PreferencesPage {
            set_title: &gettext("Folders"),
            set_icon_name: Some("folder-symbolic"),
            #[name = "saved"]
            adw::PreferencesGroup {
                set_title: &gettext("Folders to Back Up"),
            },
            #[name = "kinds"]
            adw::PreferencesGroup {
                set_title: &gettext("Left Out"),
                set_description: Some(&gettext("Nothing in these is backed up")),
            },
            #[name = "out"]
            adw::PreferencesGroup {},
            adw::PreferencesGroup {
                adw::ActionRow {
                    set_title: &gettext("Review What Is Left Out"),
                    set_activatable: true,
                    add_suffix = &gtk::Image::from_icon_name("go-next-symbolic"),
                    #[watch]
                    set_sensitive: model.left_out.is_some(),
                    #[watch]
                    set_subtitle: &model.left_out_text(),
                    connect_activated => FoldersInput::Review,
                },
            },
        }
    }

    fn init(
        (plan, home): Self::Init,
        root: Self::Root,
        sender: ComponentSender<Self>,
    ) -> ComponentParts<Self> {
        let mut model = Self {
            plan,
            home,
            sizes: HashMap::new(),
            left_out: None,
            counting: CancelToken::default(),
            saved_rows: Vec::new(),
            saved_end: vec![add_row(gettext("Add Folder…"), || FoldersInput::ChooseFolder, &sender)],
            out_rows: Vec::new(),
            out_end: vec![
                add_row(gettext("Leave Out Folder…"), || FoldersInput::ChooseLeftOut, &sender),
                new_pattern_row(&sender),
            ],
            presets: Vec::new(),
        };
        let widgets = view_output!();
        model.presets = Preset::ALL.map(|preset| (preset, model.preset_row(preset, &sender))).into();
        model.presets.iter().for_each(|(_, row)| widgets.kinds.add(row));
        model.saved_end.iter().for_each(|row| widgets.saved.add(row));
        model.out_end.iter().for_each(|row| widgets.out.add(row));
        model.fill(&widgets, &sender);
        model.count(&sender);
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: FoldersInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        let input_sender = sender.input_sender().clone();
        match input {
            FoldersInput::Plan(plan) => {
                self.plan = *plan;
                self.fill(widgets, &sender);
                self.count(&sender);
            }
            FoldersInput::ChooseFolder => {
                choose_folder(root, &gettext("Choose a Folder to Back Up"), move |path| {
                    input_sender.emit(FoldersInput::FolderChosen(path));
                });
            }
            FoldersInput::ChooseLeftOut => {
                choose_folder(root, &gettext("Choose a Folder to Leave Out"), move |path| {
                    input_sender.emit(FoldersInput::Change(PlanChange::LeaveOut(path)));
                });
            }
            FoldersInput::FolderChosen(path) => {
                let _ = sender.output(match Folder::new(&path) {
                    Ok(folder) => FoldersOutput::Change(PlanChange::AddFolder(folder)),
                    Err(error) => FoldersOutput::Refused(explain_folder(&error).sentence),
                });
            }
            FoldersInput::AddPattern(pattern) => {
                let pattern = pattern.trim();
                if !pattern.is_empty() {
                    let _ = sender.output(FoldersOutput::Change(PlanChange::AddPattern(pattern.into())));
                }
            }
            // Also when the switch only follows the plan.
            FoldersInput::Preset { preset, left_out } => {
                if self.plan.presets.contains(&preset) != left_out {
                    let _ = sender.output(FoldersOutput::Change(PlanChange::Preset { preset, left_out }));
                }
            }
            FoldersInput::Change(change) => {
                let _ = sender.output(FoldersOutput::Change(change));
            }
            FoldersInput::Review => {
                let _ = sender.output(FoldersOutput::Review(self.left_out.clone().unwrap_or_default()));
            }
        }
        self.update_view(widgets, sender);
    }

    fn update_cmd_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        counted: Counted,
        sender: ComponentSender<Self>,
        _root: &Self::Root,
    ) {
        match counted {
            Counted::Folder { path, bytes } => {
                if let Some(label) = self.sizes.get(&path) {
                    label.set_label(&texts::size(bytes));
                }
            }
            Counted::LeftOut(found) => self.left_out = Some(found),
        }
        self.update_view(widgets, sender);
    }

    fn shutdown(&mut self, _widgets: &mut Self::Widgets, _output: relm4::Sender<Self::Output>) {
        self.counting.cancel(Why::Quitting);
    }
}

impl FoldersPage {
    fn left_out_text(&self) -> String {
        match &self.left_out {
            None => gettext("Counting…"),
            Some(found) => {
                let bytes = found.iter().map(|out| out.totals.bytes).sum();
                gettext_f("{size} in all", &[("size", &texts::size(bytes))])
            }
        }
    }

    fn fill(&mut self, widgets: &FoldersPageWidgets, sender: &ComponentSender<Self>) {
        let saved: Vec<_> = self.plan.folders.iter().map(|folder| folder.path.clone()).collect();
        let rows = saved.iter().map(|path| self.folder_row(path, sender)).collect();
        refill(&widgets.saved, &mut self.saved_rows, rows, &self.saved_end);
        let ignored = self.plan.ignored.iter().map(|path| {
            let input = sender.input_sender().clone();
            let row = folder_list::row(path, &self.home, None, move |path| {
                input.emit(FoldersInput::Change(PlanChange::TakeIn(path)));
            });
            row.upcast()
        });
        let patterns = self.plan.patterns.iter().map(|pattern| pattern_row(pattern, sender));
        let rows = ignored.chain(patterns).collect();
        refill(&widgets.out, &mut self.out_rows, rows, &self.out_end);
        for (preset, row) in &self.presets {
            row.set_active(self.plan.presets.contains(preset));
        }
    }

    fn folder_row(&mut self, path: &Path, sender: &ComponentSender<Self>) -> adw::PreferencesRow {
        // A widget has one parent: the number moves to a new one.
        let known = self.sizes.get(path).map_or_else(|| "…".into(), gtk::Label::label);
        let size = gtk::Label::builder().label(known).css_classes(["dim-label", "numeric"]).build();
        self.sizes.insert(path.to_owned(), size.clone());
        let input = sender.input_sender().clone();
        let row = folder_list::row(path, &self.home, Some(&size), move |path| {
            input.emit(FoldersInput::Change(PlanChange::RemoveFolder(path)));
        });
        row.upcast()
    }

    fn preset_row(&self, preset: Preset, sender: &ComponentSender<Self>) -> adw::SwitchRow {
        let (title, subtitle) = left_out::preset_words(preset);
        let row = adw::SwitchRow::builder()
            .title(title)
            .subtitle(subtitle)
            .active(self.plan.presets.contains(&preset))
            .build();
        let input = sender.input_sender().clone();
        row.connect_active_notify(move |row| {
            let left_out = row.is_active();
            input.emit(FoldersInput::Preset { preset, left_out });
        });
        row
    }

    /// Sizes of the folders, one after another, then of what is left out of them.
    fn count(&mut self, sender: &ComponentSender<Self>) {
        self.counting.cancel(Why::Quitting);
        self.counting = CancelToken::default();
        self.left_out = None;
        let ctx = Context { cancel: self.counting.clone(), ..Context::silent() };
        let (plan, home) = (self.plan.clone(), self.home.clone());
        sender.spawn_command(move |output| {
            let Ok(selection) = plan.selection(&home, &[]) else { return };
            for folder in &plan.folders {
                let Ok(totals) = measure::measure(&folder.path, &selection, &ctx) else { return };
                output.emit(Counted::Folder { path: folder.path.clone(), bytes: totals.bytes });
            }
            let folders: Vec<_> = plan.folders.iter().map(|folder| folder.path.clone()).collect();
            if let Ok(found) = measure::left_out(&folders, &selection, &ctx) {
                output.emit(Counted::LeftOut(found));
            }
        });
    }
}

/// `rows` instead of `shown`, before those that stay.
fn refill(
    group: &adw::PreferencesGroup,
    shown: &mut Vec<adw::PreferencesRow>,
    rows: Vec<adw::PreferencesRow>,
    end: &[adw::PreferencesRow],
) {
    shown.iter().chain(end).for_each(|row| group.remove(row));
    *shown = rows;
    shown.iter().chain(end).for_each(|row| group.add(row));
}

fn add_row(
    words: String,
    what: fn() -> FoldersInput,
    sender: &ComponentSender<FoldersPage>,
) -> adw::PreferencesRow {
    let input = sender.input_sender().clone();
    folder_list::add_button(&words, move || input.emit(what())).upcast()
}

fn pattern_row(pattern: &str, sender: &ComponentSender<FoldersPage>) -> adw::PreferencesRow {
    let row = adw::ActionRow::builder()
        .title(escaped(pattern))
        .subtitle(gettext("Names that match this pattern, anywhere"))
        .build();
    row.add_prefix(&gtk::Image::from_icon_name("edit-find-symbolic"));
    let (input, pattern) = (sender.input_sender().clone(), pattern.to_owned());
    row.add_suffix(&folder_list::remove_button(&pattern.clone(), move || {
        input.emit(FoldersInput::Change(PlanChange::RemovePattern(pattern.clone())));
    }));
    row.upcast()
}

fn new_pattern_row(sender: &ComponentSender<FoldersPage>) -> adw::PreferencesRow {
    let row =
        adw::EntryRow::builder().title(gettext("Leave Out Names Like *.iso")).show_apply_button(true).build();
    let input = sender.input_sender().clone();
    row.connect_apply(move |row| {
        input.emit(FoldersInput::AddPattern(row.text().into()));
        row.set_text("");
    });
    row.upcast()
}
