//! Preferences: how often backups happen, when they had better not, and what runs around them.

use adw::prelude::*;
use chrono::{NaiveTime, Timelike, Weekday};
use hindsight::i18n::gettext;
use hindsight::schedule::conditions::Tolerance;
use hindsight::schedule::{Frequency, Schedule};
use hindsight::settings::{Hooks, Plan};
use relm4::prelude::*;
use relm4::{adw, gtk};

use crate::ui::change::PlanChange;
use crate::ui::texts;

pub struct SchedulePage {
    schedule: Schedule,
    tolerance: Tolerance,
    hooks: Hooks,
}

#[derive(Debug)]
pub enum ScheduleInput {
    Plan(Box<Plan>),
    Enabled(bool),
    Frequency(u32),
    Hour(u32),
    Weekday(u32),
    Day(u32),
    OnBattery(bool),
    Metered(bool),
    SavingPower(bool),
    /// Commands; empty ones are none.
    Before(String),
    After(String),
}

impl SchedulePage {
    fn selected(&self) -> u32 {
        Frequency::ALL.iter().position(|known| *known == self.schedule.frequency).unwrap_or_default() as u32
    }
}

#[relm4::component(pub)]
impl SimpleComponent for SchedulePage {
    type Init = Plan;
    type Input = ScheduleInput;
    type Output = PlanChange;

    view! {
        adw::PreferencesPage {
            set_title: &gettext("Schedule"),
            set_icon_name: Some("alarm-symbolic"),
            adw::PreferencesGroup {
                adw::SwitchRow {
                    set_title: &gettext("Back Up Automatically"),
                    set_subtitle: &gettext("Whenever a backup is due, while Hindsight is open"),
                    #[watch]
                    #[block_signal(enabled)]
                    set_active: model.schedule.enabled,
                    connect_active_notify[sender] => move |row| {
                        sender.input(ScheduleInput::Enabled(row.is_active()));
                    } @enabled,
                },
                adw::ComboRow {
                    set_title: &gettext("Frequency"),
                    set_model: Some(&texts::frequency_names()),
                    #[watch]
                    set_sensitive: model.schedule.enabled,
                    #[watch]
                    #[block_signal(chosen)]
                    set_selected: model.selected(),
                    connect_selected_notify[sender] => move |row| {
                        sender.input(ScheduleInput::Frequency(row.selected()));
                    } @chosen,
                },
                adw::ComboRow {
                    set_title: &gettext("Day of the Week"),
                    set_model: Some(&texts::weekday_names()),
                    #[watch]
                    set_visible: model.schedule.frequency == Frequency::Weekly,
                    #[watch]
                    set_sensitive: model.schedule.enabled,
                    #[watch]
                    #[block_signal(weekday_chosen)]
                    set_selected: model.schedule.weekday.num_days_from_monday(),
                    connect_selected_notify[sender] => move |row| {
                        sender.input(ScheduleInput::Weekday(row.selected()));
                    } @weekday_chosen,
                },
                adw::SpinRow {
                    set_title: &gettext("Day of the Month"),
                    set_subtitle: &gettext("In a shorter month its last day"),
                    set_adjustment: Some(&gtk::Adjustment::new(1.0, 1.0, 31.0, 1.0, 5.0, 0.0)),
                    #[watch]
                    set_visible: model.schedule.frequency == Frequency::Monthly,
                    #[watch]
                    set_sensitive: model.schedule.enabled,
                    #[watch]
                    #[block_signal(day_chosen)]
                    set_value: model.schedule.day.into(),
                    connect_value_notify[sender] => move |row| {
                        sender.input(ScheduleInput::Day(row.value() as u32));
                    } @day_chosen,
                },
                adw::ComboRow {
                    set_title: &gettext("Time"),
                    set_subtitle: &gettext("Or later, when the computer is on and the place is there"),
                    set_model: Some(&hours()),
                    #[watch]
                    set_visible: model.schedule.frequency != Frequency::Hourly,
                    #[watch]
                    set_sensitive: model.schedule.enabled,
                    #[watch]
                    #[block_signal(hour_chosen)]
                    set_selected: model.schedule.at.hour(),
                    connect_selected_notify[sender] => move |row| {
                        sender.input(ScheduleInput::Hour(row.selected()));
                    } @hour_chosen,
                },
            },
            adw::PreferencesGroup {
                set_title: &gettext("Back Up by Itself Even"),
                #[watch]
                set_sensitive: model.schedule.enabled,
                adw::SwitchRow {
                    set_title: &gettext("On Battery"),
                    #[watch]
                    #[block_signal(battery)]
                    set_active: model.tolerance.battery,
                    connect_active_notify[sender] => move |row| {
                        sender.input(ScheduleInput::OnBattery(row.is_active()));
                    } @battery,
                },
                adw::SwitchRow {
                    set_title: &gettext("While Saving Power"),
                    #[watch]
                    #[block_signal(power)]
                    set_active: model.tolerance.power_saver,
                    connect_active_notify[sender] => move |row| {
                        sender.input(ScheduleInput::SavingPower(row.is_active()));
                    } @power,
                },
                adw::SwitchRow {
                    set_title: &gettext("On Metered Networks"),
                    set_subtitle: &gettext("Places in your own network never count as metered"),
                    #[watch]
                    #[block_signal(metered)]
                    set_active: model.tolerance.metered,
                    connect_active_notify[sender] => move |row| {
                        sender.input(ScheduleInput::Metered(row.is_active()));
                    } @metered,
                },
            },
            adw::PreferencesGroup {
                set_title: &gettext("Commands"),
                set_description: Some(&gettext("A backup begins only when the command before it has succeeded. The one after it gets the result as JSON.")),
                adw::EntryRow {
                    set_title: &gettext("Before Each Backup"),
                    set_text: model.hooks.before.as_deref().unwrap_or_default(),
                    set_show_apply_button: true,
                    connect_apply[sender] => move |row| {
                        sender.input(ScheduleInput::Before(row.text().into()));
                    },
                },
                adw::EntryRow {
                    set_title: &gettext("After Each Backup"),
                    set_text: model.hooks.after.as_deref().unwrap_or_default(),
                    set_show_apply_button: true,
                    connect_apply[sender] => move |row| {
                        sender.input(ScheduleInput::After(row.text().into()));
                    },
                },
            },
        }
    }

