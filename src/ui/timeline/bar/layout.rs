//! What is worked out once for all backups, and once for a width and a font.

use std::rc::Rc;

use relm4::gtk::{prelude::*, subclass::prelude::*};

use super::calendar::{self, Day, Month};
use super::draw::Rows;
use super::geometry::Strip;
use super::inner::TimeBar;
use super::labels::{self, Label, Rank};
use super::texts::{Style, Text};
use super::{Mark, words};

/// The backups, and what follows from their dates.
pub(super) struct Backups {
    pub marks: Vec<Mark>,
    pub days: Vec<Day>,
    pub months: Vec<Month>,
    /// Those with a gap before them.
    pub gaps: Vec<usize>,
}

impl Backups {
    pub(super) fn new(marks: Vec<Mark>) -> Self {
        let days: Vec<Day> = marks.iter().map(|mark| words::day(mark.date)).collect();
        let dates: Vec<i64> = marks.iter().map(|mark| mark.date).collect();
        Self { months: calendar::months(&days), gaps: calendar::gaps(&dates), days, marks }
    }

    pub(super) fn named(&self, index: usize) -> Option<words::Backup> {
        let day = self.days.get(index)?;
        let same = |other: Option<usize>| other.is_some_and(|other| self.days.get(other) == Some(day));
        let alone = !same(index.checked_sub(1)) && !same(Some(index + 1));
        Some(words::Backup { date: self.marks.get(index)?.date, alone })
    }
}

/// The bar for a width and a font.
pub(super) struct Laid {
    pub strip: Strip,
    pub rows: Rows,
    labels: Vec<Named>,
    /// Of the font it is good for.
    serial: u32,
}

/// A month that may have a label.
struct Named {
    month: usize,
    name: String,
    rank: Rank,
}

impl Named {
    fn style(&self) -> Style {
        if self.rank == Rank::Month { Style::Label } else { Style::StrongLabel }
    }
}

impl TimeBar {
    /// Made anew when the width, the font or the backups are others. Then all is at rest.
    pub(super) fn laid(&self) -> Rc<Laid> {
        let serial = self.obj().pango_context().serial();
        let view = self.obj().width();
        let known = self.laid.borrow().clone();
        if let Some(laid) = known.filter(|laid| laid.serial == serial && laid.strip.view == view) {
            return laid;
        }
        let laid = Rc::new(self.lay_out(serial, view));
        self.laid.replace(Some(laid.clone()));
        self.rest();
        laid
    }

    fn lay_out(&self, serial: u32, view: i32) -> Laid {
        let rows = self.rows();
        let backups = self.backups.borrow().clone();
        let Some(backups) = backups else {
            return Laid { strip: Strip::arrange(&[], &[], &[], view), rows, labels: Vec::new(), serial };
        };
        let months = &backups.months;
        let date = |month: &Month| backups.marks.get(month.marks.start).map_or(0, |mark| mark.date);
        let month_label = |(month, found): (usize, &Month)| {
            let year = found.begins_year;
            let name = if year { words::year(date(found)) } else { words::month(date(found)) };
            Named { month, name, rank: if year { Rank::Year } else { Rank::Month } }
        };
        let mut labels: Vec<Named> = months.iter().enumerate().map(month_label).collect();
        let widths: Vec<i32> =
            labels.iter().map(|label| self.text(label.style(), &label.name).width).collect();
        let strip = Strip::arrange(months, &widths, &backups.gaps, view);
        if labels::years_only(&strip, months) {
            labels.retain(|label| label.month == 0 || label.rank == Rank::Year);
            if let (Some(first), Some(month)) = (labels.first_mut(), months.first()) {
                *first = Named { month: 0, name: words::year(date(month)), rank: Rank::Year };
            }
        }
        Laid { strip, rows, labels, serial }
    }

    /// The labels in sight where the strip is scrolled by `offset`.
    pub(super) fn labels(&self, laid: &Laid, offset: f64) -> Vec<(Label, Text)> {
        let Some(backups) = self.backups.borrow().clone() else { return Vec::new() };
        let left = |named: &Named| {
            let first = backups.months.get(named.month).map_or(0, |month| month.marks.start);
            laid.strip.lefts.get(first).map_or(0.0, |left| f64::from(*left))
        };
        // Where the selected month has none of its own, the one it belongs to.
        let selected = self.selected.get().and_then(|index| {
            let month = calendar::month_of(&backups.months, index);
            laid.labels.partition_point(|label| label.month <= month).checked_sub(1)
        });
        // From the one that may stick at the left edge on.
        let start = laid.labels.partition_point(|named| left(named) <= offset).saturating_sub(1);
        let end = laid.labels.partition_point(|named| left(named) < offset + f64::from(laid.strip.view));
        let candidates: Vec<(Label, Text)> = (start..end)
            .filter_map(|at| {
                let named = laid.labels.get(at)?;
                let is_selected = selected == Some(at);
                let style = if is_selected { Style::StrongLabel } else { named.style() };
                let text = self.text(style, &named.name);
                let rank = if is_selected { Rank::Selected } else { named.rank };
                let label = Label {
                    month: named.month,
                    left: left(named),
                    width: f64::from(text.width),
                    rank,
                    strength: 1.0,
                };
                Some((label, text))
            })
            .collect();
        let shown = labels::shown(candidates.iter().map(|(label, _)| *label), &laid.strip, offset);
        let with_text = |label: Label| {
            let text = candidates.iter().find(|(candidate, _)| candidate.month == label.month)?.1.clone();
            Some((label, text))
        };
        shown.into_iter().filter_map(with_text).collect()
    }
}
