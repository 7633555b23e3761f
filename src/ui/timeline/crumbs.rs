//! The way to the folder shown, each step of it a button.

use std::path::Path;

use gtk::prelude::*;
use hindsight::entry::EntryPath;
use hindsight::i18n::gettext;
use relm4::gtk;

/// Characters of a name that may be shortened.
const LONG: usize = 16;

/// A step with its name, from the outside in. Home is one step.
pub fn steps(folder: &EntryPath, home: &EntryPath) -> Vec<(EntryPath, String)> {
    let (start, name) = match folder.is_within(home) && !home.is_root() {
        true => (home.clone(), gettext("Home")),
        false => (EntryPath::root(), gettext("Everything")),
    };
    let below = folder.relative_to(&start).unwrap_or_default();
    let mut steps = vec![(start.clone(), name)];
    let mut path = start;
    for component in below.components() {
        path = path.child(component);
        steps.push((path.clone(), String::from_utf8_lossy(component).into_owned()));
    }
    steps
}

pub fn fill(
    crumbs: &gtk::Box,
    folder: &EntryPath,
    home: &EntryPath,
    go: impl Fn(EntryPath) + Clone + 'static,
) {
    while let Some(child) = crumbs.first_child() {
        crumbs.remove(&child);
    }
    let steps = steps(folder, home);
    let last = steps.len() - 1;
    for (nth, (path, name)) in steps.into_iter().enumerate() {
        if nth > 0 {
            let slash = gtk::Label::builder().label("/").css_classes(["dim-label"]).build();
            slash.set_accessible_role(gtk::AccessibleRole::Presentation);
            crumbs.append(&slash);
        }
        crumbs.append(&crumb(path, &name, nth == 0, nth == last, go.clone()));
    }
}

fn crumb(
    path: EntryPath,
    name: &str,
    first: bool,
    last: bool,
    go: impl Fn(EntryPath) + 'static,
) -> gtk::Button {
    let label = gtk::Label::new(Some(name));
    // Long names give way, short ones stay whole.
    if name.chars().count() > LONG {
        label.set_ellipsize(gtk::pango::EllipsizeMode::Middle);
        label.set_width_chars(8);
    }
    let content = gtk::Box::new(gtk::Orientation::Horizontal, 6);
    if first {
        let icon = if path.is_root() { "drive-harddisk-symbolic" } else { "user-home-symbolic" };
        content.append(&gtk::Image::from_icon_name(icon));
    }
    content.append(&label);
    let button = gtk::Button::builder().child(&content).css_classes(["flat", "crumb"]).build();
    button.update_property(&[gtk::accessible::Property::Label(name)]);
    if last {
        button.add_css_class("last");
    }
    button.connect_clicked(move |_| go(path.clone()));
    button
}

pub fn entry_path(path: &Path) -> EntryPath {
    use std::os::unix::ffi::OsStrExt;
    EntryPath::parse(path.as_os_str().as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_one_step_and_elsewhere_the_way_begins_at_everything() {
        let home = entry_path(Path::new("/home/ada"));
        let names = |path: &str| {
            let steps = steps(&entry_path(Path::new(path)), &home);
            steps.into_iter().map(|(path, name)| (path.to_string(), name)).collect::<Vec<_>>()
        };
        let step = |path: &str, name: &str| (path.to_owned(), name.to_owned());
        assert_eq!(names("/home/ada/a"), [step("home/ada", "Home"), step("home/ada/a", "a")]);
        assert_eq!(names("/home"), [step(".", "Everything"), step("home", "home")]);
    }
}
