//! The row above the time bar in which one types what to look for.

use adw::prelude::*;
use hindsight::i18n::gettext;
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::browse::Search;

pub struct SearchRow {
    wanted: Option<Search>,
}

#[derive(Debug)]
pub enum SearchInput {
    Changed,
    Open,
    Close,
}

#[relm4::component(pub)]
impl Component for SearchRow {
    /// Typing anywhere in it opens the row.
    type Init = gtk::Widget;
    type Input = SearchInput;
    /// `None` when the row is closed.
    type Output = Option<Search>;
    type CommandOutput = ();

    view! {
        #[root]
        gtk::SearchBar {
            set_key_capture_widget: Some(&page),
            connect_search_mode_enabled_notify => SearchInput::Changed,
            #[wrap(Some)]
            set_child = &adw::Clamp {
                set_maximum_size: 860,
                set_hexpand: true,
                adw::WrapBox {
                    set_child_spacing: 12,
                    set_line_spacing: 6,
                    #[name = "entry"]
                    gtk::SearchEntry {
                        set_hexpand: true,
                        // The page sees to it that no more is looked for than can be found.
                        set_search_delay: 0,
                        set_placeholder_text: Some(&gettext("Search names")),
                        update_property: &[gtk::accessible::Property::Label(&gettext("Search"))],
                        connect_search_changed => SearchInput::Changed,
                    },
                    #[name = "wheres"]
                    adw::ToggleGroup {
                        add: adw::Toggle::builder().name("here").label(gettext("This Folder")).build(),
                        add: adw::Toggle::builder().name("everywhere").label(gettext("Everywhere")).build(),
                        set_active_name: Some("everywhere"),
                        connect_active_name_notify => SearchInput::Changed,
                    },
                    #[name = "whens"]
                    adw::ToggleGroup {
                        add: adw::Toggle::builder().name("now").label(gettext("This Date")).build(),
                        add: adw::Toggle::builder().name("always").label(gettext("All Dates")).build(),
                        set_active_name: Some("always"),
                        connect_active_name_notify => SearchInput::Changed,
                    },
                },
            },
        }
    }

    fn init(page: gtk::Widget, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self { wanted: None };
        let widgets = view_output!();
        root.connect_entry(&widgets.entry);
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: SearchInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            SearchInput::Changed => {}
            SearchInput::Open => {
                root.set_search_mode(true);
                widgets.entry.grab_focus();
            }
            SearchInput::Close => root.set_search_mode(false),
        }
        let chosen = |group: &adw::ToggleGroup, name: &str| group.active_name().as_deref() == Some(name);
        let wanted = root.is_search_mode().then(|| Search {
            text: widgets.entry.text().into(),
            everywhere: chosen(&widgets.wheres, "everywhere"),
            all_dates: chosen(&widgets.whens, "always"),
        });
        if wanted != self.wanted {
            self.wanted = wanted.clone();
            let _ = sender.output(wanted);
        }
    }
}
