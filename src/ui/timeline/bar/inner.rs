//! What the time bar remembers, and how its parts come together in a picture.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::OnceLock;

use relm4::adw;
use relm4::gtk::glib::subclass::Signal;
use relm4::gtk::{self, glib, prelude::*, subclass::prelude::*};

use super::bubble::{self, Bubble, Held};
use super::canvas::{Canvas, Grid};
use super::drag::Grip;
use super::draw::{Rows, Scene};
use super::input::Hover;
use super::layout::{Backups, Laid};
use super::motion::Place;
use super::texts::{Style, Text, Texts};
use super::theme::Palette;
use super::{Life, draw, geometry, words};

/// The signal of a date that a person has chosen: its index, and whether they are still dragging.
pub(super) const CHOSEN: &str = "chosen";

type Note = dyn Fn(usize) -> Option<String>;

#[derive(Default)]
pub struct TimeBar {
    /// `None` while they are being read.
    pub(super) backups: RefCell<Option<Rc<Backups>>>,
    pub(super) selected: Cell<Option<usize>>,
    /// Sorted.
    pub(super) changed: RefCell<Rc<[usize]>>,
    pub(super) folder: RefCell<String>,
    pub(super) note: RefCell<Option<Rc<Note>>>,
    pub(super) life: RefCell<Option<Rc<Life>>>,

    pub(super) laid: RefCell<Option<Rc<Laid>>>,
    pub(super) texts: RefCell<Texts>,
    pub(super) place: Cell<Place>,
    /// From where to where the animation goes.
    pub(super) way: Cell<(Place, Place)>,
    pub(super) animation: OnceCell<adw::TimedAnimation>,
    /// The strip coasts after a finger has let go of it.
    pub(super) coasting: Cell<bool>,

    pub(super) grip: Cell<Option<Grip>>,
    /// A date was told as chosen while dragging, and not yet as the final one.
    pub(super) unsettled: Cell<bool>,
    pub(super) hover: Cell<Option<Hover>>,
    /// The second bubble is in sight.
    pub(super) hover_shown: Cell<bool>,
    pub(super) hover_delay: RefCell<Option<glib::SourceId>>,
}

#[glib::object_subclass]
impl ObjectSubclass for TimeBar {
    const NAME: &'static str = "HindsightTimeBar";
    type Type = super::TimeBar;
    type ParentType = gtk::Widget;
    type Interfaces = (gtk::AccessibleRange,);

    fn class_init(class: &mut Self::Class) {
        class.set_css_name("timebar");
        class.set_accessible_role(gtk::AccessibleRole::Slider);
    }
}

impl ObjectImpl for TimeBar {
    fn signals() -> &'static [Signal] {
        static SIGNALS: OnceLock<Vec<Signal>> = OnceLock::new();
        SIGNALS.get_or_init(|| {
            let parameters = [u64::static_type(), bool::static_type()];
            vec![Signal::builder(CHOSEN).param_types(parameters).build()]
        })
    }

    fn constructed(&self) {
        self.parent_constructed();
        let bar = self.obj();
        bar.set_focusable(true);
        bar.set_overflow(gtk::Overflow::Hidden);
        bar.update_property(&[
            gtk::accessible::Property::Label(&words::name()),
            gtk::accessible::Property::Description(&words::description()),
            gtk::accessible::Property::Orientation(gtk::Orientation::Horizontal),
        ]);
        // Its colours are not all of CSS.
        adw::StyleManager::for_display(&bar.display()).connect_closure(
            "notify",
            false,
            glib::closure_local!(
                #[watch]
                bar,
                move |_: adw::StyleManager, _: glib::ParamSpec| bar.queue_draw()
            ),
        );
        self.prepare_motion();
        self.listen();
        self.announce();
    }

    fn dispose(&self) {
        self.stop_hovering();
    }
}

impl WidgetImpl for TimeBar {
    fn measure(&self, orientation: gtk::Orientation, _: i32) -> (i32, i32, i32, i32) {
        match orientation {
            gtk::Orientation::Vertical => {
                let height = self.rows().height;
                (height, height, -1, -1)
            }
            _ => (120, 600, -1, -1),
        }
    }

    fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
        self.parent_size_allocate(width, height, baseline);
        self.laid();
    }

    fn state_flags_changed(&self, before: &gtk::StateFlags) {
        self.parent_state_flags_changed(before);
        self.obj().queue_draw();
    }

    fn direction_changed(&self, before: gtk::TextDirection) {
        self.parent_direction_changed(before);
        self.obj().queue_draw();
    }

    fn snapshot(&self, snapshot: &gtk::Snapshot) {
        let bar = self.obj();
        let canvas = Canvas {
            snapshot,
            width: f64::from(bar.width()),
            mirrored: self.is_mirrored(),
            grid: Grid::of(&*bar),
        };
        self.paint(canvas, Palette::of(&*bar));
    }
}

impl AccessibleImpl for TimeBar {}

impl AccessibleRangeImpl for TimeBar {
    fn set_current_value(&self, value: f64) -> bool {
        let Some(last) = self.count().checked_sub(1) else { return false };
        self.choose((value.round() - 1.0).clamp(0.0, last as f64) as usize, false);
        true
    }
}

impl TimeBar {
    pub(super) fn is_mirrored(&self) -> bool {
        self.obj().direction() == gtk::TextDirection::Rtl
    }

    pub(super) fn count(&self) -> usize {
        self.backups.borrow().as_ref().map_or(0, |backups| backups.marks.len())
    }

    pub(super) fn text(&self, style: Style, text: &str) -> Text {
        self.texts.borrow_mut().get(&*self.obj(), style, text)
    }

