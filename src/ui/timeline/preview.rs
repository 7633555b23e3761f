//! A first look at a file: made off the main thread from the first bytes of its content.

use std::path::Path;

use gtk::{gdk, gio, glib};
use hindsight::context::{CancelToken, Context, Why};
use hindsight::engine::Place;
use hindsight::engine::preview::preview;
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use hindsight::explain::explain;
use relm4::gtk;

/// More of a picture is not fetched for a look.
const MOST_OF_PICTURE: u64 = 64_000_000;
/// A page or two.
const MOST_OF_TEXT: u64 = 16_000;

#[derive(Clone, Debug)]
pub enum Preview {
    Picture(gdk::Texture),
    Text(String),
    /// Nothing that can be shown so.
    None,
    /// Why it could not be read.
    Failed(String),
}

/// What a look may show, by the type that the name tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    Picture,
    Text,
    /// Of no known type: text if it reads as such.
    Unknown,
    Nothing,
}

impl Look {
    pub fn at(content_type: &str) -> Self {
        if gio::content_type_is_a(content_type, "image/*") || content_type.starts_with("image/") {
            Self::Picture
        } else if gio::content_type_is_a(content_type, "text/plain") {
            Self::Text
        } else if gio::content_type_is_unknown(content_type) {
            Self::Unknown
        } else {
            Self::Nothing
        }
    }

    fn most(self) -> u64 {
        if self == Self::Picture { MOST_OF_PICTURE } else { MOST_OF_TEXT }
    }
}

/// One look at a time: asking for the next ends the one before.
#[derive(Default)]
pub struct Looker {
    current: CancelToken,
}

impl Looker {
    pub fn stop(&mut self) {
        std::mem::take(&mut self.current).cancel(Why::User);
    }

    /// To be called elsewhere than on the main thread.
    pub fn prepare(
        &mut self,
        place: Place,
        path: EntryPath,
        date: i64,
        look: Look,
    ) -> impl FnOnce() -> Preview + Send + use<> {
        self.stop();
        let ctx = Context { cancel: self.current.clone(), ..Context::silent() };
        move || match look {
            Look::Nothing => Preview::None,
            look => match preview(&place, &path, date, look.most(), &ctx) {
                Ok(found) => shown(found.bytes, found.whole, look),
                Err(Error::Cancelled(_)) => Preview::None,
                Err(error) => Preview::Failed(explain(&error).sentence),
            },
        }
    }
}

fn shown(bytes: Vec<u8>, whole: bool, look: Look) -> Preview {
    match look {
        Look::Picture if whole => match gdk::Texture::from_bytes(&glib::Bytes::from_owned(bytes)) {
            Ok(texture) => Preview::Picture(texture),
            Err(_) => Preview::None,
        },
        Look::Text | Look::Unknown => match text(bytes, whole) {
            Some(text) => Preview::Text(text),
            None => Preview::None,
        },
        Look::Picture | Look::Nothing => Preview::None,
    }
}

/// `None` where it is no text. A character that the end cuts is left out.
pub fn text(bytes: Vec<u8>, whole: bool) -> Option<String> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if !whole && error.utf8_error().error_len().is_none() => {
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            String::from_utf8(bytes).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// "Picture", "PDF document": what the desktop calls such files.
pub fn kind(path: &EntryPath, content_type: &str) -> String {
    let described = gio::content_type_get_description(content_type);
    if described.is_empty() { path.below(Path::new("/")).display().to_string() } else { described.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_the_end_cuts_is_left_out() {
        let bytes = "größer".as_bytes()[..3].to_vec();
        assert_eq!(text(bytes.clone(), false).as_deref(), Some("gr"));
        assert_eq!(text(bytes, true), None);
    }

    #[test]
    fn what_holds_zeros_is_no_text() {
        assert_eq!(text(vec![b'a', 0, b'b'], true), None);
    }
}
