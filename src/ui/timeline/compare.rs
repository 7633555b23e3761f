//! What differs between a version of a text and another one, or what is on the disk now.

use std::path::Path;

use adw::prelude::*;
use hindsight::context::Context;
use hindsight::engine::Place;
use hindsight::engine::preview::preview;
use hindsight::entry::EntryPath;
use hindsight::explain::explain;
use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use hindsight::texts::{Line, LineKind, compare_texts};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::preview::text;
use crate::ui::texts;

/// Longer texts are compared by their beginnings.
const MOST: u64 = 1_000_000;

pub struct Compare {
    init: CompareInit,
    /// In the order of the chooser.
    others: Vec<Other>,
    shown: Shown,
}

pub struct CompareInit {
    pub place: Place,
    pub path: EntryPath,
    /// Of the version that is compared; seconds since 1970.
    pub date: i64,
    /// Dates of all versions, newest first.
    pub versions: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Other {
    OnDisk,
    Version(i64),
}

#[derive(Debug)]
enum Shown {
    Waiting,
    Same,
    Lines,
    /// Why there is nothing to compare.
    Failed(String),
}

type Compared = Result<Vec<Line>, String>;

#[relm4::component(pub)]
impl Component for Compare {
    type Init = CompareInit;
    /// Which one of the others was chosen.
    type Input = u32;
    type Output = ();
    type CommandOutput = Compared;

    view! {
        #[root]
        adw::Dialog {
            set_title: &gettext("Compare"),
            set_content_width: 800,
            set_content_height: 600,
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                set_top_bar_style: adw::ToolbarStyle::Raised,
                add_top_bar = &adw::HeaderBar {
                    set_title_widget: Some(&adw::WindowTitle::new(&model.name(), &model.subtitle())),
                },
                add_top_bar = &gtk::Box {
                    set_spacing: 12,
                    set_margin_all: 6,
                    set_halign: gtk::Align::Center,
                    gtk::Label {
                        set_label: &gettext("Compared with"),
                        add_css_class: "dim-label",
                    },
                    gtk::DropDown {
                        set_model: Some(&model.choices()),
                        set_tooltip_text: Some(&gettext("Compared with")),
                        update_property: &[gtk::accessible::Property::Label(&gettext("Compared with"))],
                        connect_selected_notify[sender] => move |chooser| {
                            sender.input(chooser.selected());
                        },
                    },
                },
                #[wrap(Some)]
                set_content = &gtk::Stack {
                    add_named[Some("waiting")] = &adw::Spinner {},
                    add_named[Some("same")] = &adw::StatusPage {
                        set_icon_name: Some("object-select-symbolic"),
                        set_title: &gettext("No Difference"),
                        set_description: Some(&gettext("Both texts are the same.")),
                    },
                    add_named[Some("failed")] = &adw::StatusPage {
                        set_icon_name: Some("dialog-warning-symbolic"),
                        set_title: &gettext("Nothing to Compare"),
                        #[watch]
                        set_description: model.failure(),
                    },
                    add_named[Some("lines")] = &gtk::ScrolledWindow {
                        #[name = "lines"]
                        gtk::TextView {
                            set_editable: false,
                            set_cursor_visible: false,
                            set_monospace: true,
                            set_wrap_mode: gtk::WrapMode::WordChar,
                            set_left_margin: 12,
                            set_right_margin: 12,
                            set_top_margin: 12,
                            set_bottom_margin: 12,
                            update_property: &[gtk::accessible::Property::Label(&gettext("Differences"))],
                        },
                    },
                    #[watch]
                    set_visible_child_name: model.shown_name(),
                },
            },
        }
    }

    fn init(init: CompareInit, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let versions = init.versions.iter().filter(|date| **date != init.date);
        let others =
            std::iter::once(Other::OnDisk).chain(versions.map(|date| Other::Version(*date))).collect();
        let model = Self { init, others, shown: Shown::Waiting };
        let widgets = view_output!();
        style(&widgets.lines.buffer());
        model.compare(0, &sender);
        ComponentParts { model, widgets }
    }

    fn update(&mut self, chosen: u32, sender: ComponentSender<Self>, _root: &Self::Root) {
        self.shown = Shown::Waiting;
        self.compare(chosen, &sender);
    }

