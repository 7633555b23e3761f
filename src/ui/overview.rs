//! The one screen that says whether all is well, and the doors to everything else.

mod shown;

use adw::prelude::*;
use hindsight::i18n::{gettext, gettext_f};
use relm4::prelude::*;
use relm4::{adw, gtk};

pub use self::shown::Shown;
use super::preferences::Page;
use super::texts::{self, Mood};

pub struct Overview {
    shown: Shown,
}

#[derive(Debug)]
pub enum OverviewInput {
    Show(Box<Shown>),
}

#[derive(Debug)]
pub enum OverviewOutput {
    BackupWanted,
    RestoreWanted,
    PreferencesWanted(Page),
    ProblemsWanted,
    /// Or no such sheet.
    SheetWanted(bool),
    PlanChosen(usize),
}

impl Overview {
    fn badge_icon(&self) -> &'static str {
        match self.shown.status.mood {
            Mood::Good => "object-select-symbolic",
            Mood::Attention => "dialog-warning-symbolic",
            Mood::Neutral => "document-open-recent-symbolic",
        }
    }

    fn badge_classes(&self) -> [&'static str; 2] {
        match self.shown.status.mood {
            Mood::Good => ["badge", "success"],
            Mood::Attention => ["badge", "warning"],
            Mood::Neutral => ["badge", "accent"],
        }
    }

    fn space_text(&self) -> String {
        self.shown.space.map_or_else(String::new, |space| {
            let (free, total) = (texts::size(space.free), texts::size(space.total));
            gettext_f("{free} of {total} free", &[("free", &free), ("total", &total)])
        })
    }

    fn space_used(&self) -> f64 {
        self.shown.space.map_or(0.0, |space| 1.0 - space.free as f64 / space.total.max(1) as f64)
    }
}

#[relm4::component(pub)]
impl SimpleComponent for Overview {
    type Init = Shown;
    type Input = OverviewInput;
    type Output = OverviewOutput;

