//! The handle, which says the date, and the bubble of the date under the pointer.

use relm4::gtk::{self, gdk};

use super::canvas::{Area, Canvas};
use super::draw::Rows;
use super::texts::Text;
use super::theme::{Palette, with_alpha};

const PADDING: f64 = 12.0;
const BEFORE_DETAIL: f64 = 8.0;
const ICON: f64 = 16.0;
const AFTER_ICON: f64 = 6.0;
/// The focus ring: outside the bubble, and its thickness.
const RING: (f64, f64) = (2.0, 2.0);

/// A bubble and where it is in the view.
#[derive(Debug)]
pub(super) struct Bubble {
    pub left: f64,
    pub title: Text,
    pub detail: Option<Text>,
    pub icon: Option<gtk::IconPaintable>,
}

/// How the handle is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Held {
    pub dragged: bool,
    pub focused: bool,
}

impl Bubble {
    pub(super) fn width(&self) -> f64 {
        let icon = self.icon.as_ref().map_or(0.0, |_| ICON + AFTER_ICON);
        let detail = self.detail.as_ref().map_or(0.0, |detail| BEFORE_DETAIL + f64::from(detail.width));
        2.0 * PADDING + icon + f64::from(self.title.width) + detail
    }

    pub(super) fn contains(&self, x: f64) -> bool {
        (self.left..=self.left + self.width()).contains(&x)
    }

    /// From its beginning to its end in the view.
    pub(super) fn span(&self) -> (f64, f64) {
        (self.left, self.left + self.width())
    }

    fn area(&self, rows: Rows) -> Area {
        Area {
            left: self.left,
            top: f64::from(rows.bubble_top),
            width: self.width(),
            height: f64::from(rows.bubble_height),
        }
    }

    pub(super) fn draw_handle(&self, canvas: &Canvas, palette: &Palette, rows: Rows, held: Held) {
        let area = self.area(rows);
        let shadow = held.dragged.then_some((2.0, 6.0, with_alpha(gdk::RGBA::BLACK, 0.3)));
        canvas.bubble(area, &palette.accent, None, shadow);
        if held.focused {
            canvas.ring(area, RING.0, RING.1, palette.ring);
        }
        self.content(canvas, rows, palette.on_accent, palette.on_accent);
    }

    pub(super) fn draw_hovered(&self, canvas: &Canvas, palette: &Palette, rows: Rows) {
        let (border, dim) = if palette.high_contrast { (0.5, 1.0) } else { (0.14, 0.55) };
        let shadow = (1.0, 3.0, with_alpha(gdk::RGBA::BLACK, 0.14));
        canvas.bubble(self.area(rows), &palette.popover, Some(palette.ink(border)), Some(shadow));
        self.content(canvas, rows, palette.ink(1.0), palette.ink(dim));
    }

    fn content(&self, canvas: &Canvas, rows: Rows, color: gdk::RGBA, dim: gdk::RGBA) {
        let mut left = self.left + PADDING;
        let centred =
            |height: f64| f64::from(rows.bubble_top) + (f64::from(rows.bubble_height) - height) / 2.0;
        if let Some(icon) = &self.icon {
            canvas.icon(icon, left, centred(ICON), ICON, color);
            left += ICON + AFTER_ICON;
        }
        let mut text = |text: &Text, color| {
            canvas.text(&text.layout, left, centred(f64::from(text.height)), f64::from(text.width), color);
            left += f64::from(text.width) + BEFORE_DETAIL;
        };
        text(&self.title, &color);
        if let Some(detail) = &self.detail {
            text(detail, &dim);
        }
    }
}

/// What stands in the bubble's place when there is none.
pub(super) fn draw_nothing(canvas: &Canvas, palette: &Palette, rows: Rows, text: &Text) {
    let left = (canvas.width - f64::from(text.width)) / 2.0;
    let top = f64::from(rows.bubble_top) + f64::from(rows.bubble_height - text.height) / 2.0;
    let strength = if palette.high_contrast { 1.0 } else { 0.55 };
    canvas.text(&text.layout, left, top, f64::from(text.width), &palette.ink(strength));
}
