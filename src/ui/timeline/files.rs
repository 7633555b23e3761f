//! The list behind the list widgets: objects are made for the lines that are looked at, so that a folder of a hundred
//! thousand entries costs what a small one does.

use relm4::gtk::prelude::*;
use relm4::gtk::subclass::prelude::*;
use relm4::gtk::{self, gio, glib};

use super::row::Row;

glib::wrapper! {
    pub struct Files(ObjectSubclass<imp::Files>) @implements gio::ListModel;
}

impl Default for Files {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl Files {
    /// Instead of what was there. What begins and ends alike stays as it is, and with it where one has scrolled to.
    pub fn replace(&self, rows: Vec<Row>) {
        let old = self.imp().rows.replace(rows);
        let (before, removed, added) = {
            let new = self.imp().rows.borrow();
            let before = old.iter().zip(new.iter()).take_while(|(old, new)| old == new).count();
            let (old, new) = (&old[before..], &new[before..]);
            let after = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
            (before, old.len() - after, new.len() - after)
        };
        let [before, removed, added] = [before, removed, added].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        if removed > 0 || added > 0 {
            self.items_changed(before, removed, added);
        }
    }

    pub fn row(&self, position: u32) -> Option<Row> {
        self.imp().rows.borrow().get(position as usize).cloned()
    }

    pub fn rows(&self, positions: &gtk::Bitset) -> Vec<Row> {
        (0..positions.size()).filter_map(|nth| self.row(positions.nth(u32::try_from(nth).ok()?))).collect()
    }

    pub fn positions(&self, wanted: impl Fn(&Row) -> bool) -> Vec<u32> {
        let rows = self.imp().rows.borrow();
        (0..).zip(rows.iter()).filter(|(_, row)| wanted(row)).map(|(position, _)| position).collect()
    }
}

/// The row that an item of the list carries.
pub fn row_of(item: Option<glib::Object>) -> Option<Row> {
    let boxed = item?.downcast::<glib::BoxedAnyObject>().ok()?;
    let row = boxed.borrow::<Row>();
    Some(row.clone())
}

mod imp {
    use std::cell::RefCell;

    use super::*;

    #[derive(Default)]
    pub struct Files {
        pub(super) rows: RefCell<Vec<Row>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Files {
        const NAME: &'static str = "HindsightFiles";
        type Type = super::Files;
        type Interfaces = (gio::ListModel,);
    }

    impl ObjectImpl for Files {}

    impl ListModelImpl for Files {
        fn item_type(&self) -> glib::Type {
            glib::BoxedAnyObject::static_type()
        }

        fn n_items(&self) -> u32 {
            u32::try_from(self.rows.borrow().len()).unwrap_or(u32::MAX)
        }

        fn item(&self, position: u32) -> Option<glib::Object> {
            let row = self.rows.borrow().get(position as usize)?.clone();
            Some(glib::BoxedAnyObject::new(row).upcast())
        }
    }
}
