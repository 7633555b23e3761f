//! Choosing a place alone: where backups made elsewhere are, or where to keep them from now on.

use adw::prelude::*;
use hindsight::i18n::gettext;
use hindsight::settings::PlanPlace;
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::dialogs;
use super::place::{PlaceChooser, PlaceOutput, Purpose};

pub struct Finder {
    purpose: Purpose,
    chooser: Controller<PlaceChooser>,
    place: Option<PlanPlace>,
}

#[derive(Debug)]
pub enum FinderInput {
    Place(PlaceOutput),
    Open,
    Cancel,
}

#[derive(Debug)]
pub enum FinderOutput {
    Found(PlanPlace),
}

#[relm4::component(pub)]
impl Component for Finder {
    type Init = Purpose;
    type Input = FinderInput;
    type Output = FinderOutput;
    type CommandOutput = ();

    view! {
        #[root]
        adw::Dialog {
            set_title: &model.title(),
            set_content_width: 500,
            set_content_height: 520,
        },
        cancel = gtk::Button {
            set_label: &gettext("Cancel"),
            connect_clicked => FinderInput::Cancel,
        },
        open = gtk::Button {
            set_label: &model.action(),
            add_css_class: "suggested-action",
            #[watch]
            set_sensitive: model.place.is_some(),
            connect_clicked => FinderInput::Open,
        },
    }

    fn init(purpose: Purpose, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let chooser =
            PlaceChooser::builder().launch(purpose).forward(sender.input_sender(), FinderInput::Place);
        let model = Self { purpose, chooser, place: None };
        let widgets = view_output!();
        let header = dialogs::question_header();
        header.pack_start(&widgets.cancel);
        header.pack_end(&widgets.open);
        let chooser = model.chooser.widget();
        root.set_child(Some(&dialogs::question(&header, &model.question(), "", chooser)));
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: FinderInput, sender: ComponentSender<Self>, root: &Self::Root) {
        match input {
            FinderInput::Place(PlaceOutput::Changed(place)) => self.place = place,
            FinderInput::Open => {
                if let Some(place) = self.place.clone() {
                    root.close();
                    let _ = sender.output(FinderOutput::Found(place));
                }
            }
            FinderInput::Cancel => {
                root.close();
            }
        }
    }
}

impl Finder {
    fn title(&self) -> String {
        match self.purpose {
            Purpose::Find => gettext("Restore From a Backup"),
            Purpose::Keep => gettext("Another Place"),
        }
    }

    fn question(&self) -> String {
        match self.purpose {
            Purpose::Find => gettext("Where are the backups?"),
            Purpose::Keep => gettext("Where should backups be kept from now on?"),
        }
    }

    fn action(&self) -> String {
        match self.purpose {
            Purpose::Find => gettext("Open"),
            Purpose::Keep => gettext("Use"),
        }
    }
}
