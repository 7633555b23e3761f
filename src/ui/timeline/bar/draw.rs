//! The layers of the bar but for its bubbles, from the bottom up.

use relm4::gtk::gdk;

use super::canvas::{Area, Canvas};
use super::geometry::{self, MARGIN, Strip};
use super::labels::{Label, Rank};
use super::texts::Text;
use super::theme::{Palette, with_alpha};
use super::{Life, Mark};

const RAIL: f64 = 3.0;
/// How far the rail goes beyond the marks.
const BEYOND: f64 = 2.0;
const VERSION_RADIUS: f64 = 3.5;
const GAP_DOTS: [f64; 3] = [-5.0, 0.0, 5.0];
const GAP_RADIUS: f64 = 1.25;
const FADE: f64 = 28.0;
const STEM: f64 = 2.0;
/// How strong the stem under the second bubble is.
pub(super) const HOVER_STEM: f32 = 0.3;

/// Where things are from top to bottom. Larger fonts make all of it higher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rows {
    pub bubble_top: i32,
    pub bubble_height: i32,
    /// On which the marks stand.
    baseline: i32,
    rail: i32,
    label_top: i32,
    pub height: i32,
}

impl Rows {
    /// For texts so high.
    pub(super) fn fitting(bubble_text: i32, label_text: i32) -> Self {
        let bubble_height = (bubble_text + 6).max(26);
        let lower = bubble_height - 26;
        Self {
            bubble_top: 5,
            bubble_height,
            baseline: 83 + lower,
            rail: 93 + lower,
            label_top: 102 + lower,
            height: 122 + lower + (label_text - 18).max(0),
        }
    }

    pub(super) fn bubble_bottom(&self) -> f64 {
        f64::from(self.bubble_top + self.bubble_height)
    }

    /// The upper end of a mark so high.
    pub(super) fn mark_top(&self, height: i32) -> f64 {
        f64::from(self.baseline - height)
    }
}

/// All that is drawn below the bubbles.
pub(super) struct Scene<'a> {
    pub canvas: Canvas<'a>,
    pub palette: Palette,
    pub rows: Rows,
    pub strip: &'a Strip,
    pub marks: &'a [Mark],
    pub gaps: &'a [usize],
    pub changed: &'a [usize],
    pub life: Option<&'a Life>,
    pub selected: Option<usize>,
    pub hovered: Option<usize>,
    /// The middle of the handle on the strip.
    pub handle: f64,
    /// How much of the strip is hidden at its beginning.
    pub offset: f64,
}

