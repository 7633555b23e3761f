//! Rows that are dragged out, into a file manager or onto the desktop.
//!
//! What is dropped are copies, made when whoever it is dropped on asks what it gets: dragging alone fetches nothing.
//! Some file managers ask as soon as the pointer is above them, so what is being fetched is given up when the drag is
//! cancelled. Folders come with everything in them.
//!
//! GTK would ask for a value, as a list of files, in its main loop, and wait for it. So not the value is offered but
//! the formats in which GTK writes one, and GTK writes it once the copies are there: as addresses, and in a sandbox also
//! as a key of the FileTransfer portal, by which files reach programs that see other folders.
//!
//! Under X11, letting go over nothing cancels a drag, and Escape does not, in any program with GTK 4: it grabs that key on
//! the root window, which is none of its surfaces, and drops the events of windows that it does not know.

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gdk, gio, glib};
use hindsight::context::{CancelToken, Why};
use hindsight::engine::{Part, Place};
use hindsight::error::Error;
use hindsight::i18n::ngettext_f;
use relm4::{gtk, view};

use super::copy::{self, Made};
use super::files::Files;
use super::row::{self, Row};
use crate::ui::state::Problems;

/// Where the rows of the list are from.
#[derive(Clone)]
pub struct Origin {
    pub place: Place,
    /// The date shown.
    pub date: i64,
}

/// What was fetched, but for these; told on another thread.
type Tell = Arc<dyn Fn(Result<Problems, Error>) + Send + Sync>;

/// What a drag has to know of the list.
pub struct Dragging {
    files: Files,
    selection: gtk::MultiSelection,
    origin: RefCell<Option<Origin>>,
    tell: Tell,
}

impl Dragging {
    pub fn new(files: &Files, selection: &gtk::MultiSelection, tell: Tell) -> Rc<Self> {
        let (files, selection) = (files.clone(), selection.clone());
        Rc::new(Self { files, selection, origin: RefCell::default(), tell })
    }

    pub fn set_origin(&self, origin: Option<Origin>) {
        self.origin.replace(origin);
    }

    /// What stands in the list's `item` can be taken by this widget.
    pub fn allow(self: &Rc<Self>, handle: &impl IsA<gtk::Widget>, item: &gtk::ListItem) {
        let source = gtk::DragSource::builder().actions(gdk::DragAction::COPY).build();
        let (dragging, item) = (Rc::clone(self), item.downgrade());
        source.connect_prepare(move |_, _, _| Some(dragging.copies(item.upgrade()?.position())?.upcast()));
        source.connect_drag_begin(|_, drag| {
            if let Some(copies) = copies_of(drag) {
                gtk::DragIcon::for_drag(drag).set_child(Some(&copies.icon()));
            }
        });
        source.connect_drag_cancel(|_, drag, _| {
            if let Some(copies) = copies_of(drag) {
                copies.discard();
            }
            false
        });
        let pull = pull(&source);
        handle.add_controller(source);
        handle.add_controller(pull);
    }

    /// A row that is not selected is dragged alone, and becomes it.
    fn copies(&self, position: u32) -> Option<Copies> {
        self.files.row(position)?;
        let origin = self.origin.borrow().clone()?;
        if !self.selection.is_selected(position) {
            self.selection.select_item(position, true);
        }
        Some(Copies::new(self.files.rows(&self.selection.selection()), origin, Arc::clone(&self.tell)))
    }
}

/// Takes the pulls at what can be dragged from the list. A drag begins 100 ms after the press at the earliest; whoever
/// pulls before that would otherwise draw a frame.
fn pull(source: &gtk::DragSource) -> gtk::GestureDrag {
    let pull = gtk::GestureDrag::new();
    pull.group_with(source);
    pull.connect_drag_update(|pull, x, y| {
        let [x, y] = [x, y].map(|offset| offset.abs().ceil() as i32);
        if pull.widget().is_some_and(|handle| handle.drag_check_threshold(0, 0, x, y)) {
            pull.set_state(gtk::EventSequenceState::Claimed);
        }
    });
    pull
}

fn copies_of(drag: &gdk::Drag) -> Option<Copies> {
    drag.content().downcast().ok()
}

glib::wrapper! {
    /// The rows of one drag.
    pub struct Copies(ObjectSubclass<imp::Copies>) @extends gdk::ContentProvider;
}

