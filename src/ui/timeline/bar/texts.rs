//! Laid out text, kept for as long as it is good: laying out is what costs most.

use std::collections::HashMap;

use relm4::gtk::{self, pango, prelude::*};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Style {
    Label,
    /// Years and the selected month.
    StrongLabel,
    /// The date in the handle.
    Handle,
    /// The date under the pointer, and what more is said of it.
    Hovered,
    Detail,
}

impl Style {
    fn attributes(self) -> pango::AttrList {
        let (scale, weight) = match self {
            Self::Label => (0.82, pango::Weight::Normal),
            Self::StrongLabel => (0.82, pango::Weight::Semibold),
            Self::Detail => (0.88, pango::Weight::Normal),
            Self::Handle | Self::Hovered => (0.88, pango::Weight::Semibold),
        };
        let attributes = pango::AttrList::new();
        attributes.insert(pango::AttrFloat::new_scale(scale));
        attributes.insert(pango::AttrInt::new_weight(weight));
        // Tabular figures: nothing moves while dates change.
        attributes.insert(pango::AttrFontFeatures::new("tnum=1"));
        attributes
    }

    /// There are few labels, all drawn in every frame, and many texts of bubbles, of which one is in sight.
    fn is_label(self) -> bool {
        matches!(self, Self::Label | Self::StrongLabel)
    }
}

/// A text and its size in pixels.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub layout: pango::Layout,
    pub width: i32,
    pub height: i32,
}

#[derive(Default)]
pub(super) struct Texts {
    kept: HashMap<Style, HashMap<String, Text>>,
    /// Of the font they are laid out in.
    serial: u32,
}

impl Texts {
    pub(super) fn get(&mut self, widget: &impl IsA<gtk::Widget>, style: Style, text: &str) -> Text {
        let serial = widget.pango_context().serial();
        if serial != self.serial {
            self.kept.clear();
            self.serial = serial;
        }
        let kept = self.kept.entry(style).or_default();
        if let Some(found) = kept.get(text) {
            return found.clone();
        }
        if !style.is_label() {
            kept.clear();
        }
        let layout = widget.create_pango_layout(Some(text));
        layout.set_attributes(Some(&style.attributes()));
        let (width, height) = layout.pixel_size();
        let new = Text { layout, width, height };
        kept.insert(text.to_owned(), new.clone());
        new
    }
}
