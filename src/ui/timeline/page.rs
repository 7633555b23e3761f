//! What the page is made of.

use adw::prelude::*;
use hindsight::i18n::gettext;
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::bar::TimeBar;
use super::{Looked, State, TimelineInit, TimelineInput, TimelineOutput, TimelinePage, Way, keys};

#[relm4::component(pub)]
impl Component for TimelinePage {
    type Init = TimelineInit;
    type Input = TimelineInput;
    type Output = TimelineOutput;
    type CommandOutput = Looked;

    view! {
        #[root]
        adw::NavigationPage {
            set_title: &gettext("Restore"),
            set_tag: Some("restore"),
            #[wrap(Some)]
            #[name = "breakpoints"]
            set_child = &adw::BreakpointBin {
                set_size_request: (300, 200),
                #[wrap(Some)]
                set_child = &adw::ToolbarView {
                    set_top_bar_style: adw::ToolbarStyle::Raised,
                    add_top_bar = &adw::HeaderBar {
                        set_title_widget: Some(&adw::WindowTitle::new(&gettext("Restore"), &model.label)),
                        #[name = "pane_toggle"]
                        pack_end = &gtk::ToggleButton {
                            set_icon_name: "sidebar-show-right-symbolic",
                            set_tooltip_text: Some(&gettext("Versions")),
                            set_active: true,
                            #[watch]
                            set_visible: model.is_ready() && !model.narrow,
                        },
                        pack_end = &gtk::MenuButton {
                            set_icon_name: "view-more-symbolic",
                            set_tooltip_text: Some(&gettext("View")),
                            set_menu_model: Some(&keys::menu()),
                            #[watch]
                            set_visible: model.is_ready(),
                        },
                        #[name = "search_toggle"]
                        pack_end = &gtk::ToggleButton {
                            set_icon_name: "edit-find-symbolic",
                            set_tooltip_text: Some(&gettext("Search")),
                            #[watch]
                            set_visible: model.is_ready(),
                        },
                    },
                    #[local_ref]
                    add_top_bar = search -> gtk::SearchBar {},
                    add_top_bar = &gtk::Box {
                        #[watch]
                        set_visible: matches!(model.state, State::Ready | State::Loading),
                        #[watch]
                        set_margin_horizontal: if model.narrow { 0 } else { 6 },
                        gtk::Button {
                            set_icon_name: "go-previous-symbolic",
                            set_css_classes: &["flat", "circular"],
                            set_valign: gtk::Align::Center,
                            set_tooltip_text: Some(&gettext("Earlier Change of This Folder")),
                            #[watch]
                            set_visible: !model.narrow,
                            #[watch]
                            set_sensitive: model.bar.can_step_change(false),
                            connect_clicked => TimelineInput::StepChange { forward: false },
                        },
                        #[local_ref]
                        bar -> TimeBar {
                            set_hexpand: true,
                        },
                        gtk::Button {
                            set_icon_name: "go-next-symbolic",
                            set_css_classes: &["flat", "circular"],
                            set_valign: gtk::Align::Center,
                            set_tooltip_text: Some(&gettext("Later Change of This Folder")),
                            #[watch]
                            set_visible: !model.narrow,
                            #[watch]
                            set_sensitive: model.bar.can_step_change(true),
                            connect_clicked => TimelineInput::StepChange { forward: true },
                        },
                    },
                    #[wrap(Some)]
                    set_content = &gtk::Stack {
                        // Pages that nobody sees are not measured either.
                        set_hhomogeneous: false,
                        set_vhomogeneous: false,
                        add_named[Some("loading")] = &adw::StatusPage {
                            set_paintable: Some(&adw::SpinnerPaintable::new(None::<&gtk::Widget>)),
                            set_title: &gettext("Opening the Backups"),
                            #[watch]
                            set_description: model.reading().as_deref(),
                        },
                        add_named[Some("empty")] = &adw::StatusPage {
                            set_icon_name: Some("document-open-recent-symbolic"),
                            set_title: &gettext("No Backups Yet"),
                            set_description: Some(&gettext("There is nothing to restore at this place.")),
                        },
                        add_named[Some("failed")] = &adw::StatusPage {
                            set_icon_name: Some("dialog-warning-symbolic"),
                            #[watch]
                            set_title: model.failure().map_or("", |failure| &failure.title),
                            #[watch]
                            set_description: model.failure().map(|failure| failure.sentence.as_str()),
                            gtk::Button {
                                set_label: &gettext("Try Again"),
                                add_css_class: "pill",
                                set_halign: gtk::Align::Center,
                                connect_clicked => TimelineInput::Retry,
                            },
                        },
                        #[local_ref]
                        add_named[Some("ready")] = layouts -> adw::MultiLayoutView {},
                        #[watch]
                        set_visible_child_name: model.state_name(),
                    },
                },
            },
        },
        #[local_ref]
        files -> adw::ToolbarView {
            add_top_bar = &gtk::Box {
                set_spacing: 6,
                set_margin_all: 6,
                #[watch]
                set_visible: !model.has_results(),
                gtk::Button {
                    set_icon_name: "go-up-symbolic",
                    add_css_class: "flat",
                    set_tooltip_text: Some(&gettext("Parent Folder")),
                    #[watch]
                    set_visible: model.narrow,
                    #[watch]
                    set_sensitive: !model.browse.folder.is_root(),
                    connect_clicked => TimelineInput::Go(Way::Up),
                },
                gtk::Label {
                    set_hexpand: true,
                    set_xalign: 0.0,
                    set_ellipsize: gtk::pango::EllipsizeMode::Middle,
                    add_css_class: "heading",
                    #[watch]
                    set_visible: model.narrow,
                    #[watch]
                    set_label: &model.folder_name(),
                },
                #[name = "crumbs"]
                gtk::Box {
                    set_hexpand: true,
                    #[watch]
                    set_visible: !model.narrow,
                },
                gtk::ToggleButton {
                    add_css_class: "flat",
                    set_tooltip_text: Some(&gettext("Also show what had been deleted or did not exist yet")),
                    set_action_name: Some("timeline.deleted"),
                    update_property: &[gtk::accessible::Property::Label(&gettext("Deleted Items"))],
                    #[wrap(Some)]
                    set_child = &gtk::Box {
                        set_spacing: 6,
                        gtk::Image {
                            set_icon_name: Some("user-trash-symbolic"),
                        },
                        gtk::Label {
                            set_label: &gettext("Deleted Items"),
                            #[watch]
                            set_visible: !model.narrow,
                        },
                    },
                },
            },
            add_top_bar = &gtk::Label {
                set_xalign: 0.0,
                set_margin_all: 12,
                add_css_class: "heading",
                #[watch]
                set_visible: model.has_results(),
                #[watch]
                set_label: &model.results(),
            },
            #[wrap(Some)]
            set_content = &gtk::Stack {
                // Pages that nobody sees are not measured either.
                set_hhomogeneous: false,
                set_vhomogeneous: false,
                add_named[Some("columns")] = &gtk::ScrolledWindow {
                    #[local_ref]
                    columns -> gtk::ColumnView {},
                },
                add_named[Some("lines")] = &gtk::ScrolledWindow {
                    set_hscrollbar_policy: gtk::PolicyType::Never,
                    #[local_ref]
                    lines -> gtk::ListView {},
                },
                add_named[Some("nothing")] = &adw::StatusPage {
                    add_css_class: "compact",
                    set_icon_name: Some("folder-symbolic"),
                    #[watch]
                    set_title: &model.nothing_title(),
                    #[watch]
                    set_description: Some(&model.nothing_sentence()),
                },
                #[watch]
                set_visible_child_name: model.list_name(),
            },
        },
        #[local_ref]
        foot -> gtk::Box {
            set_spacing: 12,
            set_margin_all: 6,
            set_margin_start: 12,
            gtk::Label {
                set_hexpand: true,
                set_xalign: 0.0,
                add_css_class: "dim-label",
                set_ellipsize: gtk::pango::EllipsizeMode::End,
                #[watch]
                set_label: &model.selection_text(),
            },
            gtk::Button {
                #[watch]
                set_label: &model.restore_label(),
                add_css_class: "suggested-action",
                connect_clicked => TimelineInput::RestoreWanted,
            },
        },
    }

    fn init(init: TimelineInit, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let (files, foot) = (&adw::ToolbarView::new(), &gtk::Box::default());
        let model = Self::new(init, files, foot, &root, &sender);
        let (bar, layouts) = (&model.bar, &model.layouts.view);
        let search = model.search.widget();
        let (columns, lines) = (&model.list.columns, &model.list.lines);
        let widgets = view_output!();
        model.connect(&widgets, &root, &sender);
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: TimelineInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        self.take(input, root, &sender);
        self.show_crumbs(widgets, &sender);
        self.update_view(widgets, sender);
    }

    fn update_cmd(&mut self, looked: Looked, _sender: ComponentSender<Self>, root: &Self::Root) {
        self.take_looked(looked, root);
    }
}
