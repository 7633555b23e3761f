//! The pane of the selected file: a look at it, and every version there is of it.

mod words;

use std::time::Duration;

use adw::prelude::*;
use hindsight::engine::timeline::Version;
use hindsight::i18n::{gettext, ngettext_f};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::preview::Preview;
use super::row::Row;
use crate::ui::texts;

/// A look that is there sooner needs no spinner.
const PATIENCE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub struct VersionsPane {
    row: Option<Row>,
    /// How many are selected, if not one.
    selected: usize,
    /// Date of the backup shown.
    shown: i64,
    /// Newest first, without those in which it was gone.
    versions: Vec<Version>,
    preview: Option<Preview>,
    waiting: bool,
    /// Of the look that is waited for.
    asked: u64,
    /// What the list shows: filled anew only when that changes.
    listed: std::cell::RefCell<Option<Listing>>,
}

/// Path, number of versions, and the one that is marked.
type Listing = (hindsight::entry::EntryPath, usize, Option<usize>);

#[derive(Debug)]
pub enum PaneInput {
    /// One row is selected, or none, or several.
    Show {
        row: Option<Box<Row>>,
        selected: usize,
        shown: i64,
    },
    /// Of the row shown, oldest first.
    Versions(Vec<Version>),
    /// A look is being made.
    Looking,
    Waited(u64),
    Preview(Preview),
    Chosen(i32),
    CompareWanted,
    OpenWanted,
}

#[derive(Debug)]
pub enum PaneOutput {
    /// The date of the version.
    Chosen(i64),
    /// With the dates of all versions, newest first.
    CompareWanted(Vec<i64>),
    OpenWanted,
}

#[relm4::component(pub)]
impl SimpleComponent for VersionsPane {
    type Init = ();
    type Input = PaneInput;
    type Output = PaneOutput;

    view! {
        #[root]
        gtk::ScrolledWindow {
            set_hscrollbar_policy: gtk::PolicyType::Never,
            set_propagate_natural_height: true,
            gtk::Stack {
                set_vhomogeneous: false,
                add_named[Some("nothing")] = &adw::StatusPage {
                    set_icon_name: Some("document-open-recent-symbolic"),
                    add_css_class: "compact",
                    #[watch]
                    set_title: &model.nothing_title(),
                    #[watch]
                    set_description: Some(&model.nothing_sentence()),
                },
                add_named[Some("file")] = &gtk::Box {
                    set_orientation: gtk::Orientation::Vertical,
                    set_spacing: 18,
                    set_margin_all: 18,
                    gtk::Stack {
                        set_vhomogeneous: false,
                        set_overflow: gtk::Overflow::Hidden,
                        add_css_class: "preview",
                        add_named[Some("waiting")] = &adw::Spinner {
                            set_height_request: 190,
                        },
                        #[name = "icon"]
                        add_named[Some("icon")] = &gtk::Image {
                            set_pixel_size: 96,
                            set_height_request: 128,
                            set_accessible_role: gtk::AccessibleRole::Presentation,
                        },
                        #[name = "picture"]
                        add_named[Some("picture")] = &gtk::Picture {
                            set_height_request: 190,
                            set_content_fit: gtk::ContentFit::Cover,
                        },
                        add_named[Some("text")] = &gtk::Box {
                            add_css_class: "paper",
                            set_height_request: 190,
                            #[name = "text"]
                            gtk::Label {
                                set_xalign: 0.0,
                                set_yalign: 0.0,
                                set_hexpand: true,
                                set_wrap: true,
                                set_wrap_mode: gtk::pango::WrapMode::WordChar,
                                set_lines: 9,
                                set_ellipsize: gtk::pango::EllipsizeMode::End,
                            },
                        },
                        #[watch]
                        set_visible_child_name: model.preview_name(),
                    },
                    gtk::Box {
                        set_spacing: 6,
                        gtk::Box {
                            set_orientation: gtk::Orientation::Vertical,
                            set_hexpand: true,
                            gtk::Label {
                                set_xalign: 0.0,
                                add_css_class: "heading",
                                set_wrap: true,
                                set_wrap_mode: gtk::pango::WrapMode::WordChar,
                                #[watch]
                                set_label: model.row.as_ref().map_or("", |row| &row.name),
                            },
                            gtk::Label {
                                set_xalign: 0.0,
                                set_css_classes: &["caption", "dim-label"],
                                set_wrap: true,
                                #[watch]
                                set_label: &model.kind(),
                            },
                        },
                        gtk::Button {
                            set_icon_name: "document-open-symbolic",
                            set_css_classes: &["flat", "circular"],
                            set_valign: gtk::Align::Center,
                            set_tooltip_text: Some(&gettext("Open a Copy")),
                            #[watch]
                            set_visible: model.row.as_ref().is_some_and(|row| !row.is_folder()),
                            connect_clicked => PaneInput::OpenWanted,
                        },
                    },
                    gtk::Box {
                        set_orientation: gtk::Orientation::Vertical,
                        set_spacing: 12,
                        #[watch]
                        set_visible: !model.versions.is_empty(),
                        gtk::Box {
                            gtk::Label {
                                set_xalign: 0.0,
                                set_hexpand: true,
                                add_css_class: "heading",
                                #[watch]
                                set_label: &ngettext_f("{count} Version", "{count} Versions", model.versions.len() as u64, &[]),
                            },
                            gtk::Button {
                                set_label: &gettext("Compare…"),
                                set_css_classes: &["flat"],
                                #[watch]
                                set_visible: model.is_text(),
                                connect_clicked => PaneInput::CompareWanted,
                            },
                        },
                        #[name = "list"]
                        gtk::ListBox {
                            set_selection_mode: gtk::SelectionMode::None,
                            add_css_class: "boxed-list",
                            update_property: &[gtk::accessible::Property::Label(&gettext("Versions"))],
                            connect_row_activated[sender] => move |_, row| {
                                sender.input(PaneInput::Chosen(row.index()));
                            },
                        },
                    },
                },
                #[watch]
                set_visible_child_name: if model.row.is_some() { "file" } else { "nothing" },
            },
        }
    }

