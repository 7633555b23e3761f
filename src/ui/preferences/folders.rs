//! Preferences: what is saved and what is left out, with sizes computed in the background.

use std::collections::HashMap;
use std::path::PathBuf;

use adw::prelude::*;
use hindsight::context::{CancelToken, Context, Why};
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
    sizes: HashMap<PathBuf, u64>,
    left_out: Option<Vec<LeftOut>>,
    /// Ends the counting of a plan that is no longer the one shown.
    counting: CancelToken,
    rows: Vec<adw::PreferencesRow>,
    out_rows: Vec<adw::PreferencesRow>,
}

#[derive(Debug)]
pub enum FoldersInput {
    Plan(Box<Plan>),
    ChooseFolder,
    ChooseLeftOut,
    FolderChosen(PathBuf),
    Change(PlanChange),
    AddPattern(String),
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
            #[name = "out"]
            adw::PreferencesGroup {
                set_title: &gettext("Left Out"),
                set_description: Some(&gettext("Nothing in these is backed up")),
            },
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

    fn init((plan, home): Self::Init, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let mut model = Self {
            plan,
            home,
            sizes: HashMap::new(),
            left_out: None,
            counting: CancelToken::default(),
            rows: Vec::new(),
            out_rows: Vec::new(),
        };
        let widgets = view_output!();
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
                    Err(error) => FoldersOutput::Refused(error.to_string()),
                });
            }
            FoldersInput::AddPattern(pattern) => {
                let pattern = pattern.trim();
                if !pattern.is_empty() {
                    let _ = sender.output(FoldersOutput::Change(PlanChange::AddPattern(pattern.into())));
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
            Counted::Folder { path, bytes } => drop(self.sizes.insert(path, bytes)),
            Counted::LeftOut(found) => self.left_out = Some(found),
        }
        self.fill(widgets, &sender);
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
        for row in self.rows.drain(..) {
            widgets.saved.remove(&row);
        }
        for row in self.out_rows.drain(..) {
            widgets.out.remove(&row);
        }
        for folder in &self.plan.folders {
            let input = sender.input_sender().clone();
            let row = folder_list::row(&folder.path, &self.home, move |path| {
                input.emit(FoldersInput::Change(PlanChange::RemoveFolder(path)));
            });
            self.rows.push(with_size(row, self.sizes.get(&folder.path).copied()));
        }
        let add = |words: String, what: fn() -> FoldersInput| {
            let input = sender.input_sender().clone();
            folder_list::add_button(&words, move || input.emit(what())).upcast()
        };
        self.rows.push(add(gettext("Add Folder…"), || FoldersInput::ChooseFolder));
        self.out_rows.extend(Preset::ALL.map(|preset| self.preset_row(preset, sender)));
        self.out_rows.extend(self.plan.ignored.iter().map(|path| {
            let input = sender.input_sender().clone();
            folder_list::row(path, &self.home, move |path| {
                input.emit(FoldersInput::Change(PlanChange::TakeIn(path)));
            })
            .upcast()
        }));
        self.out_rows.extend(self.plan.patterns.iter().map(|pattern| pattern_row(pattern, sender)));
        self.out_rows.push(add(gettext("Leave Out Folder…"), || FoldersInput::ChooseLeftOut));
        self.out_rows.push(new_pattern_row(sender));
        self.rows.iter().for_each(|row| widgets.saved.add(row));
        self.out_rows.iter().for_each(|row| widgets.out.add(row));
    }

    fn preset_row(&self, preset: Preset, sender: &ComponentSender<Self>) -> adw::PreferencesRow {
        let (title, subtitle) = left_out::preset_words(preset);
        let row = adw::SwitchRow::builder()
            .title(title)
            .subtitle(subtitle)
            .active(self.plan.presets.contains(&preset))
            .build();
        let input = sender.input_sender().clone();
        row.connect_active_notify(move |row| {
            let left_out = row.is_active();
            input.emit(FoldersInput::Change(PlanChange::Preset { preset, left_out }));
        });
        row.upcast()
    }

    /// Sizes of the folders, one after another, then of what is left out of them.
    fn count(&mut self, sender: &ComponentSender<Self>) {
        self.counting.cancel(Why::Quitting);
        self.counting = CancelToken::default();
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

fn with_size(row: adw::ActionRow, bytes: Option<u64>) -> adw::PreferencesRow {
    let text = bytes.map_or_else(|| "…".to_owned(), texts::size);
    row.add_suffix(&gtk::Label::builder().label(text).css_classes(["dim-label", "numeric"]).build());
    row.upcast()
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
    let row = adw::EntryRow::builder()
        .title(gettext("Leave Out Names Like *.iso"))
        .show_apply_button(true)
        .build();
    let input = sender.input_sender().clone();
    row.connect_apply(move |row| input.emit(FoldersInput::AddPattern(row.text().into())));
    row.upcast()
}

