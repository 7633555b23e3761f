//! The lines that gpg-agent speaks over its socket (the Assuan protocol), as far as it needs them for secret keys.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

/// Octets in a line, at most.
const LINE: u64 = 1000;
/// Octets of data in a line: each may need three to be written.
const PIECE: usize = 300;
/// More than any signature or session key.
const REPLY: usize = 64 * 1024;

pub(super) struct Connection(BufReader<UnixStream>);

/// The error that the agent answered with.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Of libgpg-error, without its source.
    pub(super) code: u16,
    pub(super) text: String,
}

#[derive(Debug)]
pub(super) enum Fault {
    Refused(Refusal),
    /// The connection cannot be used any more.
    Broken(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// What came back to a command.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) data: Zeroizing<Vec<u8>>,
    /// Keyword and what follows it.
    pub(super) status: Vec<(String, String)>,
}

/// The answer to a question of the agent; `None` declines.
pub(super) type Answer<'a> = dyn Fn(&str) -> Option<&'a [u8]> + 'a;

impl Connection {
    pub(super) fn open(socket: &Path) -> Result<Self, Fault> {
        let mut connection = Self(BufReader::new(UnixStream::connect(socket)?));
        connection.reply(&|_| None)?;
        Ok(connection)
    }

    /// How long an answer may take; for ever without.
    pub(super) fn wait_at_most(&mut self, time: Option<Duration>) -> Result<(), Fault> {
        Ok(self.0.get_ref().set_read_timeout(time)?)
    }

    pub(super) fn command(&mut self, line: &str) -> Result<Reply, Fault> {
        self.dialogue(line, &|_| None)
    }

    pub(super) fn dialogue(&mut self, line: &str, answer: &Answer<'_>) -> Result<Reply, Fault> {
        self.send(&[line.as_bytes(), b"\n"].concat())?;
        self.reply(answer)
    }

    fn send(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(line)
    }

    fn reply(&mut self, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let mut reply = Reply::default();
        loop {
            let line = self.line()?;
            let (keyword, rest) = split_word(&line);
            match keyword {
                b"OK" => return Ok(reply),
                b"ERR" => return Err(Fault::Refused(refusal(rest))),
                b"D" => append_unescaped(&mut reply.data, rest)?,
                b"S" => {
                    let (keyword, rest) = split_word(rest);
                    reply.status.push((text(keyword), text(rest)));
                }
                b"INQUIRE" => self.answer(&text(split_word(rest).0), answer)?,
                _ => {}
            }
        }
    }

    /// Questions that only tell something want an empty answer.
    fn answer(&mut self, question: &str, answer: &Answer<'_>) -> io::Result<()> {
        let data = match (question, answer(question)) {
            (_, Some(data)) => data,
            ("PINENTRY_LAUNCHED", None) => &[],
            _ => return self.send(b"CAN\n"),
        };
        for piece in data.chunks(PIECE) {
            let line = escaped(piece);
            self.send(&line)?;
        }
        self.send(b"END\n")
    }

    /// Without its end.
    fn line(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(LINE as usize + 2));
        self.0.by_ref().take(LINE + 2).read_until(b'\n', &mut line)?;
        match line.pop() {
            Some(b'\n') => Ok(line),
            Some(_) => Err(ErrorKind::InvalidData.into()),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// A line of data.
fn escaped(piece: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(Vec::with_capacity(3 + 3 * PIECE));
    line.extend_from_slice(b"D ");
    for octet in piece {
        match octet {
            b'%' | b'\r' | b'\n' => line.extend_from_slice(format!("%{octet:02X}").as_bytes()),
            plain => line.push(*plain),
        }
    }
    line.push(b'\n');
    line
}

fn append_unescaped(data: &mut Vec<u8>, escaped: &[u8]) -> io::Result<()> {
    if data.len() + escaped.len() > REPLY {
        return Err(ErrorKind::InvalidData.into());
    }
    data.reserve_exact(REPLY - data.len()); // so that no copy is left behind
    let digit = |octet: Option<&u8>| octet.and_then(|octet| char::from(*octet).to_digit(16));
    let mut octets = escaped.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'%' => match (digit(octets.next()), digit(octets.next())) {
                (Some(high), Some(low)) => data.push((high * 16 + low) as u8),
                _ => return Err(ErrorKind::InvalidData.into()),
            },
            plain => data.push(*plain),
        }
    }
    Ok(())
}

fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|octet| *octet == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, &[]),
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// `67108949 No pinentry <GPG Agent>`: the number has the source in its upper half.
fn refusal(rest: &[u8]) -> Refusal {
    let (number, words) = split_word(rest);
    let number: u32 = text(number).parse().unwrap_or_default();
    let words = text(words);
    let words = words.split(" <").next().unwrap_or_default();
    Refusal { code: number as u16, text: words.to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// An agent that says `script` to the first word and keeps what it hears.
    fn agent(script: &'static [u8], talk: impl FnOnce(&mut Connection)) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("S");
        let listener = UnixListener::bind(&socket).unwrap();
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"OK Pleased to meet you\n").unwrap();
            let mut heard = Vec::new();
            // Who is put off hangs up.
            if stream.write_all(script).is_ok() {
                let _ = stream.read_to_end(&mut heard);
            }
            heard
        });
        let mut connection = Connection::open(&socket).unwrap();
        talk(&mut connection);
        drop(connection);
        heard.join().unwrap()
    }

    #[test]
    fn data_status_and_questions_are_understood() {
        let script = b"# hello\nS PADDING 0\nINQUIRE PINENTRY_LAUNCHED 1\nINQUIRE TEXT\nINQUIRE OTHER\nD a%0Ab%25\nD c\nOK\n";
        let heard = agent(script, |connection| {
            let answer = |question: &str| (question == "TEXT").then_some(&b"50%\n"[..]);
            let reply = connection.dialogue("GO", &answer).unwrap();
            assert_eq!(&reply.data[..], b"a\nb%c");
            assert_eq!(reply.status, [("PADDING".to_string(), "0".to_string())]);
        });
        assert_eq!(heard, b"GO\nEND\nD 50%25%0A\nEND\nCAN\n");
    }

    #[test]
    fn an_error_keeps_its_number_and_words() {
        agent(b"ERR 67108949 No pinentry <GPG Agent>\n", |connection| {
            let Err(Fault::Refused(refusal)) = connection.command("GO") else { panic!("it was refused") };
            assert_eq!((refusal.code, refusal.text.as_str()), (85, "No pinentry"));
        });
    }

    #[test]
    fn endless_lines_and_data_end_the_conversation() {
        let endless: &[u8] = vec![b'x'; 5000].leak();
        agent(endless, |connection| assert!(matches!(connection.command("GO"), Err(Fault::Broken(_)))));
        let much: &[u8] = b"D 0123456789012345678901234567890123456789\n".repeat(3000).leak();
        agent(much, |connection| assert!(matches!(connection.command("GO"), Err(Fault::Broken(_)))));
    }
}
