//! A strip that a finger lets go of coasts, and stops on a mark.

/// Time in which what is left of the way shrinks to a third. Milliseconds.
const COASTING: f64 = 325.0;
/// A finger that has rested so long before it was lifted wants no more. Milliseconds.
const REST: f64 = 60.0;
const SLOWEST: u32 = 1000;
const QUICKEST: u32 = 150;

/// How fast a finger moves.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Fling {
    last: Option<(f64, f64)>,
    /// Pixels in a millisecond.
    speed: f64,
}

impl Fling {
    /// `time` in milliseconds.
    pub(super) fn moved(&mut self, x: f64, time: f64) {
        if let Some((last_x, last_time)) = self.last {
            let passed = time - last_time;
            if passed <= 0.0 {
                return;
            }
            // Half of it is what it was: single events are uneven.
            self.speed = (self.speed + (x - last_x) / passed) / 2.0;
        }
        self.last = Some((x, time));
    }

    /// How far what it let go of goes on.
    pub(super) fn way(&self, time: f64) -> f64 {
        let rested = self.last.is_none_or(|(_, last)| time - last > REST);
        if rested { 0.0 } else { self.speed * COASTING }
    }
}

/// How long a way takes. Milliseconds.
pub(super) fn duration(way: f64) -> u32 {
    (way.abs().sqrt() * 40.0).clamp(f64::from(QUICKEST), f64::from(SLOWEST)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(step: f64) -> Fling {
        let mut fling = Fling::default();
        for n in 0..10 {
            fling.moved(f64::from(n) * step, f64::from(n) * 10.0);
        }
        fling
    }

    #[test]
    fn a_faster_finger_sends_it_farther_in_its_direction() {
        let [slow, fast, back] = [2.0, 10.0, -10.0].map(|step| steady(step).way(95.0));
        assert!(0.0 < slow && slow < fast && back < 0.0);
        assert!((fast - 325.0).abs() < 5.0, "{fast}");
    }

    #[test]
    fn a_finger_that_rests_before_it_is_lifted_stops_it() {
        assert_eq!(steady(10.0).way(200.0), 0.0);
        assert_eq!(Fling::default().way(0.0), 0.0);
    }

    #[test]
    fn two_events_at_the_same_moment_do_no_harm() {
        let mut fling = steady(1.0);
        fling.moved(500.0, 90.0);
        assert!(fling.way(95.0).is_finite());
    }

    #[test]
    fn longer_ways_take_longer_within_bounds() {
        assert_eq!(duration(0.0), QUICKEST);
        assert_eq!(duration(-1e9), SLOWEST);
        assert!(duration(100.0) < duration(400.0));
    }
}
