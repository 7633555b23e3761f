//! Where the marks stand. Logical pixels, the oldest backup at the left.

use std::ops::Range;

use super::calendar::Month;

/// Free at both sides, at least: also where the label of a month that is scrolled out sticks.
pub(super) const MARGIN: i32 = 10;
/// The same of a strip that scrolls.
pub(super) const SCROLLED_MARGIN: i32 = 12;
/// Every backup has at least this much room.
const PITCHES: Range<i32> = 6..13;
/// Below this width marks are as far from each other as fingers need, and the strip scrolls.
const NARROW: i32 = 600;
const NARROW_PITCH: i32 = 10;
const BETWEEN_MONTHS: i32 = 9;
/// What is left over goes between months, up to this much each.
const MOST_EXTRA: i32 = 10;
const GAP: i32 = 14;
/// A month is wider than its label by this.
const BESIDE_LABEL: i32 = 4;

/// How far a bubble stays away from the sides.
const BUBBLE_MARGIN: f64 = 5.0;
/// How far bubbles stay away from each other.
const BETWEEN_BUBBLES: f64 = 6.0;

/// All marks, side by side.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Strip {
    /// From one mark's left edge to the next one's.
    pub pitch: i32,
    /// The width of a mark.
    pub mark: i32,
    /// Left edges of the marks.
    pub lefts: Vec<i32>,
    pub width: i32,
    /// How much of it is in sight.
    pub view: i32,
}

/// What of a month decides how wide it is.
struct Shape<'a> {
    month: &'a Month,
    label: i32,
    /// Gaps between its own marks.
    inside: i32,
    /// Between it and the month before.
    before: i32,
}

impl Shape<'_> {
    fn width(&self, pitch: i32) -> i32 {
        let marks = (self.month.marks.len() as i32 - 1) * pitch + mark_width(pitch) + self.inside * GAP;
        marks.max(self.label + BESIDE_LABEL)
    }
}

impl Strip {
    /// `labels`: how wide the label of each month is. `gaps`: marks with a gap before them, in order.
    pub(super) fn arrange(months: &[Month], labels: &[i32], gaps: &[usize], view: i32) -> Self {
        let shapes: Vec<Shape> =
            months.iter().zip(labels).map(|(month, label)| shape(month, *label, gaps)).collect();
        let Some(last) = months.last() else { return Self { view, width: view, ..Self::default() } };
        let needed = |pitch: i32| shapes.iter().map(|shape| shape.width(pitch) + shape.before).sum::<i32>();
        let pitches = if view < NARROW { NARROW_PITCH..NARROW_PITCH + 1 } else { PITCHES };
        let fitting = pitches.clone().rev().find(|pitch| needed(*pitch) + 2 * MARGIN <= view);
        let pitch = fitting.unwrap_or(pitches.start);
        let left_over = view - needed(pitch) - 2 * MARGIN;
        let (extra, margin) = match fitting {
            None => (0, SCROLLED_MARGIN),
            // Alone, the mark is what is in the middle, not the mark with its label.
            Some(_) if last.marks.end == 1 => (0, (view - mark_width(pitch)) / 2),
            Some(_) => {
                let places = months.len() as i32 - 1;
                let extra = left_over.checked_div(places).unwrap_or(0).min(MOST_EXTRA);
                (extra, MARGIN + (left_over - extra * places) / 2)
            }
        };
        let width = if fitting.is_some() { view } else { needed(pitch) + 2 * margin };
        let lefts = place(&shapes, gaps, pitch, extra, margin);
        Self { pitch, mark: mark_width(pitch), lefts, width, view }
    }

    pub(super) fn scrolls(&self) -> bool {
        self.width > self.view
    }

    /// The middle of a mark.
    pub(super) fn axis(&self, index: usize) -> f64 {
        self.lefts.get(index).map_or(0.0, |left| f64::from(*left) + f64::from(self.mark) / 2.0)
    }

