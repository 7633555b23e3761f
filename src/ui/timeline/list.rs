//! The folder as it was, as columns and as lines of two rows for narrow windows: two views of one list and one selection.
//! Only the one that is shown has it: a view makes its widgets whether or not anybody sees them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use gtk::prelude::*;
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use hindsight::i18n::gettext;
use relm4::gtk;

use super::cells::{bind_name, bind_when, factory, names, row_in, show_name, size_cell, when_cell};
use super::dragging::{Dragging, Origin};
use super::files::{Files, row_of};
use super::row::{Column, Order, Row};
use crate::ui::services::now;
use crate::ui::state::Problems;

/// What somebody did with the list.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Deed {
    Selected,
    Activated(u32),
    Sorted(Order),
}

type Tell = Rc<dyn Fn(Deed)>;

pub struct FileList {
    pub files: Files,
    pub columns: gtk::ColumnView,
    pub lines: gtk::ListView,
    selection: gtk::MultiSelection,
    narrow: Cell<bool>,
    when: gtk::ColumnViewColumn,
    dragging: Rc<Dragging>,
    /// While the list is filled, a changed selection is nobody's deed.
    filling: Rc<Cell<bool>>,
}

impl FileList {
    /// `fetched` is told on another thread what became of what was dragged out.
    pub fn new(
        tell: impl Fn(Deed) + 'static,
        fetched: impl Fn(Result<Problems, Error>) + Send + Sync + 'static,
    ) -> Self {
        let tell: Tell = Rc::new(tell);
        let files = Files::default();
        let selection = gtk::MultiSelection::new(Some(files.clone()));
        let filling = Rc::new(Cell::new(false));
        let (told, quiet) = (Rc::clone(&tell), Rc::clone(&filling));
        selection.connect_selection_changed(move |_, _, _| {
            if !quiet.get() {
                told(Deed::Selected);
            }
        });
        let dragging = Dragging::new(&files, &selection, Arc::new(fetched));
        let (columns, when) = columns(&dragging, &tell);
        columns.set_model(Some(&selection));
        let lines = lines(&dragging, &tell);
        Self { files, columns, lines, selection, narrow: Cell::new(false), when, dragging, filling }
    }

    /// `chosen` are selected as far as they are there. `anew`: it is of something else than before, and begins at its
    /// beginning, or at what is selected; otherwise it stays where one has scrolled to.
    pub fn fill(&self, rows: Vec<Row>, origin: Option<Origin>, chosen: &BTreeSet<EntryPath>, anew: bool) {
        self.dragging.set_origin(origin);
        let is_search = rows.first().is_some_and(|row| row.place.is_some());
        let title = if is_search { gettext("Last Existed") } else { gettext("Modified") };
        self.when.set_title(Some(&title));
        self.filling.set(true);
        self.files.replace(rows);
        let positions = self.files.positions(|row| chosen.contains(&row.path));
        let wanted = gtk::Bitset::new_empty();
        for position in &positions {
            wanted.add(*position);
        }
        self.selection.set_selection(&wanted, &gtk::Bitset::new_range(0, self.files.n_items().max(1)));
        self.filling.set(false);
        if anew {
            self.scroll_to(positions.first().copied());
        }
    }

    pub fn set_narrow(&self, narrow: bool) {
        if self.narrow.replace(narrow) == narrow {
            return;
        }
        let (columns, lines) =
            if narrow { (None, Some(&self.selection)) } else { (Some(&self.selection), None) };
        self.columns.set_model(columns);
        self.lines.set_model(lines);
        let selected = self.selection.selection();
        self.scroll_to((!selected.is_empty()).then(|| selected.minimum()));
    }

    /// The beginning, if nothing is wanted.
    fn scroll_to(&self, wanted: Option<u32>) {
        let wanted = wanted.unwrap_or(0);
        match (wanted < self.files.n_items(), self.narrow.get()) {
            (false, _) => {}
            (true, false) => self.columns.scroll_to(wanted, None, gtk::ListScrollFlags::NONE, None),
            (true, true) => self.lines.scroll_to(wanted, gtk::ListScrollFlags::NONE, None),
        }
    }