    fn init(_: (), _root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self {
            row: None,
            selected: 0,
            shown: 0,
            versions: Vec::new(),
            preview: None,
            waiting: false,
            asked: 0,
            listed: Default::default(),
        };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: PaneInput, sender: ComponentSender<Self>) {
        match input {
            PaneInput::Show { row, selected, shown } => {
                let another = self.row.as_ref().map(|row| &row.path) != row.as_ref().map(|row| &row.path);
                if another {
                    self.versions.clear();
                    self.preview = None;
                }
                self.row = row.map(|row| *row);
                (self.selected, self.shown) = (selected, shown);
            }
            PaneInput::Versions(versions) => {
                self.versions = versions.into_iter().filter(|version| version.attributes.is_some()).collect();
                self.versions.reverse();
            }
            PaneInput::Looking => {
                self.asked += 1;
                let (asked, input) = (self.asked, sender.input_sender().clone());
                gtk::glib::timeout_add_local_once(PATIENCE, move || input.emit(PaneInput::Waited(asked)));
            }
            PaneInput::Waited(asked) => {
                self.waiting = asked == self.asked;
            }
            PaneInput::Preview(preview) => {
                self.asked += 1;
                self.waiting = false;
                self.preview = Some(preview);
            }
            PaneInput::Chosen(index) => {
                let version = usize::try_from(index).ok().and_then(|index| self.versions.get(index));
                if let Some(version) = version {
                    let _ = sender.output(PaneOutput::Chosen(version.at));
                }
            }
            PaneInput::CompareWanted => {
                let dates = self.versions.iter().map(|version| version.at).collect();
                let _ = sender.output(PaneOutput::CompareWanted(dates));
            }
            PaneInput::OpenWanted => {
                let _ = sender.output(PaneOutput::OpenWanted);
            }
        }
    }

    fn post_view() {
        if let Some(row) = &model.row {
            icon.set_from_gicon(&row.icon());
        }
        match &model.preview {
            Some(Preview::Picture(texture)) => {
                picture.set_paintable(Some(texture));
                let name = model.row.as_ref().map(|row| row.name.as_str());
                picture.set_alternative_text(name);
            }
            Some(Preview::Text(shown)) => text.set_label(shown),
            _ => {}
        }
        if *model.listed.borrow() != model.listing() {
            model.list_versions(list);
            model.listed.replace(model.listing());
        }
    }
}

impl VersionsPane {
    /// The version that the date shown has.
    fn current(&self) -> Option<usize> {
        let date = self.row.as_ref()?.date(self.shown);
        self.versions.iter().position(|version| version.at <= date)
    }

    fn listing(&self) -> Option<Listing> {
        let row = self.row.as_ref()?;
        Some((row.path.clone(), self.versions.len(), self.current()))
    }

    fn list_versions(&self, list: &gtk::ListBox) {
        list.remove_all();
        let current = self.current();
        let days: Vec<_> = self.versions.iter().map(|version| texts::date(version.at)).collect();
        // They are sorted, so that those of one day stand beside each other.
        let is_of_day = |index: Option<usize>, day| index.and_then(|index| days.get(index)) == Some(day);
        for (index, (version, day)) in self.versions.iter().zip(&days).enumerate() {
            let several = is_of_day(index.checked_sub(1), day) || is_of_day(Some(index + 1), day);
            let date = if several { texts::date_and_time(version.at) } else { day.clone() };
            let row = adw::ActionRow::builder()
                .title(&date)
                .subtitle(self.about(index, version))
                .activatable(true)
                .build();
            if current == Some(index) {
                row.add_css_class("shown");
                let mark = gtk::Image::from_icon_name("object-select-symbolic");
                mark.add_css_class("accent");
                mark.set_accessible_role(gtk::AccessibleRole::Presentation);
                row.add_suffix(&mark);
            }
            list.append(&row);
        }
    }
}
