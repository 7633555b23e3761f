//! The way to a first backup: place, folders, password, rhythm. Everything but place and password has a good default.

mod draft;
mod page;

use std::path::{Path, PathBuf};

use adw::prelude::*;
use hindsight::explain::{Explanation, explain_folder};
use hindsight::i18n::gettext;
use hindsight::schedule::Frequency;
use hindsight::secret::Passphrase;
use hindsight::settings::{Folder, Plan, PlanPlace};
use relm4::prelude::*;
use relm4::{adw, gtk};

use self::draft::{Draft, Step};
use self::page::StepPage;
use super::password::{NewPassword, NewPasswordOutput, ask_to_use_weak};
use super::place::{PlaceChooser, PlaceOutput, Purpose, choose_folder};
use super::{dialogs, folder_list, services, texts};

pub struct Setup {
    home: PathBuf,
    draft: Draft,
    testing: bool,
    place: Controller<PlaceChooser>,
    password: Controller<NewPassword>,
    next: Vec<(Step, gtk::Button)>,
}

#[derive(Debug)]
pub enum SetupInput {
    Place(PlaceOutput),
    ChooseFolder,
    FolderAdded(PathBuf),
    FolderRemoved(PathBuf),
    Password(NewPasswordOutput),
    AskWithoutPassword,
    WithoutPassword,
    UseWeakPassword,
    Frequency(u32),
    Automatic(bool),
    Next(Step),
    Cancel,
}

#[derive(Debug)]
pub enum SetupOutput {
    Created(Box<Created>),
}

#[derive(Debug)]
pub struct Created {
    pub plan: Plan,
    pub passphrase: Option<Passphrase>,
    pub remember: bool,
}

/// What the test of the place said.
#[derive(Debug)]
pub enum Tested {
    Good(Box<Plan>),
    Bad(Explanation),
}

#[relm4::component(pub)]
impl Component for Setup {
    type Init = PathBuf;
    type Input = SetupInput;
    type Output = SetupOutput;
    type CommandOutput = Tested;

    view! {
        #[root]
        adw::Dialog {
            set_title: &gettext("New Backup Plan"),
            set_content_width: 500,
            set_content_height: 610,
            #[wrap(Some)]
            #[name = "pages"]
            set_child = &adw::NavigationView {},
        },
        folders_box = gtk::Box {
            set_orientation: gtk::Orientation::Vertical,
            set_spacing: 12,
            #[name = "folder_rows"]
            gtk::ListBox {
                add_css_class: "boxed-list",
                set_selection_mode: gtk::SelectionMode::None,
            },
            gtk::Label {
                set_label: &gettext("Caches and the trash are left out. You can leave out more in the preferences."),
                add_css_class: "dim-label",
                set_wrap: true,
                set_xalign: 0.0,
                set_margin_start: 12,
                set_margin_end: 12,
            },
        },
        password_box = gtk::Box {
            set_orientation: gtk::Orientation::Vertical,
            set_spacing: 24,
            append: model.password.widget(),
            gtk::Button {
                set_label: &gettext("Back Up Without a Password"),
                add_css_class: "flat",
                set_halign: gtk::Align::Center,
                connect_clicked => SetupInput::AskWithoutPassword,
            },
        },
        rhythm_box = adw::PreferencesGroup {
            adw::SwitchRow {
                set_title: &gettext("Back Up Automatically"),
                set_subtitle: &gettext("Whenever a backup is due and the place is there"),
                set_active: true,
                connect_active_notify[sender] => move |row| {
                    sender.input(SetupInput::Automatic(row.is_active()));
                },
            },
            #[name = "frequency"]
            adw::ComboRow {
                set_title: &gettext("Frequency"),
                set_model: Some(&texts::frequency_names()),
                #[watch]
                set_sensitive: model.draft.automatic,
                connect_selected_notify[sender] => move |row| {
                    sender.input(SetupInput::Frequency(row.selected()));
                },
            },
        },
        cancel = gtk::Button {
            set_label: &gettext("Cancel"),
            connect_clicked => SetupInput::Cancel,
        },
    }

