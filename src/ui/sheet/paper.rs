//! Blocks of text set on pages. Lengths are points.

use hindsight::recovery::Block;
use relm4::gtk;
use relm4::gtk::prelude::*;
use relm4::gtk::{cairo, gdk, pango};

const MARGIN: f64 = 54.0;
/// Of the names of facts.
const NAMES: f64 = 110.0;
/// Around commands.
const PADDING: f64 = 7.0;
/// High enough to write in.
const EMPTY: f64 = 30.0;

const BLACK: gdk::RGBA = gdk::RGBA::new(0.0, 0.0, 0.0, 1.0);
const GREY: gdk::RGBA = gdk::RGBA::new(0.35, 0.35, 0.35, 1.0);

pub(super) struct Page {
    texts: Vec<Text>,
    frames: Vec<Frame>,
}

struct Text {
    x: f64,
    y: f64,
    layout: pango::Layout,
    color: gdk::RGBA,
}

struct Frame {
    y: f64,
    width: f64,
    height: f64,
    /// Behind text, or with an outline to write in.
    filled: bool,
}

/// A block set at the top of a page.
struct Set {
    before: f64,
    height: f64,
    texts: Vec<Text>,
    frames: Vec<Frame>,
}

pub(super) fn lay_out(
    blocks: &[Block],
    width: f64,
    height: f64,
    layout: impl Fn() -> pango::Layout,
) -> Vec<Page> {
    let press = Press { width: width - 2.0 * MARGIN, layout };
    let mut pages = vec![Page { texts: Vec::new(), frames: Vec::new() }];
    let mut y = MARGIN;
    let mut sets = blocks.iter().map(|block| (block, press.set(block))).peekable();
    while let Some((block, set)) = sets.next() {
        // A heading does not stand alone at the foot of a page.
        let kept = match (block, sets.peek()) {
            (Block::Heading(_), Some((_, next))) => next.before + next.height,
            _ => 0.0,
        };
        if y > MARGIN && y + set.before + set.height + kept > height - MARGIN {
            pages.push(Page { texts: Vec::new(), frames: Vec::new() });
            y = MARGIN;
        }
        let top = if y > MARGIN { y + set.before } else { y };
        if let Some(page) = pages.last_mut() {
            page.add(set.texts, set.frames, top);
        }
        y = top + set.height;
    }
    pages
}

struct Press<L> {
    width: f64,
    layout: L,
}

impl<L: Fn() -> pango::Layout> Press<L> {
    fn set(&self, block: &Block) -> Set {
        match block {
            Block::Title(text) => self.paragraph(text, "Sans Bold", 21.0, 0.0),
            Block::Heading(text) => self.paragraph(text, "Sans Bold", 12.5, 18.0),
            Block::Text(text) => self.paragraph(text, "Sans", 10.0, 6.0),
            Block::Fact { name, value } => self.fact(name, value),
            Block::Commands(lines) => self.commands(lines),
            Block::Empty { name } => self.empty(name),
        }
    }

    fn text(&self, text: &str, font: &str, size: f64, width: f64) -> pango::Layout {
        let layout = (self.layout)();
        let mut description = pango::FontDescription::from_string(font);
        description.set_size((size * f64::from(pango::SCALE)) as i32);
        layout.set_font_description(Some(&description));
        layout.set_width((width * f64::from(pango::SCALE)) as i32);
        layout.set_wrap(pango::WrapMode::WordChar);
        layout.set_text(text);
        layout
    }

    fn paragraph(&self, text: &str, font: &str, size: f64, before: f64) -> Set {
        let layout = self.text(text, font, size, self.width);
        layout.set_line_spacing(1.15);
        let height = height(&layout);
        Set { before, height, texts: vec![Text { x: 0.0, y: 0.0, layout, color: BLACK }], frames: Vec::new() }
    }

    fn fact(&self, name: &str, value: &str) -> Set {
        let name = self.text(name, "Sans", 10.0, NAMES - 8.0);
        let value = self.text(value, "Sans", 10.0, self.width - NAMES);
        let height = height(&name).max(height(&value));
        let name = Text { x: 0.0, y: 0.0, layout: name, color: GREY };
        let value = Text { x: NAMES, y: 0.0, layout: value, color: BLACK };
        Set { before: 4.0, height, texts: vec![name, value], frames: Vec::new() }
    }

    fn commands(&self, lines: &[String]) -> Set {
        let layout = self.text(&lines.join("\n"), "Monospace", 8.5, self.width - 2.0 * PADDING);
        // What does not fit into a line goes on further in.
        layout.set_indent(-24 * pango::SCALE);
        let height = height(&layout) + 2.0 * PADDING;
        let frame = Frame { y: 0.0, width: self.width, height, filled: true };
        let text = Text { x: PADDING, y: PADDING, layout, color: BLACK };
        Set { before: 6.0, height, texts: vec![text], frames: vec![frame] }
    }

    fn empty(&self, name: &str) -> Set {
        let layout = self.text(name, "Sans", 8.0, self.width);
        let top = height(&layout) + 3.0;
        let frame = Frame { y: top, width: self.width, height: EMPTY, filled: false };
        let text = Text { x: 0.0, y: 0.0, layout, color: GREY };
        Set { before: 8.0, height: top + EMPTY, texts: vec![text], frames: vec![frame] }
    }
}

fn height(layout: &pango::Layout) -> f64 {
    f64::from(layout.size().1) / f64::from(pango::SCALE)
}

impl Page {
    fn add(&mut self, texts: Vec<Text>, frames: Vec<Frame>, top: f64) {
        self.texts.extend(texts.into_iter().map(|text| Text { x: text.x + MARGIN, y: text.y + top, ..text }));
        self.frames.extend(frames.into_iter().map(|frame| Frame { y: frame.y + top, ..frame }));
    }

    pub(super) fn draw(&self, context: &cairo::Context) {
        // The context keeps the first error; whoever made it tells of it.
        for frame in &self.frames {
            let _ = frame.draw(context);
        }
        let snapshot = gtk::Snapshot::new();
        for Text { x, y, layout, color } in &self.texts {
            snapshot.save();
            snapshot.translate(&gtk::graphene::Point::new(*x as f32, *y as f32));
            snapshot.append_layout(layout, color);
            snapshot.restore();
        }
        if let Some(node) = snapshot.to_node() {
            node.draw(context);
        }
    }
}

impl Frame {
    fn draw(&self, context: &cairo::Context) -> Result<(), cairo::Error> {
        context.rectangle(MARGIN, self.y, self.width, self.height);
        if self.filled {
            context.set_source_rgb(0.94, 0.94, 0.94);
            return context.fill();
        }
        context.set_source_rgb(0.5, 0.5, 0.5);
        context.set_line_width(0.8);
        context.stroke()
    }
}
