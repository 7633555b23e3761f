//! From decrypted packets to the literal body: an optional compressed packet, then a literal one.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bzip2::bufread::BzDecoder;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};

use super::Error;
use super::packet::{Body, COMPRESSED, LITERAL};
use super::s2k::Key;

const SIGNATURE: u8 = 2;
const ONE_PASS_SIGNATURE: u8 = 4;
const MARKER: u8 = 10;

/// A layer that can be read to its very end, down to where the message is authenticated.
pub(super) trait Drain {
    fn drain(&mut self) -> io::Result<()>;
}

impl<R: Read + Drain> Drain for Body<R> {
    fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink())?;
        self.source_mut().drain()
    }
}

macro_rules! drain_decoder {
    ($decoder:ident) => {
        impl<R: BufRead + Drain> Drain for $decoder<R> {
            fn drain(&mut self) -> io::Result<()> {
                io::copy(self, &mut io::sink())?;
                self.get_mut().drain()
            }
        }
    };
}
drain_decoder!(DeflateDecoder);
drain_decoder!(ZlibDecoder);
drain_decoder!(BzDecoder);

/// The literal body inside `plain`. At its end `plain` has been read to its own end, so that damage anywhere shows.
pub(super) fn open<'a, P>(plain: P, key: &Arc<Key>) -> Result<Box<dyn Read + Send + 'a>, Error>
where
    P: BufRead + Drain + Send + 'a,
{
    let mut body = content(plain)?;
    if body.tag() == LITERAL {
        return literal(body, key);
    }
    let mut algorithm = [0];
    body.read_exact(&mut algorithm)?;
    match algorithm {
        [0] => literal(content(body)?, key),
        [1] => literal(content(DeflateDecoder::new(body))?, key),
        [2] => literal(content(ZlibDecoder::new(body))?, key),
        [3] => literal(content(BzDecoder::new(body))?, key),
        [other] => Err(Error::Unsupported(format!("compression algorithm {other}"))),
    }
}

/// The next packet that carries content. Signatures are not checked (FORMAT.md 7.6).
fn content<R: Read>(mut source: R) -> Result<Body<R>, Error> {
    loop {
        let mut body = Body::next(source)?.ok_or_else(|| Error::damaged("there is no content"))?;
        match body.tag() {
            LITERAL | COMPRESSED => return Ok(body),
            SIGNATURE | ONE_PASS_SIGNATURE | MARKER => {
                io::copy(&mut body, &mut io::sink())?;
                source = body.into_source();
            }
            other => return Err(Error::Damaged(format!("there is a packet of type {other} inside"))),
        }
    }
}

fn literal<'a, R>(mut body: Body<R>, key: &Arc<Key>) -> Result<Box<dyn Read + Send + 'a>, Error>
where
    R: Read + Drain + Send + 'a,
{
    if body.tag() != LITERAL {
        return Err(Error::damaged("it is compressed twice"));
    }
    // Format, length of the file name, file name, date.
    let mut start = [0; 2];
    body.read_exact(&mut start)?;
    let mut rest = [0; 255 + 4];
    body.read_exact(&mut rest[..usize::from(start[1]) + 4])?;
    Ok(Box::new(Literal { body, key: key.clone(), authenticated: false }))
}

struct Literal<R> {
    body: Body<R>,
    key: Arc<Key>,
    authenticated: bool,
}

impl<R: Read + Drain> Read for Literal<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(out)?;
        if count == 0 && !out.is_empty() && !self.authenticated {
            self.body.drain()?;
            self.authenticated = true;
            self.key.prove();
        }
        Ok(count)
    }
}
