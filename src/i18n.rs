//! Texts for people in their language: gettext with named placeholders.
//!
//! Without the app's libraries (the command line, tests) every text is its own translation.

#[cfg(feature = "gui")]
pub use gettextrs::{gettext, ngettext};

#[cfg(not(feature = "gui"))]
pub fn gettext(text: &str) -> String {
    text.to_owned()
}

#[cfg(not(feature = "gui"))]
pub fn ngettext(one: &str, many: &str, count: u32) -> String {
    (if count == 1 { one } else { many }).to_owned()
}

/// `{name}` in the text becomes the value given for it.
pub fn gettext_f(text: &str, values: &[(&str, &str)]) -> String {
    fill(gettext(text), values)
}

/// As [`gettext_f`], in the form for `count`; `{count}` is filled in by itself.
pub fn ngettext_f(one: &str, many: &str, count: u64, values: &[(&str, &str)]) -> String {
    let number = count.to_string();
    // Forms depend on the last digits only, beyond the sizes of u32 too.
    let form = u32::try_from(count).unwrap_or((count % 1_000_000) as u32 + 1_000_000);
    fill(fill(ngettext(one, many, form), &[("count", &number)]), values)
}

fn fill(mut text: String, values: &[(&str, &str)]) -> String {
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_by_name() {
        let text = gettext_f("{place} has {free} free", &[("free", "3 GB"), ("place", "Red Disk")]);
        assert_eq!(text, "Red Disk has 3 GB free");
    }

    #[test]
    fn counts_choose_their_form() {
        let text = |count| {
            ngettext_f("{count} file in {folder}", "{count} files in {folder}", count, &[("folder", "a")])
        };
        assert_eq!(text(1), "1 file in a");
        assert_eq!(text(0), "0 files in a");
        assert_eq!(text(5_000_000_001), "5000000001 files in a");
    }
}
