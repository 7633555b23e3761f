//! Preferences: where the backups are, and whether the place is fit for them.

use adw::prelude::*;
use hindsight::context::Context;
use hindsight::destination::Login;
use hindsight::destination::trial::{self, Check, CheckKind};
use hindsight::error::Error;
use hindsight::explain::{Explanation, explain, explain_plan_place};
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::{Plan, PlanPlace};
use relm4::prelude::*;
use relm4::{adw, gtk};

use crate::ui::change::PlanChange;
use crate::ui::finder::{Finder, FinderOutput};
use crate::ui::overview::escaped;
use crate::ui::place::Purpose;
use crate::ui::{services, texts};

pub struct PlacePage {
    plan: Plan,
    finder: Option<Controller<Finder>>,
    testing: bool,
    /// Of the last test: what it says in all, and a row per check.
    summary: String,
    rows: Vec<adw::ActionRow>,
}

#[derive(Debug)]
pub enum PlaceInput {
    Plan(Box<Plan>),
    Name(String),
    Test,
    ChooseAnother,
    Chosen(FinderOutput),
}

#[derive(Debug)]
pub enum Tested {
    Checks(Vec<Check>),
    NotThere(Explanation),
    /// Another place, tried out.
    Another(Box<Result<PlanPlace, Explanation>>),
}

#[relm4::component(pub)]
impl Component for PlacePage {
    type Init = Plan;
    type Input = PlaceInput;
    type Output = PlanChange;
    type CommandOutput = Tested;

    view! {
        adw::PreferencesPage {
            set_title: &gettext("Place"),
            set_icon_name: Some("drive-harddisk-symbolic"),
            adw::PreferencesGroup {
                set_title: &gettext("Where Backups Are Kept"),
                adw::ActionRow {
                    add_prefix = &gtk::Image::from_icon_name("drive-harddisk-symbolic"),
                    #[watch]
                    set_title: &escaped(&model.plan.place.label),
                    #[watch]
                    set_subtitle: &escaped(&texts::place_kind(&model.plan.place.kind)),
                    set_subtitle_selectable: true,
                },
                adw::EntryRow {
                    set_title: &gettext("Name of the Plan"),
                    set_show_apply_button: true,
                    set_text: &model.plan.name,
                    connect_apply[sender] => move |row| {
                        sender.input(PlaceInput::Name(row.text().into()));
                    },
                },
                adw::ButtonRow {
                    set_title: &gettext("Use Another Place…"),
                    #[watch]
                    set_sensitive: !model.testing,
                    connect_activated => PlaceInput::ChooseAnother,
                },
            },
            adw::PreferencesGroup {
                set_title: &gettext("Test"),
                set_description: Some(&gettext("Writes a small file, lists it, reads it back and deletes it")),
                #[name = "result"]
                adw::ExpanderRow {
                    set_title: &gettext("Result"),
                    #[watch]
                    set_visible: !model.summary.is_empty(),
                    #[watch]
                    set_subtitle: &escaped(&model.summary),
                },
                adw::ButtonRow {
                    set_title: &gettext("Test Place"),
                    #[watch]
                    set_sensitive: !model.testing,
                    connect_activated => PlaceInput::Test,
                },
            },
        }
    }

    fn init(plan: Plan, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self { plan, finder: None, testing: false, summary: String::new(), rows: Vec::new() };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: PlaceInput, sender: ComponentSender<Self>, root: &Self::Root) {
        match input {
            PlaceInput::Plan(plan) => self.plan = *plan,
            PlaceInput::Name(name) if !name.trim().is_empty() => {
                let _ = sender.output(PlanChange::Name(name.trim().to_owned()));
            }
            PlaceInput::Name(_) => {}
            PlaceInput::ChooseAnother => {
                let finder = Finder::builder()
                    .launch(Purpose::Keep)
                    .forward(sender.input_sender(), PlaceInput::Chosen);
                finder.widget().present(Some(root));
                self.finder = Some(finder);
            }
            PlaceInput::Chosen(FinderOutput::Found(place)) => {
                self.testing = true;
                self.summary = gettext("Testing…");
                sender.spawn_oneshot_command(move || Tested::Another(Box::new(services::try_out(place))));
            }
            PlaceInput::Test => {
                self.testing = true;
                self.summary = gettext("Testing…");
                let place = self.plan.place.clone();
                sender.spawn_oneshot_command(move || match place.spec() {
                    Ok(spec) => {
                        Tested::Checks(trial::try_place(&*spec.connect(Login::default()), &Context::silent()))
                    }
                    Err(error) => Tested::NotThere(explain_plan_place(&error)),
                });
            }
        }
    }

    fn update_cmd_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        tested: Tested,
        sender: ComponentSender<Self>,
        _root: &Self::Root,
    ) {
        self.testing = false;
        for row in self.rows.drain(..) {
            widgets.result.remove(&row);
        }
        match tested {
            Tested::NotThere(explanation) => self.summary = explanation.sentence,
            Tested::Another(result) => match *result {
                Ok(place) => {
                    self.summary = gettext("All is well");
                    let _ = sender.output(PlanChange::Place(place));
                }
                Err(explanation) => self.summary = explanation.sentence,
            },
            Tested::Checks(checks) => {
                let good = checks.iter().all(|check| check.result.is_ok());
                self.summary =
                    if good { gettext("All is well") } else { gettext("Backups cannot be kept here") };
                self.rows = checks.into_iter().map(check_row).collect();
                self.rows.iter().for_each(|row| widgets.result.add_row(row));
                widgets.result.set_expanded(!good);
            }
        }
        self.update_view(widgets, sender);
    }
}

fn check_row(check: Check) -> adw::ActionRow {
    let title = match check.kind {
        CheckKind::Write => gettext("Write a file"),
        CheckKind::List => gettext("List it"),
        CheckKind::Read => gettext("Read it back"),
        CheckKind::Delete => gettext("Delete it"),
        CheckKind::FreeSpace => gettext("Free space"),
        CheckKind::BigFile => gettext("Large files"),
    };
    let (icon, subtitle) = match check.result {
        Ok(Some(bytes)) => {
            ("object-select-symbolic", gettext_f("{size} free", &[("size", &texts::size(bytes))]))
        }
        Ok(None) => ("object-select-symbolic", String::new()),
        Err(error) => ("dialog-warning-symbolic", explain(&Error::Destination(error)).sentence),
    };
    let row = adw::ActionRow::builder().title(title).subtitle(escaped(&subtitle)).build();
    row.add_prefix(&gtk::Image::from_icon_name(icon));
    row
}
