//! Python's tarfile and GNU tar must read what we write, and we what Python writes. Tests pass without
//! trying anything where the tool is not installed.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::samples::{Sample, matrix};
use crate::duplicity::difftar::{Body, DifftarReader, DifftarWriter, Entry};
use crate::entry::{Attributes, Content, EntryPath, Extended, Kind, Timestamp};

/// Makes an archive of the objects listed on stdin in the format named by the first argument.
const PYTHON_WRITER: &str = r#"
import io, json, sys, tarfile
text = lambda h: bytes.fromhex(h).decode("utf-8", "surrogateescape")
out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w", format=getattr(tarfile, sys.argv[1])) as tar:
    for o in json.load(sys.stdin):
        t = tarfile.TarInfo(text(o["name"]))
        t.type, t.linkname = o["type"].encode(), text(o["target"])
        t.mode, t.uid, t.gid, t.mtime = o["mode"], o["uid"], o["gid"], o["mtime"]
        t.uname, t.gname = text(o["user"]), text(o["group"])
        t.devmajor, t.devminor = o["device"]
        data = bytes.fromhex(o["data"])
        t.size = len(data)
        tar.addfile(t, io.BytesIO(data))
sys.stdout.buffer.write(out.getvalue())
"#;

/// Lists the archive on stdin in the same form.
const PYTHON_READER: &str = r#"
import io, json, sys, tarfile
code = lambda s: s.encode("utf-8", "surrogateescape").hex()
with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as tar:
    print(json.dumps([dict(name=code(t.name), type=t.type.decode(), target=code(t.linkname), mode=t.mode,
        uid=t.uid, gid=t.gid, mtime=int(t.mtime), user=code(t.uname), group=code(t.gname),
        device=[t.devmajor, t.devminor], data=tar.extractfile(t).read().hex() if t.isreg() else "",
        pax={code(k): code(v) for k, v in t.pax_headers.items()}) for t in tar]))
"#;

/// Output of a tool that must succeed; `None` where it is not installed.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(arguments).env("PYTHONUTF8", "1").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn stored_name(path: &EntryPath) -> Vec<u8> {
    let path = if path.is_root() { b"." } else { path.as_bytes() };
    [b"snapshot/", path].concat()
}

fn as_json(sample: &Sample) -> Value {
    let a = &sample.attributes;
    let flag = match a.kind {
        Kind::File => "0",
        Kind::Symlink => "2",
        Kind::CharDevice => "3",
        Kind::BlockDevice => "4",
        Kind::Directory => "5",
        Kind::Fifo => "6",
    };
    json!({
        "name": hex(&stored_name(&sample.path)), "type": flag, "target": hex(&a.link_target), "mode": a.mode,
        "uid": a.uid, "gid": a.gid, "mtime": a.mtime.seconds, "user": hex(&a.user), "group": hex(&a.group),
        "device": [a.device.0, a.device.1], "data": hex(&sample.data),
    })
}

fn write(samples: &[Sample]) -> Vec<u8> {
    let mut writer = DifftarWriter::new(Vec::new());
    for Sample { path, attributes, data } in samples {
        if attributes.kind == Kind::File {
            writer.file(path, attributes, Body::Snapshot, data).unwrap();
        } else {
            writer.object(path, attributes).unwrap();
        }
    }
    writer.finish().unwrap()
}

fn python_archive(samples: &[Sample], format: &str) -> Option<Vec<u8>> {
    let list = Value::Array(samples.iter().map(as_json).collect()).to_string();
    run("python3", &["-c", PYTHON_WRITER, format], list.as_bytes())
}

fn python_listing(archive: &[u8]) -> Option<Vec<Value>> {
    let listing = run("python3", &["-c", PYTHON_READER], archive)?;
    Some(serde_json::from_slice(&listing).unwrap())
}

fn assert_reads_as(archive: &[u8], samples: &[Sample]) {
    let mut reader = DifftarReader::new(archive);
    for sample in samples {
        let Entry { path, attributes, .. } = reader.next().unwrap().unwrap();
        let mut data = Vec::new();
        reader.read_to_end(&mut data).unwrap();
        assert_eq!((&path, &attributes, &data), (&sample.path, &sample.attributes, &sample.data));
    }
    assert!(reader.next().unwrap().is_none());
}

fn with_times_before_1970() -> Vec<Sample> {
    let mut samples = matrix();
    for seconds in [-1, -2_208_988_800, -(1 << 40)] {
        let mut sample = samples[1].clone();
        sample.attributes.mtime = Timestamp::from_seconds(seconds);
        samples.push(sample);
    }
    samples
}

#[test]
fn an_archive_without_our_records_is_byte_for_byte_what_python_writes() {
    let Some(theirs) = python_archive(&matrix(), "PAX_FORMAT") else { return };
    // Older ones fill the device numbers of what is no device with zeros, not NULs.
    let zeros = &theirs[329..337] == b"0000000\0";
    assert!(zeros || write(&matrix()) == theirs);
}

