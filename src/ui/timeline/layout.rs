//! Files, foot and versions pane side by side, or, in narrow windows, with the pane in a sheet that is pulled up.

use adw::prelude::*;
use relm4::{adw, gtk};

/// Not wider than this, in sp, columns give way to lines.
pub const NARROW: f64 = 560.0;
/// Not wider than this, in sp, the pane covers the files instead of standing beside them.
pub const SLIM: f64 = 900.0;

pub struct Layouts {
    pub view: adw::MultiLayoutView,
    pub split: adw::OverlaySplitView,
    pub sheet: adw::BottomSheet,
}

const WIDE: &str = "wide";
const SHEET: &str = "narrow";

impl Layouts {
    pub fn new(
        files: &impl IsA<gtk::Widget>,
        foot: &impl IsA<gtk::Widget>,
        pane: &impl IsA<gtk::Widget>,
    ) -> Self {
        let beside = adw::ToolbarView::builder()
            .bottom_bar_style(adw::ToolbarStyle::Raised)
            .css_classes(["view"])
            .build();
        beside.set_content(Some(&adw::LayoutSlot::new("files")));
        beside.add_bottom_bar(&adw::LayoutSlot::new("foot"));
        let split = adw::OverlaySplitView::builder()
            .sidebar_position(gtk::PackType::End)
            .min_sidebar_width(320.0)
            .max_sidebar_width(320.0)
            .content(&beside)
            .sidebar(&adw::LayoutSlot::new("pane"))
            .build();
        let above = adw::Bin::builder().child(&adw::LayoutSlot::new("files")).css_classes(["view"]).build();
        let pulled_up = adw::LayoutSlot::new("pane");
        // Room for the handle.
        pulled_up.set_margin_top(12);
        let sheet = adw::BottomSheet::builder()
            .content(&above)
            .bottom_bar(&adw::LayoutSlot::new("foot"))
            .sheet(&pulled_up)
            .build();
        // The bar lies over the content.
        sheet.bind_property("bottom-bar-height", &above, "margin-bottom").sync_create().build();
        let view = adw::MultiLayoutView::new();
        for (name, content) in [(WIDE, split.upcast_ref::<gtk::Widget>()), (SHEET, sheet.upcast_ref())] {
            let layout = adw::Layout::new(content);
            layout.set_name(Some(name));
            view.add_layout(layout);
        }
        view.set_child("files", files);
        view.set_child("foot", foot);
        view.set_child("pane", pane);
        Self { view, split, sheet }
    }

    pub fn set_narrow(&self, narrow: bool) {
        self.view.set_layout_name(if narrow { SHEET } else { WIDE });
    }
}
