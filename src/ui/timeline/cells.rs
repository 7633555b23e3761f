//! What the lines and the columns of the list show of a row.

use std::rc::Rc;

use gtk::prelude::*;
use relm4::gtk;

use super::dragging::Dragging;
use super::files::row_of;
use super::row::Row;
use crate::ui::services::now;
use crate::ui::texts;

/// Cells, or lines, that `make` makes and `bind` fills.
pub fn factory<W: IsA<gtk::Widget>>(
    make: impl Fn(&gtk::ListItem) -> W + 'static,
    bind: impl Fn(&W, &Row) + 'static,
) -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(move |_, item| {
        if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
            item.set_child(Some(&make(item)));
        }
    });
    factory.connect_bind(move |_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
        if let (Some(row), Some(cell)) = (row_in(item), item.child().and_downcast::<W>()) {
            bind(&cell, &row);
        }
    });
    factory
}

pub fn row_in(item: &gtk::ListItem) -> Option<Row> {
    row_of(item.item())
}

pub fn names(icon_size: i32, dragging: &Rc<Dragging>) -> impl Fn(&gtk::ListItem) -> gtk::Box + use<> {
    let dragging = Rc::clone(dragging);
    move |item| named(icon_size, &dragging, item)
}

/// Icon, name, and a second line below the name. These are what can be dragged: beside them a frame is begun.
fn named(icon_size: i32, dragging: &Rc<Dragging>, item: &gtk::ListItem) -> gtk::Box {
    relm4::view! {
        line = gtk::Box {
            #[name = "content"]
            gtk::Box {
                set_spacing: 12,
                gtk::Image {
                    set_pixel_size: icon_size,
                },
                gtk::Box {
                    set_orientation: gtk::Orientation::Vertical,
                    set_valign: gtk::Align::Center,
                    gtk::Label {
                        set_xalign: 0.0,
                        set_ellipsize: gtk::pango::EllipsizeMode::Middle,
                    },
                    gtk::Label {
                        set_xalign: 0.0,
                        set_css_classes: &["caption", "dim-label", "numeric"],
                        set_ellipsize: gtk::pango::EllipsizeMode::Middle,
                    },
                },
            },
        }
    }
    dragging.allow(&content, item);
    line
}

pub fn bind_name(line: &gtk::Box, row: &Row) {
    show_name(line, row, row.place.as_deref().unwrap_or_default());
}

pub fn show_name(line: &gtk::Box, row: &Row, below: &str) {
    set_ghost(line, row.is_ghost());
    let content = line.first_child();
    let Some(icon) = content.and_then(|it| it.first_child()).and_downcast::<gtk::Image>() else { return };
    icon.set_from_gicon(&row.icon());
    let Some(texts) = icon.next_sibling() else { return };
    let Some(name) = texts.first_child().and_downcast::<gtk::Label>() else { return };
    name.set_label(&row.name);
    if let Some(second) = name.next_sibling().and_downcast::<gtk::Label>() {
        second.set_label(below);
        second.set_visible(!below.is_empty());
    }
}

pub fn size_cell(_: &gtk::ListItem) -> gtk::Label {
    gtk::Label::builder().xalign(1.0).css_classes(["dim-label", "numeric"]).build()
}

/// A bin for what is deleted, and a date.
pub fn when_cell(_: &gtk::ListItem) -> gtk::Box {
    relm4::view! {
        cell = gtk::Box {
            set_spacing: 6,
            set_css_classes: &["dim-label", "numeric"],
            gtk::Image {
                set_icon_name: Some("user-trash-symbolic"),
            },
            gtk::Label {
                set_xalign: 0.0,
                set_ellipsize: gtk::pango::EllipsizeMode::End,
            },
        }
    }
    cell
}

pub fn bind_when(cell: &gtk::Box, row: &Row) {
    let Some(bin) = cell.first_child() else { return };
    bin.set_visible(row.is_ghost());
    if let Some(label) = bin.next_sibling().and_downcast::<gtk::Label>() {
        label.set_label(&match row.place {
            Some(_) => texts::last_existed(row.presence, now()),
            None => row.when(now()),
        });
    }
}

fn set_ghost(widget: &gtk::Box, ghost: bool) {
    if ghost {
        widget.add_css_class("ghost");
    } else {
        widget.remove_css_class("ghost");
    }
}
