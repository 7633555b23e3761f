//! Choosing where backups are kept: a drive, a folder, or an address. In set-up, in preferences, and to restore.

use std::path::{Path, PathBuf};

use adw::prelude::*;
use hindsight::desktop::drives::{self, Drive, Drives};
use hindsight::destination::MARKER_NAME;
use hindsight::i18n::gettext;
use hindsight::settings::{PlaceKind, PlanPlace, place_folder_name};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::overview::escaped;

/// Below a drive's own folder: ours beside other things people keep there.
const FOLDER_ON_DRIVE: &str = "Hindsight";

/// What the choice is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// New backups: in a folder of this computer and user.
    Keep,
    /// Backups that are there: the folder itself.
    Find,
}

pub struct PlaceChooser {
    purpose: Purpose,
    drives: Drives,
    listed: Vec<Drive>,
    chosen: Option<PlanPlace>,
}

#[derive(Debug)]
pub enum PlaceInput {
    DrivesChanged,
    DriveChosen(usize),
    ChooseFolder,
    FolderChosen(PathBuf),
    AddressTyped(String),
}

#[derive(Debug)]
pub enum PlaceOutput {
    /// `None`: what is typed is no address yet.
    Changed(Option<PlanPlace>),
}

#[relm4::component(pub)]
impl Component for PlaceChooser {
    type Init = Purpose;
    type Input = PlaceInput;
    type Output = PlaceOutput;
    type CommandOutput = ();

    view! {
        gtk::Box {
            set_orientation: gtk::Orientation::Vertical,
            set_spacing: 24,
            adw::PreferencesGroup {
                set_title: &gettext("Drives"),
                #[watch]
                set_visible: !model.listed.is_empty(),
                #[name = "rows"]
                gtk::ListBox {
                    add_css_class: "boxed-list",
                    set_selection_mode: gtk::SelectionMode::None,
                },
            },
            adw::PreferencesGroup {
                set_title: &if model.listed.is_empty() { String::new() } else { gettext("Other Places") },
                #[name = "folder"]
                adw::ActionRow {
                    set_title: &gettext("Folder on This Computer"),
                    set_activatable: true,
                    add_prefix = &gtk::Image::from_icon_name("folder-symbolic"),
                    add_suffix = &gtk::Image::from_icon_name("go-next-symbolic"),
                    #[watch]
                    set_subtitle: &escaped(&model.folder_text()),
                    connect_activated => PlaceInput::ChooseFolder,
                },
                #[name = "address"]
                adw::EntryRow {
                    set_title: &gettext("Address"),
                    add_prefix = &gtk::Image::from_icon_name("network-server-symbolic"),
                    connect_changed[sender] => move |row| {
                        sender.input(PlaceInput::AddressTyped(row.text().into()));
                    },
                },
            },
        }
    }

    fn init(purpose: Purpose, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let input = sender.input_sender().clone();
        let drives = Drives::watch(move || input.emit(PlaceInput::DrivesChanged));
        let listed = drives.list();
        let model = Self { purpose, drives, listed, chosen: None };
        let widgets = view_output!();
        model.fill(&widgets.rows, &sender);
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: PlaceInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            PlaceInput::DrivesChanged => {
                let listed = self.drives.list();
                if listed == self.listed {
                    return;
                }
                self.listed = listed;
                self.fill(&widgets.rows, &sender);
            }
            PlaceInput::DriveChosen(index) => {
                let Some(drive) = self.listed.get(index) else { return };
                if drive.mount.is_none() {
                    open_drive(root, &drive.uuid);
                }
                let folder = Path::new(FOLDER_ON_DRIVE).join(place_folder_name());
                let kind = PlaceKind::Drive { uuid: drive.uuid.clone(), folder };
                self.choose(Some(PlanPlace { kind, label: drive.name.clone(), marker: None }), &sender);
            }
            PlaceInput::ChooseFolder => choose_folder(root, &gettext("Choose a Folder for Backups"), {
                let input = sender.input_sender().clone();
                move |path| input.emit(PlaceInput::FolderChosen(path))
            }),
            PlaceInput::FolderChosen(path) => {
                let kind = PlaceKind::Folder { path: self.below(&path) };
                let label = name_of(&path);
                self.choose(Some(PlanPlace { kind, label, marker: None }), &sender);
            }
            PlaceInput::AddressTyped(text) => {
                let place = typed_place(&text);
                let unfinished = !text.is_empty() && place.is_none();
                widgets.address.set_css_classes(if unfinished { &["error"] } else { &[] });
                self.choose(place, &sender);
            }
        }
        self.update_view(widgets, sender);
    }
}

