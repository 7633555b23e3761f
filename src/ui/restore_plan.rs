//! The last page before something is restored: where to, what about files that are there, and what will happen,
//! counted anew on each change.

mod choice;
mod estimator;
mod existing;
mod shown;
pub mod words;

use std::path::PathBuf;

use adw::prelude::*;
use hindsight::engine::{Estimate, Existing, Part};
use hindsight::error::Error;
use hindsight::i18n::gettext;
use relm4::prelude::*;
use relm4::{adw, gtk};

use self::choice::Choice;
use self::estimator::Estimator;
use super::dialogs;
use super::overview::escaped;
use super::place::choose_folder;
use super::services::OpenPlace;
use super::state::Restore;

pub struct RestorePlanInit {
    pub place: OpenPlace,
    /// What is wanted, by its dates.
    pub parts: Vec<Part>,
    /// What is restored: "Restore “Summer House”".
    pub title: String,
    pub home: PathBuf,
    /// The backups are of this computer and person.
    pub ours: bool,
}

pub struct RestorePlan {
    title: String,
    home: PathBuf,
    choice: Choice,
    /// `None`: no thread could be made; then nothing is told beforehand.
    estimator: Option<Estimator>,
    /// The question that waits for its answer.
    asked: u64,
    answer: Option<Result<Estimate, Error>>,
}

#[derive(Debug)]
pub enum RestorePlanInput {
    IntoFolder(bool),
    ChooseFolder,
    FolderChosen(PathBuf),
    IntoMyHome(bool),
    Existing(Existing),
    Estimated { asked: u64, answer: Result<Estimate, Error> },
    ShowWarnings,
    Restore,
    Cancel,
    Closed,
}

#[derive(Debug)]
pub enum RestorePlanOutput {
    Wanted(Restore),
    Closed,
}

#[relm4::component(pub)]
impl Component for RestorePlan {
    type Init = RestorePlanInit;
    type Input = RestorePlanInput;
    type Output = RestorePlanOutput;
    type CommandOutput = ();

