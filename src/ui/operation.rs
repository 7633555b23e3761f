//! A bar at the bottom of every page while something runs: one for each lane.

use std::time::{Duration, Instant};

use adw::prelude::*;
use hindsight::context::Progress;
use hindsight::i18n::gettext;
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::state::Stage;
use super::texts;

/// Before that the rate is a guess.
const RATE_KNOWN_AFTER: Duration = Duration::from_secs(10);

pub struct Operation {
    title: String,
    progress: Progress,
    stage: Stage,
    began: Instant,
    /// Bytes done when the rate began to count: what was found unchanged comes in one leap at first.
    first_bytes: Option<u64>,
}

#[derive(Debug)]
pub enum OperationInput {
    Begin { title: String },
    Show { title: String, progress: Progress, stage: Stage },
}

#[derive(Debug)]
pub enum OperationOutput {
    StopWanted,
}

impl Operation {
    fn begin(title: String) -> Self {
        Self {
            title,
            progress: Progress::default(),
            stage: Stage::Preparing,
            began: Instant::now(),
            first_bytes: None,
        }
    }

    /// Nothing while a question may be open: then nothing moves.
    fn amount(&self) -> String {
        match self.stage {
            Stage::Preparing => String::new(),
            Stage::Running | Stage::Stopping => texts::amount(&self.progress),
        }
    }

    fn fraction(&self) -> Option<f64> {
        let total = self.progress.bytes_total.filter(|total| *total > 0)?;
        Some((self.progress.bytes_done as f64 / total as f64).clamp(0.0, 1.0))
    }

    fn percent(&self) -> String {
        self.fraction().map_or_else(String::new, |fraction| format!("{}%", (fraction * 100.0) as u32))
    }

    fn time_left(&self) -> String {
        let elapsed = self.began.elapsed();
        let (Some(total), Some(first)) = (self.progress.bytes_total, self.first_bytes) else {
            return String::new();
        };
        let done = self.progress.bytes_done.saturating_sub(first);
        if elapsed < RATE_KNOWN_AFTER || done == 0 {
            return String::new();
        }
        let rate = done as f64 / elapsed.as_secs_f64();
        let left = total.saturating_sub(self.progress.bytes_done) as f64 / rate;
        let rate = hindsight::i18n::gettext_f("{size}/s", &[("size", &texts::size(rate as u64))]);
        format!("{rate} · {}", texts::time_left(left as u64))
    }
}

#[relm4::component(pub)]
impl Component for Operation {
    type Init = ();
    type Input = OperationInput;
    type Output = OperationOutput;
    type CommandOutput = ();

    view! {
        gtk::Box {
            set_spacing: 18,
            set_margin_top: 9,
            set_margin_bottom: 9,
            set_margin_start: 12,
            set_margin_end: 12,
            gtk::Box {
                set_orientation: gtk::Orientation::Vertical,
                set_spacing: 5,
                set_hexpand: true,
                set_valign: gtk::Align::Center,
                gtk::Box {
                    #[name = "title"]
                    gtk::Label {
                        add_css_class: "heading",
                        set_hexpand: true,
                        set_xalign: 0.0,
                        set_ellipsize: gtk::pango::EllipsizeMode::End,
                        #[watch]
                        set_label: &model.title,
                    },
                    gtk::Label {
                        set_css_classes: &["heading", "numeric"],
                        #[watch]
                        set_label: &model.percent(),
                    },
                },
                #[name = "bar"]
                gtk::ProgressBar {
                    set_pulse_step: 0.08,
                    update_property: &[gtk::accessible::Property::Label(&gettext("Progress"))],
                },
                // One at each end, or below each other where that is too narrow.
                adw::WrapBox {
                    set_child_spacing: 12,
                    set_justify: adw::JustifyMode::Spread,
                    set_justify_last_line: true,
                    gtk::Label {
                        set_css_classes: &["caption", "dim-label", "numeric"],
                        set_ellipsize: gtk::pango::EllipsizeMode::End,
                        #[watch]
                        set_label: &model.amount(),
                    },
                    gtk::Label {
                        set_css_classes: &["caption", "dim-label", "numeric"],
                        set_ellipsize: gtk::pango::EllipsizeMode::End,
                        #[watch]
                        set_label: &model.time_left(),
                    },
                },
            },
            gtk::Button {
                set_label: &gettext("Stop"),
                set_valign: gtk::Align::Center,
                // Another bar may have one too.
                update_relation: &[gtk::accessible::Relation::DescribedBy(&[title.upcast_ref()])],
                #[watch]
                set_sensitive: model.stage != Stage::Stopping,
                connect_clicked[sender] => move |_| {
                    let _ = sender.output(OperationOutput::StopWanted);
                },
            },
        }
    }

    fn init(_: (), root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self::begin(String::new());
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: OperationInput,
        sender: ComponentSender<Self>,
        _root: &Self::Root,
    ) {
        match input {
            OperationInput::Begin { title } => *self = Self::begin(title),
            OperationInput::Show { title, progress, stage } => {
                if progress.bytes_done > 0 && self.first_bytes.is_none() {
                    self.first_bytes = Some(progress.bytes_done);
                    self.began = Instant::now();
                }
                (self.title, self.progress, self.stage) = (title, progress, stage);
            }
        }
        match self.fraction() {
            Some(fraction) => widgets.bar.set_fraction(fraction),
            None => widgets.bar.pulse(),
        }
        self.update_view(widgets, sender);
    }
}
