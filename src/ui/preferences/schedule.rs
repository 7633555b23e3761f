//! Preferences: how often backups happen.

use adw::prelude::*;
use hindsight::i18n::gettext;
use hindsight::schedule::Frequency;
use hindsight::settings::{Plan, Schedule};
use relm4::adw;
use relm4::prelude::*;

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
        }
        if schedule != self.schedule {
            self.schedule = schedule;
            let _ = sender.output(PlanChange::Schedule(schedule));
        }
    }
}
