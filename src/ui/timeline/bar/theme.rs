//! Colours.

use relm4::adw;
use relm4::gtk::{gdk, prelude::*};

/// What the bar is drawn with.
pub(super) struct Palette {
    /// The neutral one, of which all greys are parts.
    ink: gdk::RGBA,
    pub accent: gdk::RGBA,
    pub on_accent: gdk::RGBA,
    pub ring: gdk::RGBA,
    pub warning: gdk::RGBA,
    pub popover: gdk::RGBA,
    pub high_contrast: bool,
}

impl Palette {
    pub(super) fn of(widget: &impl IsA<relm4::gtk::Widget>) -> Self {
        let style = adw::StyleManager::for_display(&widget.display());
        let dark = style.is_dark();
        let named = |name, light, in_dark| lookup(widget, name).unwrap_or(if dark { in_dark } else { light });
        let accent = style.accent_color_rgba();
        Self {
            ink: widget.color(),
            accent,
            on_accent: named("accent_fg_color", gdk::RGBA::WHITE, gdk::RGBA::WHITE),
            ring: with_alpha(style.accent_color().to_standalone_rgba(dark), 0.5),
            warning: named(
                "warning_color",
                gdk::RGBA::new(0.56, 0.33, 0.0, 1.0),
                gdk::RGBA::new(1.0, 0.76, 0.32, 1.0),
            ),
            popover: named("popover_bg_color", gdk::RGBA::WHITE, gdk::RGBA::new(0.21, 0.21, 0.23, 1.0)),
            high_contrast: style.is_high_contrast(),
        }
    }

    /// Ink of some strength.
    pub(super) fn ink(&self, strength: f32) -> gdk::RGBA {
        with_alpha(self.ink, strength)
    }
}

/// The colour with its own alpha multiplied.
pub(super) fn with_alpha(color: gdk::RGBA, strength: f32) -> gdk::RGBA {
    gdk::RGBA::new(color.red(), color.green(), color.blue(), color.alpha() * strength)
}

/// A colour of the theme by its name. What draws itself has no other way to know it; GTK names none to come instead.
#[expect(deprecated, reason = "there is no successor for widgets that draw themselves")]
fn lookup(widget: &impl IsA<relm4::gtk::Widget>, name: &str) -> Option<gdk::RGBA> {
    widget.style_context().lookup_color(name)
}
