//! Shapes and texts at logical places: mirrored where people write from right to left, sharp on every screen.

use relm4::gtk::{self, gdk, graphene, gsk, pango, prelude::*};

/// A rectangle before mirroring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

pub(super) struct Canvas<'a> {
    pub snapshot: &'a gtk::Snapshot,
    /// The width of the widget.
    pub width: f64,
    pub mirrored: bool,
    pub grid: Grid,
}

/// The pixels of the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Of them in a logical one.
    pub scale: f64,
    /// Where the widget is in the window, in logical pixels.
    pub origin: (f64, f64),
}

impl Grid {
    pub(super) fn of(widget: &impl IsA<gtk::Widget>) -> Self {
        let native = widget.native();
        let surface = native.as_ref().and_then(|native| native.surface());
        let scale = surface.map_or(1.0, |surface| surface.scale());
        let place = native.as_ref().and_then(|native| {
            let point = widget.compute_point(native, &graphene::Point::zero())?;
            let (x, y) = native.surface_transform();
            Some((f64::from(point.x()) + x, f64::from(point.y()) + y))
        });
        Self { scale, origin: place.unwrap_or_default() }
    }

    /// How many pixels of the screen a length takes, at least one.
    fn pixels(self, length: f64) -> f64 {
        (length * self.scale).round().max(1.0)
    }

    fn snap(self, place: f64, origin: f64) -> f64 {
        ((place + origin) * self.scale).round() / self.scale - origin
    }

    /// The length of something thin that stands on the middle of something `on` wide, without blur on either side.
    pub(super) fn thin(self, length: f64, on: f64) -> f64 {
        let pixels = self.pixels(length);
        let odd = (pixels - self.pixels(on)).rem_euclid(2.0) != 0.0;
        (if odd { pixels + 1.0 } else { pixels }) / self.scale
    }

    /// The length in whole pixels of the screen.
    pub(super) fn whole(self, length: f64) -> f64 {
        self.pixels(length) / self.scale
    }
}