    fn update_cmd_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        compared: Compared,
        sender: ComponentSender<Self>,
        _root: &Self::Root,
    ) {
        self.shown = match compared {
            Err(why) => Shown::Failed(why),
            Ok(lines) if lines.is_empty() => Shown::Same,
            Ok(lines) => {
                write(&widgets.lines.buffer(), &lines);
                Shown::Lines
            }
        };
        self.update_view(widgets, sender);
    }
}

impl Compare {
    fn name(&self) -> String {
        String::from_utf8_lossy(self.init.path.file_name()).into_owned()
    }

    fn subtitle(&self) -> String {
        gettext_f("As of {date}", &[("date", &texts::date_and_time(self.init.date))])
    }

    fn choices(&self) -> gtk::StringList {
        let name = |other: &Other| match other {
            Other::OnDisk => gettext("Now on This Computer"),
            Other::Version(date) => texts::date_and_time(*date),
        };
        texts::list(&self.others.iter().map(name).collect::<Vec<_>>())
    }

    fn shown_name(&self) -> &'static str {
        match self.shown {
            Shown::Waiting => "waiting",
            Shown::Same => "same",
            Shown::Lines => "lines",
            Shown::Failed(_) => "failed",
        }
    }

    fn failure(&self) -> Option<&str> {
        match &self.shown {
            Shown::Failed(why) => Some(why),
            _ => None,
        }
    }

    fn compare(&self, chosen: u32, sender: &ComponentSender<Self>) {
        let Some(other) = self.others.get(chosen as usize).copied() else { return };
        let (place, path, date) = (self.init.place.clone(), self.init.path.clone(), self.init.date);
        sender.spawn_oneshot_command(move || {
            let this = stored(&place, &path, date)?;
            let (other, is_newer) = match other {
                Other::OnDisk => (on_disk(&path)?, true),
                Other::Version(other) => (stored(&place, &path, other)?, other > date),
            };
            // From the older to the newer: what is green came, what is red went.
            Ok(if is_newer { compare_texts(&this, &other) } else { compare_texts(&other, &this) })
        });
    }
}

fn stored(place: &Place, path: &EntryPath, date: i64) -> Result<String, String> {
    let found =
        preview(place, path, date, MOST, &Context::silent()).map_err(|error| explain(&error).sentence)?;
    text(found.bytes, found.whole).ok_or_else(|| gettext("This is no text."))
}

fn on_disk(path: &EntryPath) -> Result<String, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path.below(Path::new("/")));
    let read = file.and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    read.map_err(|_| gettext("The file is not on this computer now, or cannot be read."))?;
    let whole = (bytes.len() as u64) < MOST;
    text(bytes, whole).ok_or_else(|| gettext("The file on this computer is no text."))
}

/// The red and green of the palette, thin enough for text in light and dark.
fn style(buffer: &gtk::TextBuffer) {
    let red = gtk::gdk::RGBA::new(0.88, 0.11, 0.14, 0.25);
    let green = gtk::gdk::RGBA::new(0.15, 0.64, 0.41, 0.25);
    for (name, colour) in [("removed", red), ("added", green)] {
        buffer
            .tag_table()
            .add(&gtk::TextTag::builder().name(name).paragraph_background_rgba(&colour).build());
    }
}

fn write(buffer: &gtk::TextBuffer, lines: &[Line]) {
    buffer.set_text("");
    let mut end = buffer.end_iter();
    for line in lines {
        let (text, tag) = match line.kind {
            LineKind::Same => (format!("  {}\n", line.text), None),
            LineKind::Removed => (format!("− {}\n", line.text), Some("removed")),
            LineKind::Added => (format!("+ {}\n", line.text), Some("added")),
            LineKind::LeftOut(count) => (format!("  {}\n", left_out(count)), None),
        };
        match tag {
            Some(tag) => buffer.insert_with_tags_by_name(&mut end, &text, &[tag]),
            None => buffer.insert(&mut end, &text),
        }
    }
}

fn left_out(count: usize) -> String {
    ngettext_f("⋯ {count} unchanged line", "⋯ {count} unchanged lines", count as u64, &[])
}
