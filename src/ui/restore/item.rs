//! A line of a folder as it was.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use hindsight::engine::timeline;
use hindsight::entry::{Attributes, Kind};
use relm4::gtk;
use relm4::gtk::gio;
use relm4::gtk::prelude::*;
use relm4::typed_view::list::RelmListItem;

use crate::ui::texts;

#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// As on disk.
    pub name: Vec<u8>,
    pub attributes: Attributes,
}

impl Item {
    /// `None` for what had been deleted by then.
    pub fn existing(item: timeline::Item) -> Option<Self> {
        let exists = item.presence == timeline::Presence::Present;
        exists.then_some(Self { name: item.name, attributes: item.attributes })
    }

    pub fn is_folder(&self) -> bool {
        self.attributes.kind == Kind::Directory
    }

    pub fn shown_name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    /// What the desktop shows for files of such a name.
    fn icon(&self) -> gio::Icon {
        let content = match self.attributes.kind {
            Kind::Directory => "inode/directory".into(),
            _ => gio::content_type_guess(Some(Path::new(OsStr::from_bytes(&self.name))), None::<&[u8]>).0,
        };
        gio::content_type_get_icon(&content)
    }

    fn caption(&self) -> String {
        let modified = texts::date_and_time(self.attributes.mtime.seconds);
        match &self.attributes.content {
            Some(content) => format!("{} · {modified}", texts::size(content.size)),
            None => modified,
        }
    }
}

impl Eq for Item {}

impl Ord for Item {
    /// Folders first, then by name as people sort it.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |item: &Self| (!item.is_folder(), item.shown_name().to_lowercase());
        key(self).cmp(&key(other)).then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub struct ItemWidgets {
    icon: gtk::Image,
    name: gtk::Label,
    caption: gtk::Label,
}

impl RelmListItem for Item {
    type Root = gtk::Box;
    type Widgets = ItemWidgets;

    fn setup(_: &gtk::ListItem) -> (gtk::Box, ItemWidgets) {
        relm4::view! {
            line = gtk::Box {
                set_spacing: 12,
                set_margin_top: 6,
                set_margin_bottom: 6,
                set_margin_start: 12,
                set_margin_end: 12,
                #[name = "icon"]
                gtk::Image {
                    set_pixel_size: 32,
                },
                gtk::Box {
                    set_orientation: gtk::Orientation::Vertical,
                    set_valign: gtk::Align::Center,
                    #[name = "name"]
                    gtk::Label {
                        set_xalign: 0.0,
                        set_ellipsize: gtk::pango::EllipsizeMode::Middle,
                    },
                    #[name = "caption"]
                    gtk::Label {
                        set_xalign: 0.0,
                        set_css_classes: &["caption", "dim-label", "numeric"],
                        set_ellipsize: gtk::pango::EllipsizeMode::End,
                    },
                },
            }
        }
        (line, ItemWidgets { icon, name, caption })
    }

    fn bind(&mut self, widgets: &mut ItemWidgets, _: &mut gtk::Box) {
        widgets.icon.set_from_gicon(&self.icon());
        widgets.name.set_label(&self.shown_name());
        widgets.caption.set_label(&self.caption());
    }
}