    view! {
        gtk::ScrolledWindow {
            set_hscrollbar_policy: gtk::PolicyType::Never,
            adw::Clamp {
                set_maximum_size: 560,
                gtk::Box {
                    set_orientation: gtk::Orientation::Vertical,
                    set_spacing: 24,
                    set_margin_start: 12,
                    set_margin_end: 12,
                    set_margin_top: 12,
                    set_margin_bottom: 24,

                    adw::PreferencesGroup {
                        #[watch]
                        set_visible: model.shown.plans.len() > 1,
                        adw::ComboRow {
                            set_title: &gettext("Backup Plan"),
                            #[watch]
                            #[block_signal(chosen)]
                            set_model: Some(&texts::list(&model.shown.plans)),
                            #[watch]
                            #[block_signal(chosen)]
                            set_selected: model.shown.current as u32,
                            connect_selected_notify[sender] => move |row| {
                                let _ = sender.output(OverviewOutput::PlanChosen(row.selected() as usize));
                            } @chosen,
                        },
                    },

                    gtk::Box {
                        set_orientation: gtk::Orientation::Vertical,
                        set_spacing: 18,
                        gtk::Image {
                            set_halign: gtk::Align::Center,
                            set_pixel_size: 48,
                            set_accessible_role: gtk::AccessibleRole::Presentation,
                            #[watch]
                            set_icon_name: Some(model.badge_icon()),
                            #[watch]
                            set_css_classes: &model.badge_classes(),
                        },
                        gtk::Box {
                            set_orientation: gtk::Orientation::Vertical,
                            set_spacing: 6,
                            gtk::Label {
                                add_css_class: "title-1",
                                set_wrap: true,
                                set_justify: gtk::Justification::Center,
                                #[watch]
                                set_label: &model.shown.status.title,
                            },
                            gtk::Label {
                                add_css_class: "dim-label",
                                set_wrap: true,
                                set_justify: gtk::Justification::Center,
                                #[watch]
                                set_label: &model.shown.status.sentence,
                            },
                        },
                        adw::WrapBox {
                            set_halign: gtk::Align::Center,
                            set_align: 0.5,
                            set_child_spacing: 12,
                            set_line_spacing: 12,
                            gtk::Button {
                                set_label: &gettext("Back Up Now"),
                                set_css_classes: &["pill", "suggested-action"],
                                #[watch]
                                set_sensitive: !model.shown.busy,
                                connect_clicked[sender] => move |_| {
                                    let _ = sender.output(OverviewOutput::BackupWanted);
                                },
                            },
                            gtk::Button {
                                set_label: &gettext("Restore…"),
                                add_css_class: "pill",
                                connect_clicked[sender] => move |_| {
                                    let _ = sender.output(OverviewOutput::RestoreWanted);
                                },
                            },
                        },
                    },

                    adw::PreferencesGroup {
                        adw::ActionRow {
                            set_title: &gettext("Files With Problems"),
                            set_activatable: true,
                            add_prefix = &gtk::Image::from_icon_name("dialog-warning-symbolic"),
                            add_suffix = &gtk::Image::from_icon_name("go-next-symbolic"),
                            #[watch]
                            set_visible: model.shown.problems > 0,
                            #[watch]
                            set_subtitle: &texts::problem_count(model.shown.problems),
                            connect_activated[sender] => move |_| {
                                let _ = sender.output(OverviewOutput::ProblemsWanted);
                            },
                        },
                        adw::ActionRow {
                            set_title: &gettext("Save a Recovery Sheet…"),
                            set_subtitle: &gettext("How to get your files back, for the day when this computer is gone"),
                            set_activatable: true,
                            add_prefix = &gtk::Image::from_icon_name("document-save-symbolic"),
                            add_suffix = &gtk::Button {
                                set_icon_name: "window-close-symbolic",
                                set_tooltip_text: Some(&gettext("Do Not Offer It Again")),
                                set_valign: gtk::Align::Center,
                                add_css_class: "flat",
                                connect_clicked[sender] => move |_| {
                                    let _ = sender.output(OverviewOutput::SheetWanted(false));
                                },
                            },
                            #[watch]
                            set_visible: model.shown.offer_sheet,
                            connect_activated[sender] => move |_| {
                                let _ = sender.output(OverviewOutput::SheetWanted(true));
                            },
                        },
                        adw::ActionRow {
                            set_title: &gettext("Next Backup"),
                            add_prefix = &gtk::Image::from_icon_name("alarm-symbolic"),
                            #[watch]
                            set_subtitle: &model.shown.next,
                        },
                        adw::ActionRow {
                            set_title: &gettext("Last Restore Test"),
                            add_prefix = &gtk::Image::from_icon_name("object-select-symbolic"),
                            #[watch]
                            set_subtitle: &escaped(&model.shown.checked),
                        },
                        adw::PreferencesRow {
                            set_activatable: false,
                            set_focusable: false,
                            #[watch]
                            set_visible: model.shown.space.is_some(),
                            #[wrap(Some)]
                            set_child = &gtk::Box {
                                set_spacing: 12,
                                set_margin_top: 9,
                                set_margin_bottom: 14,
                                set_margin_start: 12,
                                set_margin_end: 12,
                                gtk::Image {
                                    set_icon_name: Some("drive-harddisk-symbolic"),
                                },
                                gtk::Box {
                                    set_orientation: gtk::Orientation::Vertical,
                                    set_hexpand: true,
                                    gtk::Label {
                                        set_xalign: 0.0,
                                        set_wrap: true,
                                        #[watch]
                                        set_label: &gettext_f("Space on {place}", &[("place", &model.shown.place)]),
                                    },
                                    gtk::Label {
                                        set_css_classes: &["caption", "dim-label", "numeric"],
                                        set_xalign: 0.0,
                                        #[watch]
                                        set_label: &model.space_text(),
                                    },
                                    gtk::ProgressBar {
                                        set_margin_top: 6,
                                        add_css_class: "space",
                                        set_accessible_role: gtk::AccessibleRole::Presentation,
                                        #[watch]
                                        set_fraction: model.space_used(),
                                    },
                                },
                            },
                        },
                    },

                    adw::PreferencesGroup {
                        adw::ActionRow {
                            set_title: &gettext("Folders"),
                            set_activatable: true,
                            set_title_lines: 1,
                            add_prefix = &gtk::Image::from_icon_name("folder-symbolic"),
                            add_suffix = &gtk::Image::from_icon_name("go-next-symbolic"),
                            #[watch]
                            set_subtitle: &escaped(&model.shown.folders),
                            connect_activated[sender] => move |_| {
                                let _ = sender.output(OverviewOutput::PreferencesWanted(Page::Folders));
                            },
                        },
                        adw::ActionRow {
                            set_title: &gettext("Place"),
                            set_activatable: true,
                            add_prefix = &gtk::Image::from_icon_name("drive-harddisk-symbolic"),
                            add_suffix = &gtk::Image::from_icon_name("go-next-symbolic"),
                            #[watch]
                            set_subtitle: &escaped(&model.shown.place_kind),
                            connect_activated[sender] => move |_| {
                                let _ = sender.output(OverviewOutput::PreferencesWanted(Page::Place));
                            },
                        },
                        adw::ActionRow {
                            set_title: &gettext("Schedule"),
                            set_activatable: true,
                            add_prefix = &gtk::Image::from_icon_name("document-open-recent-symbolic"),
                            add_suffix = &gtk::Image::from_icon_name("go-next-symbolic"),
                            #[watch]
                            set_subtitle: &escaped(&model.shown.schedule),
                            connect_activated[sender] => move |_| {
                                let _ = sender.output(OverviewOutput::PreferencesWanted(Page::Schedule));
                            },
                        },
                    },
                },
            },
        }
    }

    fn init(shown: Shown, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self { shown };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: OverviewInput, _sender: ComponentSender<Self>) {
        let OverviewInput::Show(shown) = input;
        self.shown = *shown;
    }
}

/// Rows read their texts as markup.
pub fn escaped(text: &str) -> String {
    gtk::glib::markup_escape_text(text).into()
}