    pub fn selected(&self) -> Vec<Row> {
        self.files.rows(&self.selection.selection())
    }
}

fn columns(dragging: &Rc<Dragging>, tell: &Tell) -> (gtk::ColumnView, gtk::ColumnViewColumn) {
    let view = gtk::ColumnView::builder()
        .tab_behavior(gtk::ListTabBehavior::Item)
        .enable_rubberband(true)
        .css_classes(["timeline"])
        .build();
    view.update_property(&[gtk::accessible::Property::Label(&gettext("Files"))]);
    let name = column("name", &gettext("Name"), &factory(names(24, dragging), bind_name));
    name.set_expand(true);
    let size = factory(size_cell, |cell, row| cell.set_label(&row.size()));
    let size = column("size", &gettext("Size"), &size);
    size.set_fixed_width(108);
    let when = column("modified", &gettext("Modified"), &factory(when_cell, bind_when));
    when.set_fixed_width(196);
    for column in [&name, &size, &when] {
        view.append_column(column);
    }
    align_end(&view, 1);
    view.set_row_factory(Some(&row_factory()));
    view.sort_by_column(Some(&name), gtk::SortType::Ascending);
    if let Some(sorter) = view.sorter().and_downcast::<gtk::ColumnViewSorter>() {
        let tell = Rc::clone(tell);
        sorter.connect_changed(move |sorter, _| tell(Deed::Sorted(order_of(sorter))));
    }
    let tell = Rc::clone(tell);
    view.connect_activate(move |_, position| tell(Deed::Activated(position)));
    (view, when)
}

/// A column that can be chosen to sort by; the sorting is done where the rows are made.
fn column(id: &str, title: &str, factory: &gtk::SignalListItemFactory) -> gtk::ColumnViewColumn {
    let column = gtk::ColumnViewColumn::new(Some(title), Some(factory.clone()));
    column.set_id(Some(id));
    column.set_sorter(Some(&gtk::CustomSorter::new(|_, _| gtk::Ordering::Equal)));
    column
}

/// The title of a column, above values that end where it does: the arrow, which has room also when it is not shown,
/// comes before the text. GTK has no property for that.
fn align_end(view: &gtk::ColumnView, column: usize) {
    let titles = view.first_child().and_then(|header| header.first_child());
    let title = std::iter::successors(titles, gtk::Widget::next_sibling).nth(column);
    let Some(content) = title.and_then(|title| title.first_child()).and_downcast::<gtk::Box>() else {
        return;
    };
    content.set_halign(gtk::Align::End);
    if let (Some(text), Some(arrow)) = (content.first_child(), content.last_child()) {
        content.reorder_child_after(&text, Some(&arrow));
    }
}

fn order_of(sorter: &gtk::ColumnViewSorter) -> Order {
    let id = sorter.primary_sort_column().and_then(|column| column.id());
    let by = match id.as_deref() {
        Some("size") => Column::Size,
        Some("modified") => Column::Modified,
        _ => Column::Name,
    };
    Order { by, descending: sorter.primary_sort_order() == gtk::SortType::Descending }
}

fn lines(dragging: &Rc<Dragging>, tell: &Tell) -> gtk::ListView {
    let factory = factory(names(32, dragging), |line, row| show_name(line, row, &row.caption(now())));
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
        if let Some(row) = row_in(item) {
            item.set_accessible_label(&spoken(&row));
        }
    });
    let view = gtk::ListView::builder()
        .factory(&factory)
        .css_classes(["timeline"])
        .tab_behavior(gtk::ListTabBehavior::Item)
        .enable_rubberband(true)
        .build();
    view.update_property(&[gtk::accessible::Property::Label(&gettext("Files"))]);
    let tell = Rc::clone(tell);
    view.connect_activate(move |_, position| tell(Deed::Activated(position)));
    view
}

fn row_factory() -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_bind(|_, line| {
        let Some(line) = line.downcast_ref::<gtk::ColumnViewRow>() else { return };
        if let Some(row) = row_of(line.item()) {
            line.set_accessible_label(&spoken(&row));
        }
    });
    factory
}

fn spoken(row: &Row) -> String {
    format!("{}, {}", row.name, row.caption(now()))
}
