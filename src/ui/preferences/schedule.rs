//! Preferences: how often backups happen.

use adw::prelude::*;
use chrono::{NaiveTime, Timelike, Weekday};
use hindsight::i18n::gettext;
use hindsight::schedule::{Frequency, Schedule};
use hindsight::settings::Plan;
use relm4::prelude::*;
use relm4::{adw, gtk};

use crate::ui::change::PlanChange;
use crate::ui::texts;

pub struct SchedulePage {
    schedule: Schedule,
}

#[derive(Debug)]
pub enum ScheduleInput {
    Plan(Box<Plan>),
    Enabled(bool),
    Frequency(u32),
    Hour(u32),
    Weekday(u32),
    Day(u32),
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
        }
    }

    fn init(plan: Plan, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self { schedule: plan.schedule };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: ScheduleInput, sender: ComponentSender<Self>) {
        let mut schedule = self.schedule;
        match input {
            ScheduleInput::Plan(plan) => {
                self.schedule = plan.schedule;
                return;
            }
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
    }
}

/// Full ones: nobody needs more, and a list is read at a glance.
fn hours() -> gtk::StringList {
    let hours = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
    texts::list(&hours.map(texts::clock).collect::<Vec<_>>())
}
