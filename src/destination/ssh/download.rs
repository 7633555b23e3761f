//! Reading an object: many requests under way at once, taken up again where they were should the connection be lost.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use russh_sftp::protocol::FileAttributes;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::channel::{Kind, Open, kind_of};
use super::line::Line;
use super::{DestinationError, ErrorKind, Result, offline};

/// Bytes that are under way at a time.
const UNDER_WAY: u64 = 4 << 20;

pub(super) struct Download {
    line: Arc<Line>,
    name: String,
    path: String,
    open: Open,
    /// Of the object that was opened.
    attributes: FileAttributes,
    size: u64,
    /// Offset of the first byte that was not asked for.
    asked: u64,
    /// Offset of the first byte that did not come.
    come: u64,
    requests: VecDeque<Request>,
    /// The last answer, and how much of it was handed on.
    data: Vec<u8>,
    taken: usize,
    /// Connections lost since the last answer.
    losses: u32,
}

struct Request {
    length: u32,
    answer: JoinHandle<Result<Vec<u8>>>,
}

impl Download {
    pub(super) fn open(line: Arc<Line>, name: &str) -> Result<Self> {
        let path = line.path(name);
        let (open, attributes) = open(&line, &path).map_err(|error| line.about(name, error))?;
        let size = attributes.size.unwrap_or_default();
        Ok(Self {
            line,
            name: name.to_owned(),
            path,
            open,
            attributes,
            size,
            asked: 0,
            come: 0,
            requests: VecDeque::new(),
            data: Vec::new(),
            taken: 0,
            losses: 0,
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The next answer.
    fn fetch(&mut self) -> Result<()> {
        loop {
            self.ask_ahead()?;
            let Some(Request { length, answer }) = self.requests.pop_front() else { return Ok(()) };
            let answer = self.line.runtime()?.block_on(async { timeout(self.line.patience(), answer).await });
            match answer {
                Ok(Ok(Ok(data))) if data.is_empty() => return Err(self.failed("it ends too early")),
                Ok(Ok(Ok(data))) => {
                    self.come += data.len() as u64;
                    if data.len() < length as usize {
                        // The server sends less at a time than it should: the rest, before what comes after it.
                        self.give_up_requests();
                    }
                    (self.data, self.taken, self.losses) = (data, 0, 0);
                    return Ok(());
                }
                Ok(Ok(Err(error))) => self.recover(error)?,
                Ok(Err(error)) => return Err(self.failed(error)),
                Err(_) => {
                    self.open.channel.give_up();
                    self.recover(offline(&*self.path, "it does not answer any more"))?;
                }
            }
        }
    }

    fn ask_ahead(&mut self) -> Result<()> {
        let step = self.open.channel.most_read;
        while self.asked < self.size && self.asked - self.come < UNDER_WAY {
            let length = u64::from(step).min(self.size - self.asked) as u32;
            let (Open { channel, handle }, path) = (self.open.clone(), self.path.clone());
            let offset = self.asked;
            let request = async move { channel.read(&path, &handle, offset, length).await };
            let answer = self.line.runtime()?.spawn(request);
            self.requests.push_back(Request { length, answer });
            self.asked += u64::from(length);
        }
        Ok(())
    }

    fn give_up_requests(&mut self) {
        self.requests.drain(..).for_each(|request| request.answer.abort());
        self.asked = self.come;
    }

    /// Goes on over a new connection, if that is what is missing, and if the object is still the same.
    fn recover(&mut self, error: DestinationError) -> Result<()> {
        if !error.temporary || self.losses >= self.line.reconnects() {
            return Err(error);
        }
        self.losses += 1;
        self.give_up_requests();
        let (open, attributes) = open(&self.line, &self.path)?;
        let same =
            |one: &FileAttributes, other: &FileAttributes| one.size == other.size && one.mtime == other.mtime;
        if !same(&attributes, &self.attributes) {
            return Err(self.failed("it was replaced while it was being read"));
        }
        self.open = open;
        Ok(())
    }

    fn failed(&self, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DestinationError {
        DestinationError::new(ErrorKind::Other, &*self.path).because(why)
    }
}

fn open(line: &Line, path: &str) -> Result<(Open, FileAttributes)> {
    line.call(async |channel| {
        // Looked at first: to open a pipe would keep the server waiting.
        match channel.stat(path).await? {
            None => return Err(DestinationError::new(ErrorKind::NotFound, path)),
            Some(attributes) if kind_of(&attributes) == Kind::Other => {
                return Err(DestinationError::new(ErrorKind::Other, path).because("it is no regular file"));
            }
            Some(_) => {}
        }
        let handle = channel.open_to_read(path).await?;
        let attributes = channel.attributes(path, &handle).await?;
        Ok((Open { channel, handle: handle.into() }, attributes))
    })
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.data.len() && !buffer.is_empty() && self.come < self.size {
            self.fetch().map_err(|error| self.line.about(&self.name, error))?;
        }
        let rest = &self.data[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.give_up_requests();
        let (Open { channel, handle }, path) = (self.open.clone(), std::mem::take(&mut self.path));
        // Nobody waits for that.
        if let Ok(runtime) = self.line.runtime() {
            runtime.spawn(async move { channel.close(&path, &handle).await });
        }
    }
}