impl Copies {
    fn new(rows: Vec<Row>, origin: Origin, tell: Tell) -> Self {
        let copies: Self = glib::Object::new();
        let parts = row::parts(&rows, origin.date);
        let (cancel, made) = (CancelToken::default(), OnceLock::new());
        let fetch = Fetch { place: origin.place, parts, cancel, made, tell };
        // Both are empty: the object is new.
        let _ = copies.imp().fetch.set(Arc::new(fetch));
        let _ = copies.imp().rows.set(rows);
        copies
    }

    /// Nobody gets them.
    fn discard(&self) {
        if let Some(fetch) = self.imp().fetch.get().cloned() {
            gio::spawn_blocking(move || fetch.discard());
        }
    }

    /// What hangs on the pointer.
    fn icon(&self) -> gtk::Box {
        let rows = self.imp().rows.get().map(Vec::as_slice).unwrap_or_default();
        let text = match rows {
            [row] => row.name.clone(),
            rows => ngettext_f("{count} item", "{count} items", rows.len() as u64, &[]),
        };
        let image = rows.first().map(|row| gtk::Image::from_gicon(&row.icon())).unwrap_or_default();
        view! {
            icon = gtk::Box {
                set_spacing: 9,
                set_css_classes: &["dragged"],
                #[local_ref]
                image -> gtk::Image {
                    set_pixel_size: 32,
                },
                gtk::Label {
                    set_label: &text,
                    set_max_width_chars: 40,
                    set_ellipsize: gtk::pango::EllipsizeMode::Middle,
                },
            }
        }
        icon
    }
}

/// The copies of one drag: made once, however often they are asked for.
struct Fetch {
    place: Place,
    parts: Vec<Part>,
    cancel: CancelToken,
    made: OnceLock<Option<Vec<PathBuf>>>,
    tell: Tell,
}

impl Fetch {
    /// Waits for them.
    fn files(&self) -> Option<&[PathBuf]> {
        self.made.get_or_init(|| self.make()).as_deref()
    }

    fn make(&self) -> Option<Vec<PathBuf>> {
        let (files, told) = match copy::make(&self.place, self.parts.clone(), self.cancel.clone()) {
            // GTK has no list of files that is empty.
            Ok(Made { files, problems }) => (Some(files).filter(|files| !files.is_empty()), Ok(problems)),
            Err(error) => (None, Err(error)),
        };
        (self.tell)(told);
        files
    }

    fn discard(&self) {
        self.cancel.cancel(Why::User);
        // What is being made is waited for, and nothing is made any more.
        if let Some(files) = self.made.get_or_init(|| None) {
            copy::discard(files);
        }
    }
}

mod imp {
    use std::future::Future;
    use std::pin::Pin;

    use super::*;

    #[derive(Default)]
    pub struct Copies {
        pub(super) rows: OnceCell<Vec<Row>>,
        pub(super) fetch: OnceCell<Arc<Fetch>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Copies {
        const NAME: &'static str = "HindsightCopies";
        type Type = super::Copies;
        type ParentType = gdk::ContentProvider;
    }

    impl ObjectImpl for Copies {}

    impl ContentProviderImpl for Copies {
        /// Not as text: a field that is written into would get the paths of copies.
        fn formats(&self) -> gdk::ContentFormats {
            let list = gdk::ContentFormats::for_type(gdk::FileList::static_type());
            let formats = list.union_serialize_mime_types().mime_types();
            let formats = formats.iter().map(glib::GString::as_str);
            gdk::ContentFormats::new(
                &formats.filter(|name| !name.starts_with("text/plain")).collect::<Vec<_>>(),
            )
        }

        fn write_mime_type_future(
            &self,
            format: &str,
            stream: &gio::OutputStream,
            priority: glib::Priority,
        ) -> Pin<Box<dyn Future<Output = Result<(), glib::Error>> + 'static>> {
            let (fetch, format, stream) = (self.fetch.get().cloned(), format.to_owned(), stream.clone());
            Box::pin(async move {
                let files = gio::spawn_blocking(move || fetch?.files().map(<[_]>::to_vec)).await;
                // Why there are none was told where it is understood.
                let none = || glib::Error::new(gio::IOErrorEnum::Failed, "no copies could be made");
                let files = files.ok().flatten().ok_or_else(none)?;
                let files: Vec<_> = files.iter().map(gio::File::for_path).collect();
                let list = gdk::FileList::from_array(&files).to_value();
                gdk::content_serialize_future(&stream, &format, &list, priority).await
            })
        }
    }
}