    /// The mark nearest to a place; `None` if there is no mark.
    pub(super) fn nearest(&self, x: f64) -> Option<usize> {
        let after = self.lefts.partition_point(|left| f64::from(*left) + f64::from(self.mark) / 2.0 < x);
        let candidates = after.saturating_sub(1)..(after + 1).min(self.lefts.len());
        candidates.min_by(|a, b| (self.axis(*a) - x).abs().total_cmp(&(self.axis(*b) - x).abs()))
    }

    /// The marks of which something is between two places.
    pub(super) fn between(&self, from: f64, to: f64) -> Range<usize> {
        let start = self.lefts.partition_point(|left| f64::from(left + self.mark) <= from);
        let end = self.lefts.partition_point(|left| f64::from(*left) < to);
        start..end.max(start)
    }

    /// The mark whose gap, before it, is at a place.
    pub(super) fn gap_at(&self, x: f64, gaps: &[usize]) -> Option<usize> {
        let next = self.lefts.partition_point(|left| f64::from(*left) <= x);
        let before = self.lefts.get(next.checked_sub(1)?)?;
        (x > f64::from(before + self.mark) && gaps.binary_search(&next).is_ok()).then_some(next)
    }

    /// How far the strip is scrolled when a place is in the middle, as far as the ends allow.
    pub(super) fn offset_for(&self, x: f64) -> f64 {
        self.clamp_offset(x - f64::from(self.view) / 2.0)
    }

    pub(super) fn clamp_offset(&self, offset: f64) -> f64 {
        offset.clamp(0.0, f64::from((self.width - self.view).max(0)))
    }
}

/// Even, so that a stem of two pixels stands exactly on its middle.
fn mark_width(pitch: i32) -> i32 {
    if pitch < 10 { 4 } else { 6 }
}

fn shape<'a>(month: &'a Month, label: i32, gaps: &[usize]) -> Shape<'a> {
    let at = |index: usize| gaps.partition_point(|gap| *gap < index);
    let inside = at(month.marks.end) - at(month.marks.start + 1);
    let first = month.marks.start == 0;
    let gap = if gaps.binary_search(&month.marks.start).is_ok() { GAP } else { 0 };
    Shape { month, label, inside: inside as i32, before: if first { 0 } else { BETWEEN_MONTHS + gap } }
}

fn place(shapes: &[Shape], gaps: &[usize], pitch: i32, extra: i32, margin: i32) -> Vec<i32> {
    let mut lefts = Vec::new();
    let mut start = margin;
    for shape in shapes {
        start += shape.before + if lefts.is_empty() { 0 } else { extra };
        let mut left = start;
        for index in shape.month.marks.clone() {
            let first = index == shape.month.marks.start;
            if !first {
                left += pitch + if gaps.binary_search(&index).is_ok() { GAP } else { 0 };
            }
            lefts.push(left);
        }
        start += shape.width(pitch);
    }
    lefts
}

/// Where a bubble of some width begins: centred on an axis, inside the view.
pub(super) fn bubble(axis: f64, width: f64, view: f64) -> f64 {
    let most = (view - BUBBLE_MARGIN - width).max(BUBBLE_MARGIN);
    (axis - width / 2.0).clamp(BUBBLE_MARGIN, most).round()
}

/// Where a second bubble begins: as [`bubble`], but on its own side of the first one, which goes from `first.0` to
/// `first.1` and belongs to `first_axis`. `None` if there is no room.
pub(super) fn second_bubble(
    axis: f64,
    width: f64,
    first: (f64, f64),
    first_axis: f64,
    view: f64,
) -> Option<f64> {
    let wanted = bubble(axis, width, view);
    let left = if axis < first_axis {
        wanted.min(first.0 - BETWEEN_BUBBLES - width)
    } else {
        wanted.max(first.1 + BETWEEN_BUBBLES)
    };
    (left >= BUBBLE_MARGIN && left + width <= view - BUBBLE_MARGIN).then_some(left)
}

/// How high a mark is: from 5 for 2 MB to 42 for 16 GB and more.
pub(super) fn height(bytes: u64) -> i32 {
    let size = ((bytes.max(1) as f64).log10() - 6.3) / 3.9;
    (5.0 + 37.0 * size.clamp(0.0, 1.0)).round() as i32
}

#[cfg(test)]
mod tests;