    view! {
        adw::Dialog {
            set_title: &model.title,
            set_content_width: 500,
            set_content_height: 650,
            connect_closed => RestorePlanInput::Closed,
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                add_top_bar = &adw::HeaderBar {
                    set_show_end_title_buttons: false,
                    set_show_start_title_buttons: false,
                    set_title_widget: Some(&adw::WindowTitle::new(&model.title, &model.as_of())),
                    pack_start = &gtk::Button {
                        set_label: &gettext("Cancel"),
                        connect_clicked => RestorePlanInput::Cancel,
                    },
                    #[name = "restore"]
                    pack_end = &gtk::Button {
                        set_label: &gettext("Restore"),
                        add_css_class: "suggested-action",
                        #[watch]
                        set_sensitive: model.is_possible(),
                        connect_clicked => RestorePlanInput::Restore,
                    },
                },
                #[wrap(Some)]
                set_content = &gtk::ScrolledWindow {
                    set_hscrollbar_policy: gtk::PolicyType::Never,
                    adw::Clamp {
                        set_maximum_size: 480,
                        gtk::Box {
                            set_orientation: gtk::Orientation::Vertical,
                            set_spacing: 24,
                            set_margin_top: 18,
                            set_margin_start: 18,
                            set_margin_end: 18,
                            set_margin_bottom: 24,
                            adw::PreferencesGroup {
                                set_title: &gettext("Where To"),
                                adw::ActionRow {
                                    set_title: &gettext("Original Place"),
                                    #[watch]
                                    set_subtitle: &escaped(&model.original_text()),
                                    set_activatable_widget: Some(&original),
                                    #[name = "original"]
                                    add_prefix = &gtk::CheckButton {
                                        set_valign: gtk::Align::Center,
                                        set_active: true,
                                        update_property: &[gtk::accessible::Property::Label(&gettext("Original Place"))],
                                    },
                                },
                                adw::SwitchRow {
                                    set_visible: model.choice.other_home.is_some(),
                                    #[watch]
                                    set_sensitive: !model.choice.into_folder,
                                    set_title: &gettext("Into My Home Folder"),
                                    set_subtitle: &escaped(&model.other_home_text()),
                                    set_active: true,
                                    connect_active_notify[sender] => move |row| {
                                        sender.input(RestorePlanInput::IntoMyHome(row.is_active()));
                                    },
                                },
                                adw::ActionRow {
                                    set_title: &gettext("Another Folder"),
                                    #[watch]
                                    set_subtitle: &escaped(&model.folder_text()),
                                    set_activatable_widget: Some(&folder),
                                    #[name = "folder"]
                                    add_prefix = &gtk::CheckButton {
                                        set_valign: gtk::Align::Center,
                                        set_group: Some(&original),
                                        update_property: &[gtk::accessible::Property::Label(&gettext("Another Folder"))],
                                        connect_toggled[sender] => move |radio| {
                                            sender.input(RestorePlanInput::IntoFolder(radio.is_active()));
                                        },
                                    },
                                    add_suffix = &gtk::Button {
                                        set_label: &gettext("Choose…"),
                                        set_valign: gtk::Align::Center,
                                        connect_clicked => RestorePlanInput::ChooseFolder,
                                    },
                                },
                            },
                            #[name = "existing"]
                            adw::PreferencesGroup {
                                set_title: &gettext("When a File Is Already There"),
                            },
                            adw::PreferencesGroup {
                                set_title: &gettext("What Will Happen"),
                                adw::ActionRow {
                                    #[watch]
                                    set_title: &escaped(&model.outcome().0),
                                    #[watch]
                                    set_subtitle: &escaped(&model.outcome().1),
                                    add_prefix = &adw::Spinner {
                                        set_size_request: (16, 16),
                                        set_valign: gtk::Align::Center,
                                        #[watch]
                                        set_visible: model.is_counting(),
                                    },
                                    add_prefix = &gtk::Image {
                                        set_accessible_role: gtk::AccessibleRole::Presentation,
                                        #[watch]
                                        set_icon_name: Some(model.mark().0),
                                        #[watch]
                                        set_css_classes: &[model.mark().1],
                                        #[watch]
                                        set_visible: !model.is_counting(),
                                    },
                                },
                                adw::ActionRow {
                                    #[watch]
                                    set_visible: model.warning().is_some(),
                                    #[watch]
                                    set_title: &escaped(&model.warning().unwrap_or_default().0),
                                    #[watch]
                                    set_subtitle: &escaped(&model.warning().unwrap_or_default().1),
                                    #[watch]
                                    set_activatable: !model.warnings().is_empty(),
                                    add_prefix = &gtk::Image {
                                        set_icon_name: Some("dialog-warning-symbolic"),
                                        add_css_class: "warning",
                                        set_accessible_role: gtk::AccessibleRole::Presentation,
                                    },
                                    add_suffix = &gtk::Image {
                                        set_icon_name: Some("go-next-symbolic"),
                                        set_accessible_role: gtk::AccessibleRole::Presentation,
                                        #[watch]
                                        set_visible: !model.warnings().is_empty(),
                                    },
                                    connect_activated => RestorePlanInput::ShowWarnings,
                                },
                            },
                        },
                    },
                },
            },
        }
    }

    fn init(init: RestorePlanInit, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let RestorePlanInit { place, parts, title, home, ours } = init;
        let input = sender.input_sender().clone();
        let answer = move |asked, answer| input.emit(RestorePlanInput::Estimated { asked, answer });
        let estimator = Estimator::start(place.0, answer).ok();
        let choice = Choice::new(parts, &home, ours);
        let mut model = Self { title, home, choice, estimator, asked: 0, answer: None };
        model.estimate();
        let widgets = view_output!();
        existing::ask(&widgets.existing, &sender);
        root.set_default_widget(Some(&widgets.restore));
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: RestorePlanInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            RestorePlanInput::IntoFolder(into) => {
                self.choice.into_folder = into;
                if into && self.choice.folder.is_none() {
                    ask_folder(root, &sender);
                }
                self.estimate();
            }
            RestorePlanInput::ChooseFolder => ask_folder(root, &sender),
            RestorePlanInput::FolderChosen(folder) => {
                self.choice.folder = Some(folder);
                self.choice.into_folder = true;
                widgets.folder.set_active(true);
                self.estimate();
            }
            RestorePlanInput::IntoMyHome(into) => {
                self.choice.into_my_home = into;
                self.estimate();
            }
            RestorePlanInput::Existing(existing) => {
                self.choice.existing = existing;
                self.estimate();
            }
            RestorePlanInput::Estimated { asked, answer } if asked == self.asked => {
                self.answer = Some(answer);
            }
            RestorePlanInput::Estimated { .. } => {}
            RestorePlanInput::ShowWarnings => {
                dialogs::show_lines(root, &gettext("Cannot Be Restored"), &self.warnings());
            }
            RestorePlanInput::Restore => {
                if let Some(wish) = self.choice.wish() {
                    let _ = sender.output(RestorePlanOutput::Wanted(wish));
                    root.close();
                }
            }
            RestorePlanInput::Cancel => {
                root.close();
            }
            RestorePlanInput::Closed => {
                self.estimator = None;
                let _ = sender.output(RestorePlanOutput::Closed);
            }
        }
        self.update_view(widgets, sender);
    }
}

impl RestorePlan {
    /// Counts anew; what was counted before no longer holds.
    fn estimate(&mut self) {
        self.answer = None;
        let Some(estimator) = &mut self.estimator else { return };
        match self.choice.wish() {
            Some(wish) => self.asked = estimator.ask(wish),
            None => estimator.stop(),
        }
    }
}

fn ask_folder(root: &adw::Dialog, sender: &ComponentSender<RestorePlan>) {
    let input = sender.input_sender().clone();
    choose_folder(root, &gettext("Choose a Folder to Restore To"), move |folder| {
        input.emit(RestorePlanInput::FolderChosen(folder));
    });
}