impl Canvas<'_> {
    /// Where the area is drawn: in whole pixels of the screen.
    fn sharp(&self, area: Area) -> graphene::Rect {
        let (left, top) = self.grid.origin;
        let width = self.grid.whole(area.width);
        let x =
            self.grid.snap(if self.mirrored { self.width - area.left - area.width } else { area.left }, left);
        let y = self.grid.snap(area.top, top);
        let bottom = self.grid.snap(area.top + area.height, top);
        rect(x, y, width, (bottom - y).max(1.0 / self.grid.scale))
    }

    /// Where the area is drawn, wherever that is.
    fn exact(&self, area: Area) -> graphene::Rect {
        let x = if self.mirrored { self.width - area.left - area.width } else { area.left };
        rect(x, area.top, area.width, area.height)
    }

    fn fill_rounded(&self, outline: gsk::RoundedRect, color: &gdk::RGBA) {
        self.snapshot.push_rounded_clip(&outline);
        self.snapshot.append_color(color, outline.bounds());
        self.snapshot.pop();
    }

    /// A bar with sharp sides and round ends.
    pub(super) fn bar(&self, area: Area, color: &gdk::RGBA) {
        self.fill_rounded(pill(self.sharp(area)), color);
    }

    pub(super) fn bar_outline(&self, area: Area, color: gdk::RGBA) {
        let thickness = self.grid.whole(1.0) as f32;
        self.snapshot.append_border(&pill(self.sharp(area)), &[thickness; 4], &[color; 4]);
    }

    pub(super) fn line(&self, area: Area, color: &gdk::RGBA) {
        self.snapshot.append_color(color, &self.sharp(area));
    }

    pub(super) fn dot(&self, x: f64, y: f64, radius: f64, color: &gdk::RGBA) {
        let area = Area { left: x - radius, top: y - radius, width: 2.0 * radius, height: 2.0 * radius };
        self.fill_rounded(pill(self.exact(area)), color);
    }

    /// A filled bubble with a border of another colour, or none, above its shadow: how far down, how soft, what colour.
    pub(super) fn bubble(
        &self,
        area: Area,
        color: &gdk::RGBA,
        border: Option<gdk::RGBA>,
        shadow: Option<(f32, f32, gdk::RGBA)>,
    ) {
        let outline = pill(self.sharp(area));
        if let Some((down, blur, color)) = shadow {
            self.snapshot.append_outset_shadow(&outline, &color, 0.0, down, 0.0, blur);
        }
        self.fill_rounded(outline, color);
        if let Some(border) = border {
            let thickness = self.grid.whole(1.0) as f32;
            self.snapshot.append_border(&outline, &[thickness; 4], &[border; 4]);
        }
    }

    /// A ring around an area, so far outside.
    pub(super) fn ring(&self, area: Area, outside: f64, thickness: f64, color: gdk::RGBA) {
        let by = outside + thickness;
        let area = Area {
            left: area.left - by,
            top: area.top - by,
            width: area.width + 2.0 * by,
            height: area.height + 2.0 * by,
        };
        let thickness = self.grid.whole(thickness) as f32;
        self.snapshot.append_border(&pill(self.sharp(area)), &[thickness; 4], &[color; 4]);
    }

    /// A text in the box `width` wide, in which it stands at the side where reading begins.
    pub(super) fn text(&self, layout: &pango::Layout, left: f64, top: f64, width: f64, color: &gdk::RGBA) {
        let at = self.exact(Area { left, top, width, height: 0.0 });
        self.snapshot.save();
        self.snapshot.translate(&graphene::Point::new(at.x().round(), at.y().round()));
        self.snapshot.append_layout(layout, color);
        self.snapshot.restore();
    }

    /// A symbolic icon.
    pub(super) fn icon(&self, icon: &gtk::IconPaintable, left: f64, top: f64, size: f64, color: gdk::RGBA) {
        let at = self.exact(Area { left, top, width: size, height: size });
        self.snapshot.save();
        self.snapshot.translate(&graphene::Point::new(at.x().round(), at.y().round()));
        icon.snapshot_symbolic(self.snapshot, size, size, &[color]);
        self.snapshot.restore();
    }

    /// What `draw` draws vanishes towards the sides that have more: at (the left, the right).
    pub(super) fn faded(&self, height: f64, wide: f64, at: (bool, bool), draw: impl FnOnce()) {
        if at == (false, false) {
            return draw();
        }
        let (left, right) = if self.mirrored { (at.1, at.0) } else { at };
        let alpha = |hidden: bool| gdk::RGBA::new(0.0, 0.0, 0.0, if hidden { 0.0 } else { 1.0 });
        let part = (wide / self.width).min(0.5) as f32;
        let stops = [
            gsk::ColorStop::new(0.0, alpha(left)),
            gsk::ColorStop::new(part, alpha(false)),
            gsk::ColorStop::new(1.0 - part, alpha(false)),
            gsk::ColorStop::new(1.0, alpha(right)),
        ];
        let end = graphene::Point::new(self.width as f32, 0.0);
        self.snapshot.push_mask(gsk::MaskMode::Alpha);
        let all = rect(0.0, 0.0, self.width, height);
        self.snapshot.append_linear_gradient(&all, &graphene::Point::zero(), &end, &stops);
        self.snapshot.pop();
        draw();
        self.snapshot.pop();
    }
}

fn rect(x: f64, y: f64, width: f64, height: f64) -> graphene::Rect {
    graphene::Rect::new(x as f32, y as f32, width as f32, height as f32)
}

/// With ends as round as can be.
fn pill(bounds: graphene::Rect) -> gsk::RoundedRect {
    gsk::RoundedRect::from_rect(bounds, bounds.width().min(bounds.height()) / 2.0)
}