    pub(super) fn rows(&self) -> Rows {
        let height = |style| self.text(style, "0").height;
        Rows::fitting(height(Style::Handle), height(Style::StrongLabel))
    }

    fn paint(&self, canvas: Canvas, palette: Palette) {
        let laid = self.laid();
        let backups = self.backups.borrow().clone();
        let changed = self.changed.borrow().clone();
        let life = self.life.borrow().clone();
        let place = self.place.get();
        let scene = Scene {
            canvas,
            palette,
            rows: laid.rows,
            strip: &laid.strip,
            marks: backups.as_ref().map_or(&[], |backups| &backups.marks),
            gaps: backups.as_ref().map_or(&[], |backups| &backups.gaps),
            changed: &changed,
            life: life.as_deref(),
            selected: self.selected.get(),
            hovered: self.hover.get().and_then(Hover::mark),
            handle: place.handle,
            offset: place.offset,
        };
        scene.draw(&self.labels(&laid, place.offset));
        if backups.as_ref().is_some_and(|backups| backups.marks.is_empty()) {
            let text = self.text(Style::Detail, &words::none_yet());
            return bubble::draw_nothing(&scene.canvas, &scene.palette, laid.rows, &text);
        }
        self.paint_hovered(&scene);
        if let Some(handle) = self.handle() {
            let dragged = matches!(self.grip.get(), Some(Grip::Handle(grip)) if grip.moved);
            let focused =
                self.obj().state_flags().contains(gtk::StateFlags::FOCUS_VISIBLE) && self.obj().has_focus();
            handle.draw_handle(&scene.canvas, &scene.palette, laid.rows, Held { dragged, focused });
        }
    }

    fn paint_hovered(&self, scene: &Scene) {
        let Some(hover) = self.hover.get().filter(|_| self.hover_shown.get()) else { return };
        let Some((bubble, axis)) = self.second_bubble(hover) else { return };
        if let Some(mark) = hover.mark().and_then(|index| scene.marks.get(index))
            && bubble.contains(axis)
        {
            let area = scene.stem_area(axis + scene.offset, geometry::height(mark.changed_bytes), 1.0);
            scene.canvas.line(area, &scene.palette.ink(draw::HOVER_STEM));
        }
        bubble.draw_hovered(&scene.canvas, &scene.palette, scene.rows);
    }

    /// The bubble of the selected date.
    pub(super) fn handle(&self) -> Option<Bubble> {
        let index = self.selected.get()?;
        let backups = self.backups.borrow().clone()?;
        let mark = backups.marks.get(index)?;
        let title = self.text(Style::Handle, &backups.named(index)?.short(words::now()));
        let icon = mark.damaged.then(|| self.warning_icon());
        let mut bubble = Bubble { left: 0.0, title, detail: None, icon };
        let place = self.place.get();
        let view = f64::from(self.laid().strip.view);
        bubble.left = geometry::bubble(place.handle - place.offset, bubble.width(), view);
        Some(bubble)
    }

    /// Whether its bubble is at a place in the view.
    pub(super) fn is_on_handle(&self, x: f64, y: f64) -> bool {
        y < self.laid().rows.bubble_bottom() && self.handle().is_some_and(|handle| handle.contains(x))
    }

    fn warning_icon(&self) -> gtk::IconPaintable {
        let bar = self.obj();
        gtk::IconTheme::for_display(&bar.display()).lookup_icon(
            "dialog-warning-symbolic",
            &[],
            16,
            bar.scale_factor(),
            bar.direction(),
            gtk::IconLookupFlags::FORCE_SYMBOLIC,
        )
    }

    /// The bubble of what is under the pointer, and where its middle would like to be in the view. With less to say
    /// where there is little room beside the handle, and none where that is too much.
    fn second_bubble(&self, hover: Hover) -> Option<(Bubble, f64)> {
        let laid = self.laid();
        let place = self.place.get();
        let (title, detail) = self.hover_words(hover)?;
        let axis = match hover {
            Hover::Mark(index) => laid.strip.axis(index),
            Hover::Gap(next) => (laid.strip.axis(next.checked_sub(1)?) + laid.strip.axis(next)) / 2.0,
        } - place.offset;
        let title = self.text(Style::Hovered, &title);
        let detail = self.text(Style::Detail, &detail);
        let view = f64::from(laid.strip.view);
        let handle = self.handle();
        let fit = |detail: Option<Text>| {
            let mut bubble = Bubble { left: 0.0, title: title.clone(), detail, icon: None };
            let width = bubble.width();
            bubble.left = match &handle {
                Some(handle) => {
                    geometry::second_bubble(axis, width, handle.span(), place.handle - place.offset, view)?
                }
                None => geometry::bubble(axis, width, view),
            };
            Some(bubble)
        };
        Some((fit(Some(detail)).or_else(|| fit(None))?, axis))
    }

    fn hover_words(&self, hover: Hover) -> Option<(String, String)> {
        let backups = self.backups.borrow().clone()?;
        match hover {
            Hover::Mark(index) => {
                let mark = backups.marks.get(index)?;
                let title = backups.named(index)?.short(words::now());
                Some((title, words::hovered(mark.changed_bytes, mark.damaged, self.note_of(index))))
            }
            Hover::Gap(next) => {
                let (from, to) = (backups.marks.get(next.checked_sub(1)?)?, backups.marks.get(next)?);
                Some(words::gap(from.date, to.date, words::now()))
            }
        }
    }

    pub(super) fn note_of(&self, index: usize) -> Option<String> {
        let note = self.note.borrow().clone();
        note.and_then(|note| note(index))
    }
}
