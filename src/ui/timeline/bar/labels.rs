//! Which months have a label, and where: those that find room.

use super::calendar::Month;
use super::geometry::{SCROLLED_MARGIN, Strip};

/// Labels are at least this far apart.
const BETWEEN: f64 = 8.0;
/// With more months in sight only years are written.
const MOST_MONTHS: usize = 36;
/// Where the label sticks whose month is scrolled out.
const EDGE: f64 = SCROLLED_MARGIN as f64;

/// What is left out first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Rank {
    Month,
    Year,
    /// Of the selected backup.
    Selected,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Label {
    /// An index of a month.
    pub month: usize,
    pub left: f64,
    pub width: f64,
    pub rank: Rank,
    /// 1, or less while it is being pushed out.
    pub strength: f64,
}

/// Whether there would be more months in sight than anybody can read.
pub(super) fn years_only(strip: &Strip, months: &[Month]) -> bool {
    let left = |month: &Month| strip.lefts.get(month.marks.start).copied().unwrap_or_default();
    let beyond = |(first, month): (usize, &Month)| {
        months.get(first + MOST_MONTHS).is_some_and(|next| left(next) - left(month) < strip.view)
    };
    months.iter().enumerate().any(beyond)
}

/// Those of `labels`, from left to right on the strip, that are shown, as places in the view.
pub(super) fn shown(labels: impl IntoIterator<Item = Label>, strip: &Strip, offset: f64) -> Vec<Label> {
    let view = f64::from(strip.view);
    let moved = labels.into_iter().map(|label| Label { left: label.left - offset, ..label });
    let mut candidates: Vec<Label> = moved.take_while(|label| label.left < view).collect();
    if strip.scrolls() {
        stick(&mut candidates);
        candidates.retain(|label| label.left + label.width <= view);
    }
    let mut chosen: Vec<Label> = Vec::new();
    for rank in [Rank::Selected, Rank::Year, Rank::Month] {
        for label in candidates.iter().filter(|label| label.rank == rank) {
            let apart = |other: &Label| {
                label.left >= other.left + other.width + BETWEEN
                    || label.left + label.width + BETWEEN <= other.left
            };
            if chosen.iter().all(apart) {
                chosen.push(*label);
            }
        }
    }
    chosen.sort_by(|a, b| a.left.total_cmp(&b.left));
    chosen
}

/// The month at the left edge keeps its label there until the next one pushes it out.
fn stick(labels: &mut Vec<Label>) {
    let Some(at) = labels.iter().rposition(|label| label.left < EDGE) else { return };
    let next = labels.get(at + 1).map(|next| next.left);
    let label = &mut labels[at];
    label.left = next.map_or(EDGE, |next| EDGE.min(next - BETWEEN - label.width));
    label.strength = ((label.left + label.width) / (EDGE + label.width)).clamp(0.0, 1.0);
    labels.drain(..at);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDTH: f64 = 20.0;

    /// A strip 400 wide, scrolling if `width` is more.
    fn strip(width: i32) -> Strip {
        Strip { width, view: 400, ..Strip::default() }
    }

    fn label(month: usize, left: f64, rank: Rank) -> Label {
        Label { month, left, width: WIDTH, rank, strength: 1.0 }
    }

    fn months_at(lefts: &[f64]) -> Vec<Label> {
        lefts.iter().enumerate().map(|(month, left)| label(month, *left, Rank::Month)).collect()
    }

    fn seen(labels: &[Label]) -> Vec<(usize, f64)> {
        labels.iter().map(|label| (label.month, label.left)).collect()
    }

    #[test]
    fn a_label_without_room_is_left_out() {
        let labels = months_at(&[10.0, 37.0, 38.0, 66.0]);
        assert_eq!(seen(&shown(labels, &strip(400), 0.0)), [(0, 10.0), (2, 38.0), (3, 66.0)]);
    }

    #[test]
    fn years_win_over_months_and_the_selected_month_over_both() {
        let mut labels = months_at(&[10.0, 30.0, 50.0]);
        labels[1].rank = Rank::Year;
        assert_eq!(seen(&shown(labels.clone(), &strip(400), 0.0)), [(1, 30.0)]);
        labels[2].rank = Rank::Selected;
        assert_eq!(seen(&shown(labels, &strip(400), 0.0)), [(0, 10.0), (2, 50.0)]);
    }

    #[test]
    fn the_month_at_the_edge_sticks_until_the_next_one_pushes_it_out() {
        let at = |offset| shown(months_at(&[12.0, 100.0, 200.0]), &strip(900), offset);
        assert_eq!(seen(&at(0.0))[0], (0, 12.0));
        assert_eq!(seen(&at(50.0))[..2], [(0, 12.0), (1, 50.0)]);
        let pushed = at(75.0);
        assert_eq!(seen(&pushed)[..2], [(0, -3.0), (1, 25.0)]);
        assert!(pushed[0].strength < 1.0 && pushed[1].strength == 1.0);
        assert_eq!(seen(&at(95.0))[0], (1, 12.0));
    }

    #[test]
    fn no_label_is_cut_at_the_right_of_a_strip_that_scrolls() {
        let at = |offset| seen(&shown(months_at(&[12.0, 390.0]), &strip(900), offset)).len();
        assert_eq!([at(0.0), at(9.0), at(10.0)], [1, 1, 2]);
    }

    #[test]
    fn many_months_in_sight_leave_years_only() {
        let months: Vec<Month> = (0..60).map(|at| Month { marks: at..at + 1, begins_year: false }).collect();
        let strip =
            |distance| Strip { lefts: (0..60).map(|at| at * distance).collect(), ..strip(60 * distance) };
        assert!(years_only(&strip(11), &months));
        assert!(!years_only(&strip(12), &months));
        assert!(!years_only(&strip(11), &months[..36]));
    }

    proptest! {
        #[test]
        fn shown_labels_never_touch(
            steps in prop::collection::vec((1..60_i32, 0..3_usize), 0..40),
            offset in 0..500_i32,
        ) {
            let mut left = 12.0;
            let labels: Vec<Label> = steps.iter().enumerate().map(|(month, (step, rank))| {
                left += f64::from(*step);
                label(month, left, [Rank::Month, Rank::Year, Rank::Selected][*rank])
            }).collect();
            let shown = shown(labels, &strip(3000), f64::from(offset));
            for pair in shown.windows(2) {
                prop_assert!(pair[1].left - pair[0].left >= WIDTH + BETWEEN);
            }
            prop_assert!(shown.iter().all(|label| label.left + label.width <= 400.0));
        }
    }
}
