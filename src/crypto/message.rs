//! From decrypted packets to the literal body: an optional compressed packet, then a literal one.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bzip2::bufread::BzDecoder;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};

use super::Error;
use super::keys::{Check, Signatories};
use super::packet::{Body, COMPRESSED, LITERAL, MARKER, ONE_PASS_SIGNATURE, SIGNATURE};
use super::s2k::Key;

/// Octets of a packet that belongs to a signature, at most.
const SIGNATURE_LIMIT: u64 = 64 * 1024;

/// A layer that can be read to its very end, down to where the message is authenticated.
pub(super) trait Drain {
    /// How many octets there were.
    fn drain(&mut self) -> io::Result<u64>;
}

impl<R: Read + Drain> Drain for Body<R> {
    fn drain(&mut self) -> io::Result<u64> {
        Ok(io::copy(self, &mut io::sink())? + self.source_mut().drain()?)
    }
}

macro_rules! drain_decoder {
    ($decoder:ident) => {
        impl<R: BufRead + Drain> Drain for $decoder<R> {
            fn drain(&mut self) -> io::Result<u64> {
                Ok(io::copy(self, &mut io::sink())? + self.get_mut().drain()?)
            }
        }
    };
}
drain_decoder!(DeflateDecoder);
drain_decoder!(ZlibDecoder);

/// bzip2 can turn an octet into millions, deflate at most into about a thousand: so much is allowed here too, and a
/// volume of the usual size full of zeros in any case.
struct Bounded<R>(BzDecoder<R>);

const MOST_TIMES: u64 = 1032;
const SMALL: u64 = 1 << 30;

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(out)?;
        match self.0.total_out() > SMALL.max(self.0.total_in().saturating_mul(MOST_TIMES)) {
            true => Err(Error::damaged("it holds far more than it should").into()),
            false => Ok(count),
        }
    }
}

impl<R: BufRead + Drain> Drain for Bounded<R> {
    fn drain(&mut self) -> io::Result<u64> {
        Ok(io::copy(self, &mut io::sink())? + self.0.get_mut().drain()?)
    }
}

/// A signature that the message must bear.
pub(super) struct Demand {
    by: Arc<Signatories>,
    check: Check,
}

impl Demand {
    pub(super) fn new(by: Arc<Signatories>) -> Self {
        Self { by, check: Check::default() }
    }
}

/// The literal body inside `plain`. At its end `plain` has been read to its own end, so that damage anywhere shows,
/// and the signature that is demanded was there.
pub(super) fn open<'a, P>(
    plain: P,
    key: &Arc<Key>,
    mut demand: Option<Demand>,
) -> Result<Box<dyn Read + Send + 'a>, Error>
where
    P: BufRead + Drain + Send + 'a,
{
    let mut body = content(plain, &mut demand)?;
    if body.tag() == LITERAL {
        return literal(body, key, demand);
    }
    let mut algorithm = [0];
    body.read_exact(&mut algorithm)?;
    match algorithm {
        [0] => literal(content(body, &mut demand)?, key, demand),
        [1] => literal(content(DeflateDecoder::new(body), &mut demand)?, key, demand),
        [2] => literal(content(ZlibDecoder::new(body), &mut demand)?, key, demand),
        [3] => literal(content(Bounded(BzDecoder::new(body)), &mut demand)?, key, demand),
        [other] => Err(Error::Unsupported(format!("compression algorithm {other}"))),
    }
}

/// The next packet that carries content.
fn content<R: Read>(mut source: R, demand: &mut Option<Demand>) -> Result<Body<R>, Error> {
    loop {
        let mut body = Body::next(source)?.ok_or_else(|| Error::damaged("there is no content"))?;
        match body.tag() {
            LITERAL | COMPRESSED => return Ok(body),
            tag @ (SIGNATURE | ONE_PASS_SIGNATURE | MARKER) => {
                let fields = fields(&mut body)?;
                if let Some(demand) = demand
                    && tag == ONE_PASS_SIGNATURE
                {
                    demand.check.announced(&fields);
                }
                source = body.into_source();
            }
            other => return Err(Error::Damaged(format!("there is a packet of type {other} inside"))),
        }
    }
}

fn fields(packet: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut fields = Vec::new();
    packet.take(SIGNATURE_LIMIT).read_to_end(&mut fields)?;
    if packet.read(&mut [0])? > 0 {
        return Err(Error::damaged("there is no end to a signature"));
    }
    Ok(fields)
}

fn literal<'a, R>(
    mut body: Body<R>,
    key: &Arc<Key>,
    demand: Option<Demand>,
) -> Result<Box<dyn Read + Send + 'a>, Error>
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
    Ok(Box::new(Literal { body, key: key.clone(), demand, authenticated: false }))
}

struct Literal<R> {
    body: Body<R>,
    key: Arc<Key>,
    demand: Option<Demand>,
    authenticated: bool,
}

impl<R: Read + Drain> Literal<R> {
    /// Nothing but signatures may follow the body.
    fn finish(&mut self) -> Result<(), Error> {
        let too_much = || Error::damaged("there is more than its content");
        let mut signatures = Vec::new();
        while let Some(mut packet) = Body::next(self.body.source_mut())? {
            match packet.tag() {
                SIGNATURE => signatures.push(fields(&mut packet)?),
                MARKER => drop(fields(&mut packet)?),
                _ => return Err(too_much()),
            }
        }
        if self.body.drain()? > 0 {
            return Err(too_much());
        }
        self.key.prove();
        match &self.demand {
            Some(Demand { by, check }) if !signatures.iter().any(|one| check.is_good(one, by)) => {
                Err(Error::NotSigned { by: by.name.clone() })
            }
            _ => Ok(()),
        }
    }
}

impl<R: Read + Drain> Read for Literal<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(out)?;
        if let Some(demand) = &mut self.demand {
            demand.check.update(&out[..count]);
        }
        if count == 0 && !out.is_empty() && !self.authenticated {
            self.finish()?;
            self.authenticated = true;
        }
        Ok(count)
    }
}
