//! place_speed URL SSH_OPTIONS MIB: how fast an object of random bytes gets to a place and back, in MB per second.
//!
//! Each way three times, and the fastest counts. `tests/bench/places` runs it beside other programs.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::time::Instant;

use hindsight::destination::{Destination, Existing, Login, Spec, SshOptions};

const NAME: &str = "hindsight-speed";
const TIMES: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [url, options, mib] = arguments.as_slice() else {
        return Err("place_speed URL SSH_OPTIONS MIB".into());
    };
    let ssh = SshOptions::parse(&options.to_string_lossy())?;
    let place = Spec::parse(url)?.connect(Login { ssh, ..Login::default() });
    let mib: usize = mib.to_string_lossy().parse()?;
    let mut bytes = vec![0; mib << 20];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    place.list()?;
    let there = fastest(|| put(&*place, &bytes))?;
    let back = fastest(|| get(&*place, bytes.len()))?;
    place.delete(NAME)?;
    let speed = |seconds: f64| bytes.len() as f64 / 1e6 / seconds;
    println!("{:.0} {:.0}", speed(there), speed(back));
    Ok(())
}

/// Seconds.
fn fastest(mut work: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut fastest = f64::INFINITY;
    for _ in 0..TIMES {
        let begun = Instant::now();
        work()?;
        fastest = fastest.min(begun.elapsed().as_secs_f64());
    }
    Ok(fastest)
}

fn put(place: &dyn Destination, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut upload = place.stage()?;
    upload.write_all(bytes)?;
    Ok(upload.publish(NAME, Existing::Replace)?)
}

fn get(place: &dyn Destination, expected: usize) -> Result<(), Box<dyn Error>> {
    let count = io::copy(&mut place.open(NAME)?, &mut io::sink())?;
    if count == expected as u64 { Ok(()) } else { Err("it came back shorter".into()) }
}