impl Scene<'_> {
    pub(super) fn draw(&self, labels: &[(Label, Text)]) {
        let view = f64::from(self.strip.view);
        let more = (self.offset > 0.0, self.offset + view < f64::from(self.strip.width));
        let at = if self.strip.scrolls() { more } else { (false, false) };
        self.canvas.faded(f64::from(self.rows.height), FADE, at, || {
            self.rail();
            self.life();
            self.marks();
            self.gaps();
            self.stem();
        });
        for (label, text) in labels {
            self.label(label, text);
        }
    }

    fn rail(&self) {
        let (first, last) = match (self.strip.lefts.first(), self.strip.lefts.last()) {
            (Some(first), Some(last)) => (f64::from(*first), f64::from(last + self.strip.mark)),
            _ => (f64::from(MARGIN), f64::from(self.strip.view - MARGIN)),
        };
        let strength = if self.palette.high_contrast { 0.3 } else { 0.08 };
        self.on_rail(first - BEYOND, last + BEYOND, &self.palette.ink(strength));
    }

    /// From and to places on the strip.
    fn on_rail(&self, from: f64, to: f64, color: &gdk::RGBA) {
        // What is out of sight need not be drawn, however long it is.
        let left = (from - self.offset).max(-RAIL);
        let right = (to - self.offset).min(f64::from(self.strip.view) + RAIL);
        if left < right {
            let top = f64::from(self.rows.rail) - RAIL / 2.0;
            self.canvas.bar(Area { left, top, width: right - left, height: RAIL }, color);
        }
    }

    fn life(&self) {
        let Some(life) = self.life else { return };
        let color = with_alpha(self.palette.accent, 0.45);
        let is_mark = |index: &usize| *index < self.marks.len();
        for held in life.held.iter().filter(|held| is_mark(held.end())) {
            let (from, to) = (self.strip.axis(*held.start()), self.strip.axis(*held.end()));
            self.on_rail(from - RAIL / 2.0, to + RAIL / 2.0, &color);
        }
        let visible = self.visible();
        for index in life.versions.iter().filter(|index| visible.contains(index)) {
            let x = self.strip.axis(*index) - self.offset;
            self.canvas.dot(x, f64::from(self.rows.rail), VERSION_RADIUS, &self.palette.accent);
        }
    }

    fn visible(&self) -> std::ops::Range<usize> {
        self.strip
            .between(self.offset - VERSION_RADIUS, self.offset + f64::from(self.strip.view) + VERSION_RADIUS)
    }

    fn marks(&self) {
        for index in self.visible() {
            let Some(mark) = self.marks.get(index) else { continue };
            let selected = self.selected == Some(index);
            let wider = if selected && self.palette.high_contrast { 1.0 } else { 0.0 };
            let height = geometry::height(mark.changed_bytes);
            let area = Area {
                left: f64::from(self.strip.lefts[index]) - self.offset - wider,
                top: self.rows.mark_top(height),
                width: self.canvas.grid.whole(f64::from(self.strip.mark)) + 2.0 * wider,
                height: f64::from(height),
            };
            if mark.damaged && !selected {
                self.canvas.bar_outline(area, self.palette.warning);
            } else {
                self.canvas.bar(area, &self.tone(index, selected));
            }
        }
    }

    fn tone(&self, index: usize, selected: bool) -> gdk::RGBA {
        let contrast = self.palette.high_contrast;
        let strength = match (self.hovered == Some(index), self.changed.binary_search(&index).is_ok()) {
            _ if selected => return self.palette.accent,
            (true, _) => {
                if contrast {
                    1.0
                } else {
                    0.8
                }
            }
            (_, true) => {
                if contrast {
                    1.0
                } else {
                    0.55
                }
            }
            (_, false) => {
                if contrast {
                    0.45
                } else {
                    0.22
                }
            }
        };
        self.palette.ink(strength)
    }

    fn gaps(&self) {
        let visible = self.visible();
        let color = self.palette.ink(if self.palette.high_contrast { 0.6 } else { 0.28 });
        // The one after the last mark in sight may begin there.
        for next in self.gaps.iter().filter(|gap| (visible.start..=visible.end).contains(gap)) {
            let (Some(before), Some(after)) = (self.strip.lefts.get(next - 1), self.strip.lefts.get(*next))
            else {
                continue;
            };
            let middle = f64::from(before + self.strip.mark + after) / 2.0 - self.offset;
            let y = self.rows.mark_top(0) - GAP_RADIUS;
            for dot in GAP_DOTS {
                self.canvas.dot(middle + dot, y, GAP_RADIUS, &color);
            }
        }
    }

    fn stem(&self) {
        let Some(mark) = self.selected.and_then(|index| self.marks.get(index)) else { return };
        let area = self.stem_area(self.handle, geometry::height(mark.changed_bytes), STEM);
        self.canvas.line(area, &self.palette.accent);
    }

    /// Between the bubbles and a mark so high.
    pub(super) fn stem_area(&self, axis: f64, height: i32, thickness: f64) -> Area {
        let mark = f64::from(self.strip.mark);
        let width = self.canvas.grid.thin(thickness, mark);
        let top = self.rows.bubble_bottom();
        Area {
            left: axis - self.offset - mark / 2.0 + (self.canvas.grid.whole(mark) - width) / 2.0,
            top,
            width,
            // One pixel into the round end of the mark, or a slit would be left.
            height: self.rows.mark_top(height) + 1.0 - top,
        }
    }

    fn label(&self, label: &Label, text: &Text) {
        let strength = match label.rank {
            _ if self.palette.high_contrast => 1.0,
            Rank::Month => 0.55,
            Rank::Year => 0.72,
            Rank::Selected => 0.9,
        };
        let color = self.palette.ink(strength * label.strength as f32);
        self.canvas.text(
            &text.layout,
            label.left,
            f64::from(self.rows.label_top),
            f64::from(text.width),
            &color,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_fonts_make_the_bar_higher_and_nothing_else() {
        let rows = Rows::fitting(16, 15);
        assert_eq!((rows.height, rows.bubble_height, rows.baseline, rows.label_top), (122, 26, 83, 102));
        let large = Rows::fitting(30, 28);
        assert_eq!((large.bubble_height, large.baseline - 83, large.height), (36, 10, 142));
    }
}
