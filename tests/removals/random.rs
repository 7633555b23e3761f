//! Random sequences of changes, backups, removals and restores, on two places at once: each step is done by stock at
//! one of them and by us at the other, and everything that can be seen afterwards is the same.

use std::fs;

use crate::history::{History, START, STEP, date};
use crate::support::bytes::next;
use crate::support::cli::{Outcome, Program, ours, scratch};
use crate::support::compare::{Detail, Snapshot};
use crate::support::stock;

const SEQUENCES: u64 = 30;
const ALL_SEQUENCES: u64 = 200;
const STEPS: usize = 7;

#[test]
fn it_makes_no_difference_who_runs_which_step() {
    let all = std::env::var_os("HINDSIGHT_FULL").is_some();
    let sequences = if all { ALL_SEQUENCES } else { SEQUENCES };
    for seed in 0..sequences {
        let stock = if seed % 3 == 0 { stock::old() } else { stock::new() };
        Sequence::begin(seed, stock).run();
    }
}

struct Sequence {
    seed: u64,
    random: u64,
    /// The same folder and the same dates.
    twins: [History; 2],
    stock: Program,
    said: Vec<String>,
}

impl Sequence {
    fn begin(seed: u64, stock: Program) -> Self {
        let first = History::with_seed(seed);
        let twins = [first.copy(), first];
        Self { seed, random: seed.wrapping_mul(7_919) + 1, twins, stock, said: Vec::new() }
    }

    fn next(&mut self, below: u64) -> u64 {
        next(&mut self.random) % below
    }

    fn run(mut self) {
        for step in 0..STEPS {
            // Something must be there to work on.
            match if step == 0 { 0 } else { self.next(10) } {
                0 => self.backs_up("full"),
                1..=4 => self.backs_up("incremental"),
                5 => self.removes("remove-older-than"),
                6 => self.removes("remove-all-but-n-full"),
                7 => self.removes("remove-all-inc-of-but-n-full"),
                8 => self.both("cleanup --force", |history, program| {
                    history.run(program, &["cleanup", "--force"])
                }),
                _ => self.restores(),
            }
        }
        self.restores();
        let dates = self.twins[0].dates();
        for history in &self.twins {
            history.restores(&ours(), &dates, scratch().path());
        }
    }

    /// A step at both places, by whom is left to chance.
    fn both(&mut self, what: &str, step: impl Fn(&mut History, &Program) -> Outcome) {
        let mut programs = [ours(), self.stock.clone()];
        if self.next(2) == 1 {
            programs.reverse();
        }
        self.said.push(format!("{what}: {} and {}", programs[0].name, programs[1].name));
        let outcomes: Vec<_> =
            self.twins.iter_mut().zip(&programs).map(|(history, program)| step(history, program)).collect();
        let so_far = || format!("seed {}: {:#?}", self.seed, self.said);
        assert_eq!(outcomes[0].code, outcomes[1].code, "{}\n{}\n{}", so_far(), outcomes[0], outcomes[1]);
        assert_eq!(self.twins[0].sets(), self.twins[1].sets(), "{}", so_far());
    }

    fn backs_up(&mut self, action: &str) {
        if self.next(5) > 0 {
            let [first, second] = &mut self.twins;
            first.change();
            second.follow(first);
        }
        self.both(action, |history, program| history.try_back_up(program, action, &[]));
    }

    fn removes(&mut self, action: &str) {
        let argument = match action {
            // Stock takes the signatures of a chain that is older as a whole, even of the newest, which stays.
            "remove-older-than" => {
                let newest = *self.twins[0].dates().last().unwrap();
                START + self.next(1 + (date(newest) - START) as u64) as i64
            }
            _ => 1 + self.next(3) as i64,
        };
        let force = if self.next(4) == 0 { None } else { Some("--force") };
        let argument = argument.to_string();
        let words: Vec<&str> = [action, &argument].into_iter().chain(force).collect();
        self.both(&words.join(" "), |history, program| history.run(program, &words));
    }

    fn restores(&mut self) {
        let at = date(0) - STEP / 2 + self.next(STEP as u64 * (1 + self.twins[0].passed() as u64)) as i64;
        let targets = [scratch(), scratch()];
        let paths = targets.each_ref().map(|target| target.path().join("restored"));
        let [first, second] = [0, 1].map(|twin| self.twins[twin].repository.place());
        let of = |history: &History| if history.repository.place() == first { 0 } else { 1 };
        assert_ne!(first, second);
        let into = paths.clone();
        self.both(&format!("restore of {at}"), move |history, program| {
            let cache = history.repository.cache(program);
            history.repository.restore(program, &cache, &at.to_string(), &into[of(history)])
        });
        if paths[0].exists() {
            Snapshot::of(&paths[0]).expect_at(
                &paths[1],
                Detail::Stock,
                &format!("seed {}: {:#?}", self.seed, self.said),
            );
        }
        paths.iter().filter(|path| path.exists()).for_each(|path| fs::remove_dir_all(path).unwrap());
    }
}