    fn init(plan: Plan, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let Plan { schedule, tolerance, hooks, .. } = plan;
        let model = Self { schedule, tolerance, hooks };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: ScheduleInput, sender: ComponentSender<Self>) {
        let mut schedule = self.schedule;
        let mut tolerance = self.tolerance;
        let mut hooks = self.hooks.clone();
        let command = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match input {
            ScheduleInput::Plan(plan) => {
                let Plan { schedule, tolerance, hooks, .. } = *plan;
                *self = Self { schedule, tolerance, hooks };
                return;
            }
            ScheduleInput::OnBattery(on) => tolerance.battery = on,
            ScheduleInput::Metered(on) => tolerance.metered = on,
            ScheduleInput::SavingPower(on) => tolerance.power_saver = on,
            ScheduleInput::Before(text) => hooks.before = command(text),
            ScheduleInput::After(text) => hooks.after = command(text),
            ScheduleInput::Enabled(enabled) => schedule.enabled = enabled,
            ScheduleInput::Frequency(index) => match Frequency::ALL.get(index as usize) {
                Some(frequency) => schedule.frequency = *frequency,
                None => return,
            },
            ScheduleInput::Hour(hour) => match NaiveTime::from_hms_opt(hour, 0, 0) {
                Some(at) => schedule.at = at,
                None => return,
            },
            ScheduleInput::Weekday(index) => match u8::try_from(index).map(Weekday::try_from) {
                Ok(Ok(weekday)) => schedule.weekday = weekday,
                _ => return,
            },
            ScheduleInput::Day(day) => schedule.day = day,
        }
        if schedule != self.schedule {
            self.schedule = schedule;
            let _ = sender.output(PlanChange::Schedule(schedule));
        }
        if tolerance != self.tolerance {
            self.tolerance = tolerance;
            let _ = sender.output(PlanChange::Tolerance(tolerance));
        }
        if hooks != self.hooks {
            self.hooks = hooks.clone();
            let _ = sender.output(PlanChange::Hooks(hooks));
        }
    }
}

/// Full ones: nobody needs more, and a list is read at a glance.
fn hours() -> gtk::StringList {
    let hours = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
    texts::list(&hours.map(texts::clock).collect::<Vec<_>>())
}
