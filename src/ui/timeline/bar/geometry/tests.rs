use proptest::prelude::*;

use super::*;

const LABEL: i32 = 22;

/// Months with so many backups each.
fn months(counts: &[usize]) -> Vec<Month> {
    let mut start = 0;
    let mut month = |count: &usize| {
        let marks = start..start + count;
        start += count;
        Month { marks, begins_year: false }
    };
    counts.iter().map(&mut month).collect()
}

fn strip(counts: &[usize], gaps: &[usize], view: i32) -> Strip {
    Strip::arrange(&months(counts), &vec![LABEL; counts.len()], gaps, view)
}

#[test]
fn one_mark_is_in_the_middle() {
    let strip = strip(&[1], &[], 900);
    assert_eq!((strip.axis(0), strip.width, strip.mark), (450.0, 900, 6));
}

#[test]
fn no_marks_need_nothing() {
    let strip = strip(&[], &[], 900);
    assert!(!strip.scrolls() && strip.lefts.is_empty());
    assert_eq!(strip.nearest(5.0), None);
    assert_eq!(strip.gap_at(5.0, &[]), None);
}

#[test]
fn few_marks_have_the_widest_pitch_and_months_as_much_room_as_is_allowed() {
    let strip = strip(&[2, 3], &[], 900);
    assert_eq!((strip.pitch, strip.mark), (12, 6));
    // The first month is as wide as its label needs.
    assert_eq!(strip.lefts[2] - strip.lefts[0], LABEL + 4 + 9 + 10);
    assert_eq!(strip.lefts[1] - strip.lefts[0], 12);
    let free = (strip.lefts[0], 900 - (strip.lefts[4] + 6));
    assert!((free.0 - free.1).abs() <= 1, "{free:?}");
}

#[test]
fn the_pitch_shrinks_until_all_fit_and_then_the_strip_scrolls() {
    let many = |days: usize| vec![days; 12];
    assert_eq!(strip(&many(4), &[], 1000).pitch, 12);
    assert_eq!(strip(&many(10), &[], 1000).pitch, 7);
    assert_eq!(strip(&many(10), &[], 1000).mark, 4);
    let scrolled = strip(&many(30), &[], 1000);
    assert!(scrolled.scrolls());
    assert_eq!((scrolled.pitch, scrolled.lefts[0]), (6, SCROLLED_MARGIN));
    assert_eq!(scrolled.width, 12 * (29 * 6 + 4) + 11 * 9 + 2 * SCROLLED_MARGIN);
}

#[test]
fn narrow_strips_always_have_the_pitch_of_fingers() {
    assert_eq!(strip(&[3], &[], 360).pitch, 10);
    let scrolled = strip(&[20, 31], &[], 360);
    assert_eq!((scrolled.pitch, scrolled.mark), (10, 6));
    assert!(scrolled.scrolls());
}

#[test]
fn a_gap_takes_its_room_within_and_between_months() {
    let plain = strip(&[20, 31], &[], 360);
    let inside = strip(&[20, 31], &[5], 360);
    let between = strip(&[20, 31], &[20], 360);
    assert_eq!(inside.lefts[5] - inside.lefts[4], 10 + 14);
    assert_eq!(between.lefts[20] - plain.lefts[20], 14);
    assert_eq!([inside.width, between.width], [plain.width + 14; 2]);
    assert_eq!(inside.gap_at(f64::from(inside.lefts[4] + 8), &[5]), Some(5));
    assert_eq!(inside.gap_at(f64::from(inside.lefts[4] + 3), &[5]), None);
    assert_eq!(inside.gap_at(f64::from(inside.lefts[5]), &[5]), None);
}

#[test]
fn a_scrolled_strip_shows_its_ends() {
    let strip = strip(&[20, 31], &[], 360);
    assert_eq!(strip.offset_for(strip.axis(0)), 0.0);
    assert_eq!(strip.offset_for(strip.axis(50)), f64::from(strip.width - 360));
    assert_eq!(strip.axis(25) - strip.offset_for(strip.axis(25)), 180.0);
    assert_eq!(self::strip(&[3], &[], 900).offset_for(400.0), 0.0);
}

#[test]
fn bubbles_stay_inside_and_beside_each_other() {
    assert_eq!(bubble(100.0, 80.0, 400.0), 60.0);
    assert_eq!([bubble(10.0, 80.0, 400.0), bubble(395.0, 80.0, 400.0)], [5.0, 315.0]);
    assert_eq!(bubble(10.0, 80.0, 60.0), 5.0, "wider than the view");
    let first = (100.0, 200.0);
    assert_eq!(second_bubble(350.0, 60.0, first, 150.0, 500.0), Some(320.0));
    assert_eq!(second_bubble(180.0, 60.0, first, 150.0, 500.0), Some(206.0));
    assert_eq!(second_bubble(120.0, 60.0, first, 150.0, 500.0), Some(34.0));
    assert_eq!(second_bubble(120.0, 90.0, first, 150.0, 500.0), None);
    assert_eq!(second_bubble(220.0, 300.0, first, 150.0, 500.0), None);
}

#[test]
fn heights_go_from_two_megabytes_to_sixteen_gigabytes() {
    assert_eq!([0, 1, 2_000_000, 16_000_000_000, u64::MAX].map(height), [5, 5, 5, 42, 42]);
    assert!(height(100_000_000) > height(20_000_000));
}

proptest! {
    #[test]
    fn marks_stand_in_order_inside_the_strip_and_are_found_again(
        counts in prop::collection::vec(1..40_usize, 1..40),
        gaps in prop::collection::btree_set(1..400_usize, 0..6),
        view in 100..2000,
    ) {
        let count: usize = counts.iter().sum();
        let gaps: Vec<usize> = gaps.into_iter().filter(|gap| *gap < count).collect();
        let strip = strip(&counts, &gaps, view);
        prop_assert_eq!(strip.lefts.len(), count);
        prop_assert!(strip.lefts[0] >= MARGIN && strip.lefts[count - 1] + strip.mark <= strip.width - MARGIN);
        prop_assert!(strip.width >= strip.view);
        for pair in strip.lefts.windows(2) {
            prop_assert!(pair[1] - pair[0] >= strip.pitch);
        }
        for index in 0..count {
            // All of its pitch is the mark's.
            let half = f64::from(strip.pitch) / 2.0 - 0.1;
            for x in [strip.axis(index), strip.axis(index) - half, strip.axis(index) + half] {
                prop_assert_eq!(strip.nearest(x), Some(index));
            }
            let offset = strip.offset_for(strip.axis(index));
            let seen = strip.axis(index) - offset;
            prop_assert!(seen >= 0.0 && seen <= f64::from(view));
            prop_assert!(strip.between(offset, offset + f64::from(view)).contains(&index));
        }
        prop_assert_eq!(strip.nearest(-1e6), Some(0));
        prop_assert_eq!(strip.nearest(1e6), Some(count - 1));
        if !strip.scrolls() && strip.pitch < 12 && view >= 600 {
            let wider: i32 = counts.iter().map(|count| {
                let marks = (*count as i32 - 1) * (strip.pitch + 1) + mark_width(strip.pitch + 1);
                marks.max(LABEL + 4)
            }).sum();
            let gaps = gaps.len() as i32 * GAP;
            let months = counts.len() as i32 - 1;
            prop_assert!(wider + gaps + months * BETWEEN_MONTHS + 2 * MARGIN > view);
        }
    }
}