#[test]
fn we_read_what_python_writes_in_either_dialect() {
    for (format, longest_owner) in [("PAX_FORMAT", usize::MAX), ("GNU_FORMAT", 32)] {
        let mut samples = with_times_before_1970();
        let Some(archive) = python_archive(&samples, format) else { return };
        for Sample { attributes, .. } in &mut samples {
            attributes.user.truncate(longest_owner);
            attributes.group.truncate(longest_owner);
        }
        assert_reads_as(&archive, &samples);
    }
}

#[test]
fn we_read_pythons_plain_ustar_with_names_split_into_the_prefix() {
    let fits = |s: &Sample| {
        let a = &s.attributes;
        let components = s.path.components().map(<[u8]>::len).max().unwrap_or(0);
        let small = a.uid < 1 << 21 && a.mtime.seconds < 1 << 33;
        let ascii = s.path.as_bytes().is_ascii() && a.user.is_ascii();
        small
            && ascii
            && components < 100
            && s.path.as_bytes().len() < 240
            && a.link_target.len() < 100
            && a.user.len() < 33
    };
    let mut samples: Vec<_> = matrix().into_iter().filter(fits).collect();
    let mut long = samples[1].clone();
    long.path = EntryPath::parse(&[b"y/".as_slice(); 100].concat()).unwrap();
    samples.push(long);
    let Some(archive) = python_archive(&samples, "USTAR_FORMAT") else { return };
    assert_reads_as(&archive, &samples);
}

/// The matrix with one of our records or other on every object.
fn with_our_records() -> Vec<Sample> {
    let mut samples = with_times_before_1970();
    for (i, sample) in samples.iter_mut().enumerate() {
        let attributes = &mut sample.attributes;
        attributes.mtime.nanos = [0, 999_999_999, 5][i % 3];
        let xattr = [&b"\n22 path=snapshot/evil\n"[..], b"\0\xff binary", b""][i % 3].to_vec();
        let xattrs = vec![(b"user.odd = % \n name".to_vec(), xattr)];
        let acl_access = Some(b"user::rw-,user:lisa:rw-:1001".to_vec());
        attributes.extended = Some(Box::new(Extended { xattrs, acl_access, acl_default: None }));
        attributes.content = Some(Content { size: i as u64, sha256: [i as u8; 32] });
    }
    samples
}

#[test]
fn python_reads_ours_and_sees_our_records_as_extra_headers() {
    let samples = with_our_records();
    let Some(listing) = python_listing(&write(&samples)) else { return };
    assert_eq!(listing.len(), samples.len());
    for (mut theirs, sample) in listing.into_iter().zip(&samples) {
        let pax = theirs.as_object_mut().unwrap().remove("pax").unwrap();
        let record = |key: &[u8]| pax.get(hex(key)).and_then(Value::as_str).map(str::to_owned);
        let extended = sample.attributes.extended.as_ref().unwrap();
        assert_eq!(record(b"HINDSIGHT.v"), Some(hex(b"1")));
        assert_eq!(record(b"SCHILY.xattr.user.odd %3D %25 %0A name"), Some(hex(&extended.xattrs[0].1)));
        assert_eq!(record(b"SCHILY.acl.access"), extended.acl_access.as_deref().map(hex));

        let mut expected = as_json(sample);
        expected["mtime"] = json!(sample.attributes.mtime.seconds.max(0));
        assert_eq!(theirs, expected);
    }
    assert_reads_as(&write(&samples), &samples);
}

#[test]
fn python_agrees_that_an_empty_archive_is_10240_zero_bytes() {
    let Some(theirs) = python_archive(&[], "PAX_FORMAT") else { return };
    assert_eq!(write(&[]), theirs);
}

#[test]
fn gnu_tar_lists_one_line_per_entry_of_ours() {
    let samples = with_our_records();
    let arguments = ["--list", "--verbose", "--quoting-style=escape", "--file=-"];
    let Some(listing) = run("tar", &arguments, &write(&samples)) else { return };
    let listing = String::from_utf8(listing).unwrap();
    assert_eq!(listing.lines().count(), samples.len());
    assert!(
        listing.lines().any(|l| l.starts_with("-rw-r--r-- user/group") && l.ends_with(" snapshot/plain"))
    );
    assert!(!listing.lines().any(|l| l.ends_with(" snapshot/evil")));
}

#[test]
fn a_fractional_time_by_python_keeps_its_fraction() {
    let script = PYTHON_WRITER.replace("o[\"mtime\"]\n", "1.5\n");
    let list = Value::Array(vec![as_json(&matrix()[1])]).to_string();
    let Some(archive) = run("python3", &["-c", &script, "PAX_FORMAT"], list.as_bytes()) else { return };
    let mut expected: Attributes = matrix()[1].attributes.clone();
    expected.mtime = Timestamp { seconds: 1, nanos: 500_000_000 };
    assert_eq!(DifftarReader::new(&archive[..]).next().unwrap().unwrap().attributes, expected);
}