impl PlaceChooser {
    fn choose(&mut self, place: Option<PlanPlace>, sender: &ComponentSender<Self>) {
        self.chosen = place;
        let _ = sender.output(PlaceOutput::Changed(self.chosen.clone()));
    }

    fn folder_text(&self) -> String {
        match self.chosen.as_ref().map(|place| &place.kind) {
            Some(PlaceKind::Folder { path }) => path.display().to_string(),
            _ => String::new(),
        }
    }

    /// One folder per computer and user, unless backups are there already.
    fn below(&self, folder: &Path) -> PathBuf {
        match self.purpose {
            Purpose::Keep if !holds_backups(folder) => folder.join(place_folder_name()),
            _ => folder.to_owned(),
        }
    }

    fn fill(&self, rows: &gtk::ListBox, sender: &ComponentSender<Self>) {
        rows.remove_all();
        let mut first: Option<gtk::CheckButton> = None;
        for (index, drive) in self.listed.iter().enumerate() {
            let radio = gtk::CheckButton::builder().valign(gtk::Align::Center).build();
            radio.set_group(first.as_ref());
            first.get_or_insert_with(|| radio.clone());
            let row = adw::ActionRow::builder()
                .title(escaped(&drive.name))
                .subtitle(if drive.mount.is_some() {
                    gettext("Connected")
                } else {
                    gettext("Not opened yet")
                })
                .activatable_widget(&radio)
                .build();
            row.add_prefix(&gtk::Image::from_icon_name("drive-harddisk-symbolic"));
            row.add_prefix(&radio);
            if drive.encrypted {
                row.add_suffix(&gtk::Image::from_icon_name("changes-prevent-symbolic"));
            }
            let input = sender.input_sender().clone();
            radio.connect_toggled(move |radio| {
                if radio.is_active() {
                    input.emit(PlaceInput::DriveChosen(index));
                }
            });
            rows.append(&row);
        }
    }
}

/// A plain path is as good as an address.
fn typed_place(text: &str) -> Option<PlanPlace> {
    let text = text.trim();
    let kind = if text.starts_with('/') && text.len() > 1 {
        PlaceKind::Folder { path: text.into() }
    } else {
        PlaceKind::Address { url: text.to_owned() }
    };
    let label = name_of(Path::new(text.trim_end_matches('/')));
    let place = PlanPlace { kind, label, marker: None };
    place.spec().is_ok().then_some(place)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A look at names only: manifests of duplicity's, or our marker.
fn holds_backups(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().take(10_000).any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name == MARKER_NAME || (name.starts_with("duplicity-") && name.contains(".manifest"))
    })
}

/// Mounts a drive, with the desktop's dialog where it asks for a password. What fails is said by whoever needs it.
pub fn open_drive(widget: &impl IsA<gtk::Widget>, uuid: &str) {
    let window = widget.root().and_downcast::<gtk::Window>();
    let (operation, uuid) = (gtk::MountOperation::new(window.as_ref()), uuid.to_owned());
    gtk::glib::spawn_future_local(async move { drives::mount(&uuid, &operation).await });
}

/// The desktop's own folder chooser.
pub fn choose_folder(widget: &impl IsA<gtk::Widget>, title: &str, chosen: impl FnOnce(PathBuf) + 'static) {
    let dialog = gtk::FileDialog::builder().title(title).modal(true).build();
    let window = widget.root().and_downcast::<gtk::Window>();
    dialog.select_folder(window.as_ref(), None::<&gtk::gio::Cancellable>, move |result| {
        if let Some(path) = result.ok().and_then(|file| file.path()) {
            chosen(path);
        }
    });
}
