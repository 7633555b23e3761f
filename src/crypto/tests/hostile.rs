//! Messages that only somebody with the key can write, and that no honest program does.

use super::*;
use crate::crypto::mdc::MdcWriter;
use crate::crypto::packet::{COMPRESSED, LITERAL, MARKER, ONE_PASS_SIGNATURE, PacketWriter, SIGNATURE};

/// Encrypted and with a right integrity check, whatever it is.
fn wrap(packets: &[u8]) -> Vec<u8> {
    let mut writer = MdcWriter::new(seal(b"x")[..15].to_vec(), KEY.bytes()).unwrap();
    writer.write_all(packets).unwrap();
    writer.finish().unwrap()
}

fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut writer = PacketWriter::new(Vec::new(), tag).unwrap();
    writer.write_all(body).unwrap();
    writer.finish().unwrap()
}

fn literal(data: &[u8]) -> Vec<u8> {
    packet(LITERAL, &[b"b\0\0\0\0\0", data].concat())
}

fn zipped(packets: &[u8]) -> Vec<u8> {
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    deflated.write_all(packets).unwrap();
    packet(COMPRESSED, &[&[1], &deflated.finish().unwrap()[..]].concat())
}

fn bzipped(packets: impl Read) -> Vec<u8> {
    let mut body = vec![3];
    bzip2::read::BzEncoder::new(packets, bzip2::Compression::best()).read_to_end(&mut body).unwrap();
    packet(COMPRESSED, &body)
}

fn refused(packets: &[u8]) {
    let read = read(&opener(), &wrap(packets));
    assert!(matches!(read, Err(Error::Damaged(_))), "{read:?}");
}

#[test]
fn honest_packets_are_read() {
    for packets in [
        literal(b"text"),
        zipped(&literal(b"text")),
        bzipped(&literal(b"text")[..]),
        [packet(MARKER, b"PGP"), literal(b"text"), packet(MARKER, b"PGP")].concat(),
    ] {
        assert_eq!(read(&opener(), &wrap(&packets)).unwrap(), b"text");
    }
}

#[test]
fn a_message_has_one_content() {
    let two = [literal(b"one"), literal(b"two")].concat();
    for packets in [
        two.clone(),
        zipped(&two),
        [zipped(&literal(b"one")), literal(b"two")].concat(),
        [zipped(&literal(b"one")), zipped(&literal(b"two"))].concat(),
        [literal(b"one"), zipped(&literal(b"two"))].concat(),
        [literal(b"one"), packet(60, b"private")].concat(),
    ] {
        refused(&packets);
    }
    for packets in
        [vec![], packet(MARKER, b"PGP"), packet(SIGNATURE, b"none"), packet(ONE_PASS_SIGNATURE, b"none")]
    {
        refused(&packets);
        refused(&zipped(&packets));
    }
    refused(&packet(60, b"private"));
}

#[test]
fn a_message_is_compressed_once() {
    refused(&zipped(&zipped(&literal(b"text"))));
    refused(&bzipped(&zipped(&literal(b"text"))[..]));
}

#[test]
fn lengths_of_parts_that_make_no_sense_are_errors() {
    let text = |lengths: &[u8]| [&[0xC0 | LITERAL], lengths].concat();
    let sound = text(&[0xE0 + 3, b'b', 0, 0, 0, 0, 0, b't', b'e', 2, b'x', b't']);
    assert_eq!(read(&opener(), &wrap(&sound)).unwrap(), b"text");
    for lengths in [
        &[0xE0 + 3, b'b', 0, 0, 0, 0, 0, b't', b'e'][..], // another part should follow
        &[0xE0 + 3, b'b', 0, 0, 0, 0, 0, b't', b'e', 9, b'x'], // which is cut
        &[0xE0 + 30, b'b', 0, 0, 0, 0, 0, b't', b'e'],    // a gibibyte
        &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, b'b', 0, 0, 0, 0, 0], // four
        &[0xE0, b'b', 0xE0, 0, 0xE0],                     // not even the header
        &[6, b'b', 255, 0, 0, 0, 0],                      // a file name that is longer than all
        &[],
    ] {
        refused(&text(lengths));
    }
    // The same of the encrypted packet itself.
    let message = seal(b"text");
    for length in [0xE0, 0xE0 + 2, 0xE0 + 30, 0, 1, 23] {
        let mut odd = message.clone();
        odd[16] = length;
        assert!(read(&opener(), &odd).is_err(), "{length:#x}");
    }
}

#[test]
fn an_integrity_check_that_is_missing_or_not_last_is_an_error() {
    let message = seal(b"text");
    let without = |cut: usize| {
        let mut message = message.clone();
        message.truncate(message.len() - cut);
        message[16] -= cut as u8; // the length of the encrypted packet
        read(&opener(), &message)
    };
    assert!(without(22).is_err());
    assert!(without(20).is_err());
    refused(&[literal(b"text"), vec![0xD3, 0x14], vec![0; 20]].concat());
}

/// Zeros without end.
#[test]
fn a_bomb_is_given_up() {
    let zeros = std::io::repeat(0).take(1_200 << 20);
    let header: &[u8] = &[&[0xC0 | LITERAL, 0xFF][..], &(u32::MAX).to_be_bytes(), b"b\0\0\0\0\0"].concat();
    let bomb = wrap(&bzipped(header.chain(zeros)));
    assert!(bomb.len() < 1 << 20, "{} octets", bomb.len());
    let mut content =
        opener().open(&bomb[..], Ciphertext::Unproven).map(|content| content.take(4 << 30)).unwrap();
    let error = std::io::copy(&mut content, &mut std::io::sink()).unwrap_err();
    assert!(matches!(Error::from(error), Error::Damaged(why) if why.contains("far more")));
}
