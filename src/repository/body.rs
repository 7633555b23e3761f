//! The body of a file as tar entries: one, or parts of 64 KiB.

use super::volumes::{Outcome, Part, Volumes};
use crate::duplicity::difftar::{Body, PART_SIZE};
use crate::entry::{Attributes, EntryPath};

/// Cuts a body into tar entries as stock does (`FORMAT.md`, entries).
pub(crate) struct BodyWriter<'a, 'v> {
    volumes: &'a mut Volumes<'v>,
    path: &'a EntryPath,
    body: Body,
    buffer: Vec<u8>,
    /// Parts written.
    number: u64,
    bytes: u64,
}

impl<'a, 'v> BodyWriter<'a, 'v> {
    pub(crate) fn new(volumes: &'a mut Volumes<'v>, path: &'a EntryPath, body: Body) -> Self {
        Self { volumes, path, body, buffer: Vec::new(), number: 0, bytes: 0 }
    }

    /// Nothing was given to a volume yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.number == 0 && self.buffer.is_empty()
    }

    pub(crate) fn push(&mut self, mut data: &[u8], attributes: &Attributes) -> Outcome<()> {
        self.bytes += data.len() as u64;
        while self.buffer.len() + data.len() >= PART_SIZE {
            let (head, rest) = data.split_at(PART_SIZE - self.buffer.len());
            self.number += 1;
            if self.buffer.is_empty() {
                self.write(head, Some(self.number), false, attributes)?;
            } else {
                let mut buffer = std::mem::take(&mut self.buffer);
                buffer.extend_from_slice(head);
                self.write(&buffer, Some(self.number), false, attributes)?;
                buffer.clear();
                self.buffer = buffer;
            }
            data = rest;
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    /// Returns the length of the body.
    pub(crate) fn finish(mut self, attributes: &Attributes) -> Outcome<u64> {
        let rest = std::mem::take(&mut self.buffer);
        let number = if self.number == 0 { None } else { Some(self.number + 1) };
        self.write(&rest, number, true, attributes)?;
        Ok(self.bytes)
    }

    fn write(
        &mut self,
        data: &[u8],
        number: Option<u64>,
        last: bool,
        attributes: &Attributes,
    ) -> Outcome<()> {
        self.volumes.file(self.path, attributes, &Part { body: self.body, number, data, last })
    }
}