    fn init(home: PathBuf, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let place =
            PlaceChooser::builder().launch(Purpose::Keep).forward(sender.input_sender(), SetupInput::Place);
        let password = NewPassword::builder().launch(()).forward(sender.input_sender(), SetupInput::Password);
        let draft = Draft::new(&home);
        let mut model = Self { home, draft, testing: false, place, password, next: Vec::new() };
        let widgets = view_output!();
        for step in Step::ALL {
            let StepPage { page, next } = match step {
                Step::Place => page::build(step, model.place.widget(), Some(&widgets.cancel)),
                Step::Folders => page::build(step, &widgets.folders_box, None),
                Step::Password => page::build(step, &widgets.password_box, None),
                Step::Rhythm => page::build(step, &widgets.rhythm_box, None),
            };
            let input = sender.input_sender().clone();
            next.connect_clicked(move |_| input.emit(SetupInput::Next(step)));
            widgets.pages.add(&page);
            model.next.push((step, next));
        }
        model.fill_folders(&widgets.folder_rows, &sender);
        model.enable_next();
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: SetupInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            SetupInput::Place(PlaceOutput::Changed(place)) => self.draft.place = place,
            SetupInput::ChooseFolder => choose_folder(root, &gettext("Choose a Folder to Back Up"), {
                let input = sender.input_sender().clone();
                move |path| input.emit(SetupInput::FolderAdded(path))
            }),
            SetupInput::FolderAdded(path) => {
                match Folder::new(&path) {
                    Ok(folder) if self.draft.folders.contains(&folder.path) => {}
                    Ok(folder) => self.draft.folders.push(folder.path),
                    Err(error) => dialogs::show_error(root, &explain_folder(&error), "", None),
                }
                self.fill_folders(&widgets.folder_rows, &sender);
            }
            SetupInput::FolderRemoved(path) => {
                self.draft.folders.retain(|kept| *kept != path);
                self.fill_folders(&widgets.folder_rows, &sender);
            }
            SetupInput::Password(NewPasswordOutput::Changed { passphrase, weak, remember }) => {
                (self.draft.passphrase, self.draft.remember) = (passphrase, remember);
                self.draft.weak_password = weak;
                self.draft.without_password = false;
            }
            SetupInput::AskWithoutPassword => self.ask_without_password(root, &sender),
            SetupInput::WithoutPassword => {
                self.draft.without_password = true;
                self.draft.passphrase = None;
                self.go_on(Step::Password, widgets, &sender);
            }
            SetupInput::Frequency(index) => {
                if let Some(frequency) = Frequency::ALL.get(index as usize) {
                    self.draft.set_frequency(*frequency);
                }
            }
            SetupInput::Automatic(automatic) => self.draft.automatic = automatic,
            SetupInput::Next(Step::Password) if self.draft.weak_password => {
                let input = sender.input_sender().clone();
                ask_to_use_weak(root, move || input.emit(SetupInput::UseWeakPassword));
            }
            SetupInput::UseWeakPassword => {
                self.draft.weak_password = false;
                self.go_on(Step::Password, widgets, &sender);
            }
            SetupInput::Next(step) => self.go_on(step, widgets, &sender),
            SetupInput::Cancel => {
                root.close();
            }
        }
        self.enable_next();
        self.update_view(widgets, sender);
    }

    fn update_cmd(&mut self, tested: Tested, sender: ComponentSender<Self>, root: &Self::Root) {
        self.testing = false;
        self.enable_next();
        match tested {
            Tested::Good(plan) => {
                let passphrase = self.draft.passphrase.take();
                let created = Created { plan: *plan, passphrase, remember: self.draft.remember };
                let _ = sender.output(SetupOutput::Created(Box::new(created)));
                root.force_close();
            }
            Tested::Bad(explanation) => dialogs::show_error(root, &explanation, "", None),
        }
    }
}

impl Setup {
    fn go_on(&mut self, step: Step, widgets: &SetupWidgets, sender: &ComponentSender<Self>) {
        match step.next() {
            _ if !self.draft.is_good(step) || self.testing => {}
            Some(next) => {
                let chosen = Frequency::ALL.iter().position(|frequency| *frequency == self.draft.frequency());
                widgets.frequency.set_selected(chosen.unwrap_or_default() as u32);
                widgets.pages.push_by_tag(next.tag());
            }
            None => self.test(sender),
        }
    }

    /// Nothing is promised of a place that has not been written to.
    fn test(&mut self, sender: &ComponentSender<Self>) {
        let Some(place) = self.draft.place.clone() else { return };
        self.testing = true;
        let (draft, home) = (self.draft.clone(), self.home.clone());
        sender.spawn_oneshot_command(move || match test(&draft, place, &home) {
            Ok(plan) => Tested::Good(Box::new(plan)),
            Err(explanation) => Tested::Bad(explanation),
        });
    }

    fn enable_next(&self) {
        for (step, button) in &self.next {
            button.set_sensitive(self.draft.is_good(*step) && !self.testing);
        }
    }

    fn fill_folders(&self, rows: &gtk::ListBox, sender: &ComponentSender<Self>) {
        rows.remove_all();
        for path in &self.draft.folders {
            let input = sender.input_sender().clone();
            rows.append(&folder_list::row(path, &self.home, None, move |path| {
                input.emit(SetupInput::FolderRemoved(path));
            }));
        }
        let input = sender.input_sender().clone();
        rows.append(&folder_list::add_button(&gettext("Add Folder…"), move || {
            input.emit(SetupInput::ChooseFolder);
        }));
    }

    fn ask_without_password(&self, root: &adw::Dialog, sender: &ComponentSender<Self>) {
        let input = sender.input_sender().clone();
        dialogs::confirm(
            root,
            &gettext("Back Up Without a Password?"),
            &gettext("Whoever gets hold of the place can then read all files in the backups."),
            &gettext("Without a Password"),
            adw::ResponseAppearance::Destructive,
            move |confirmed| {
                if confirmed {
                    input.emit(SetupInput::WithoutPassword);
                }
            },
        );
    }
}

fn test(draft: &Draft, place: PlanPlace, home: &Path) -> Result<Plan, Explanation> {
    draft.plan(home, services::try_out(place)?).map_err(|error| explain_folder(&error))
}
