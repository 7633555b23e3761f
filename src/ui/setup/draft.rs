//! What set-up has gathered so far, and whether it is enough. Without a window.

use std::path::{Path, PathBuf};

use hindsight::i18n::gettext;
use hindsight::schedule::{Frequency, Schedule};
use hindsight::secret::Passphrase;
use hindsight::settings::{Folder, FolderError, PlaceKind, Plan, PlanPlace, Protection};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Place,
    Folders,
    Password,
    Rhythm,
}

impl Step {
    pub const ALL: [Self; 4] = [Self::Place, Self::Folders, Self::Password, Self::Rhythm];

    pub fn tag(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Folders => "folders",
            Self::Password => "password",
            Self::Rhythm => "rhythm",
        }
    }

    pub fn number(self) -> usize {
        self as usize + 1
    }

    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }

    pub fn title(self) -> String {
        match self {
            Self::Place => gettext("Place"),
            Self::Folders => gettext("Folders"),
            Self::Password => gettext("Password"),
            Self::Rhythm => gettext("Schedule"),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Draft {
    pub place: Option<PlanPlace>,
    pub folders: Vec<PathBuf>,
    pub passphrase: Option<Passphrase>,
    /// And nobody has said yet that it is meant.
    pub weak_password: bool,
    pub remember: bool,
    pub without_password: bool,
    pub automatic: bool,
    /// `None`: the good default for the place.
    frequency: Option<Frequency>,
}

impl Draft {
    pub fn new(home: &Path) -> Self {
        Self {
            place: None,
            folders: vec![home.to_owned()],
            passphrase: None,
            weak_password: false,
            remember: true,
            without_password: false,
            automatic: true,
            frequency: None,
        }
    }

    pub fn is_good(&self, step: Step) -> bool {
        match step {
            Step::Place => self.place.is_some(),
            Step::Folders => !self.folders.is_empty(),
            Step::Password => self.passphrase.is_some() || self.without_password,
            Step::Rhythm => true,
        }
    }

    /// A drive is not always there, a folder is.
    pub fn frequency(&self) -> Frequency {
        self.frequency.unwrap_or(match self.place.as_ref().map(|place| &place.kind) {
            Some(PlaceKind::Drive { .. }) => Frequency::Weekly,
            _ => Frequency::Daily,
        })
    }

    pub fn set_frequency(&mut self, frequency: Frequency) {
        self.frequency = (frequency != self.frequency() || self.frequency.is_some()).then_some(frequency);
    }

    /// The place last: the caller has tested it and knows its marker.
    pub fn plan(&self, home: &Path, place: PlanPlace) -> Result<Plan, FolderError> {
        let name = place.label.clone();
        let mut plan = Plan::for_home(name, place, home)?;
        plan.folders = self.folders.iter().map(|path| Folder::new(path)).collect::<Result<_, _>>()?;
        if self.without_password {
            plan.protection = Protection::None;
        }
        plan.schedule = Schedule { enabled: self.automatic, ..Schedule::new(self.frequency()) };
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft::new(Path::new("/"))
    }

    fn place(kind: PlaceKind) -> PlanPlace {
        PlanPlace { kind, label: "Red Disk".into(), marker: None }
    }

    #[test]
    fn only_place_and_password_must_be_given() {
        let mut draft = draft();
        let good = |draft: &Draft| Step::ALL.map(|step| draft.is_good(step));
        assert_eq!(good(&draft), [false, true, false, true]);
        draft.place = Some(place(PlaceKind::Folder { path: "/x".into() }));
        draft.passphrase = Some(Passphrase::new("secret"));
        assert_eq!(good(&draft), [true; 4]);
    }

    #[test]
    fn the_rhythm_follows_the_place_until_somebody_chooses() {
        let mut draft = draft();
        assert_eq!(draft.frequency(), Frequency::Daily);
        draft.place = Some(place(PlaceKind::Drive { uuid: "1".into(), folder: "a".into() }));
        draft.set_frequency(Frequency::Weekly);
        draft.place = Some(place(PlaceKind::Folder { path: "/x".into() }));
        assert_eq!(draft.frequency(), Frequency::Daily, "showing the default is no choice");
        draft.set_frequency(Frequency::Hourly);
        draft.place = Some(place(PlaceKind::Drive { uuid: "1".into(), folder: "a".into() }));
        assert_eq!(draft.frequency(), Frequency::Hourly);
    }
}
