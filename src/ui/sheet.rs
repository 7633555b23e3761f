//! The recovery sheet as a file and on paper.

mod paper;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use hindsight::i18n::{gettext, gettext_f};
use hindsight::recovery::{self, Block};
use hindsight::settings::Plan;
use relm4::gtk;
use relm4::gtk::gio;
use relm4::gtk::prelude::*;

use self::paper::Page;
use super::{services, texts};

/// Asks where to, and calls back with why it could not be written, if so.
pub fn save(widget: &impl IsA<gtk::Widget>, plan: &Plan, saved: impl FnOnce(Result<(), String>) + 'static) {
    let name = gettext_f("Recovery Sheet of {plan}.pdf", &[("plan", &plan.name.replace('/', "-"))]);
    let dialog = gtk::FileDialog::builder()
        .title(gettext("Save Recovery Sheet"))
        .initial_name(name)
        .modal(true)
        .build();
    let window = widget.root().and_downcast::<gtk::Window>();
    let operation = operation(plan);
    let parent = window.clone();
    dialog.save(window.as_ref(), None::<&gio::Cancellable>, move |chosen| {
        if let Some(path) = chosen.ok().and_then(|file| file.path()) {
            saved(export(&operation, &path, parent.as_ref()));
        }
    });
}

fn export(operation: &gtk::PrintOperation, path: &Path, parent: Option<&gtk::Window>) -> Result<(), String> {
    operation.set_export_filename(path);
    let done = operation.run(gtk::PrintOperationAction::Export, parent);
    done.map(|_| ()).map_err(|error| error.to_string())
}

/// By the desktop's own dialog, which says itself what goes wrong.
pub fn print(widget: &impl IsA<gtk::Widget>, plan: &Plan) {
    let window = widget.root().and_downcast::<gtk::Window>();
    let _ = operation(plan).run(gtk::PrintOperationAction::PrintDialog, window.as_ref());
}

fn operation(plan: &Plan) -> gtk::PrintOperation {
    let blocks = recovery::sheet(plan, &texts::date(services::now()));
    let operation = gtk::PrintOperation::builder()
        .job_name(gettext("Recovery Sheet"))
        .unit(gtk::Unit::Points)
        .use_full_page(true)
        .build();
    let pages: Rc<RefCell<Vec<Page>>> = Rc::default();
    let laid = Rc::clone(&pages);
    operation.connect_begin_print(move |operation, context| {
        let made = lay_out(&blocks, context);
        operation.set_n_pages(made.len() as i32);
        laid.replace(made);
    });
    operation.connect_draw_page(move |_, context, number| {
        if let Some(page) = pages.borrow().get(number as usize) {
            page.draw(&context.cairo_context());
        }
    });
    operation
}

fn lay_out(blocks: &[Block], context: &gtk::PrintContext) -> Vec<Page> {
    paper::lay_out(blocks, context.width(), context.height(), || context.create_pango_layout())
}

/// What is said after saving.
pub fn words(saved: &Result<(), String>) -> String {
    match saved {
        Ok(()) => gettext("Recovery sheet saved"),
        Err(why) => gettext_f("The sheet could not be saved: {why}", &[("why", why)]),
    }
}
