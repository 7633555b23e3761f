//! `hindsight-background`: starts backups when they are due. See the module `background`.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use hindsight::background::{self, Ended, Manner};

const HELP: &str = "\
Starts the backups of your plans when they are due, as long as your session lasts.

Usage: hindsight-background [--ask] [--settle SECONDS]

  --ask              ask the desktop to start this in every session; in a sandbox it
                     is always asked
  --settle SECONDS   how long nothing begins after login, waking up and a change of
                     network (120)
  --version          tell the version";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments == ["--version"] {
        println!("hindsight-background {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let Some(manner) = manner(&arguments) else {
        eprintln!("{HELP}");
        return ExitCode::from(2);
    };
    // Before the file behind it is replaced.
    let program = std::env::current_exe();
    let error = match (background::run(manner), program) {
        (Ok(Ended::Asked | Ended::NotAlone), _) => return ExitCode::SUCCESS,
        (Ok(Ended::Replaced), Ok(program)) => Command::new(program).args(arguments).exec(),
        (Ok(Ended::Replaced), Err(error)) | (Err(error), _) => error,
    };
    eprintln!("hindsight-background: {error}");
    ExitCode::FAILURE
}

/// `None`: not as the help says.
fn manner(arguments: &[String]) -> Option<Manner> {
    let mut manner = Manner::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--ask" => manner.asks = true,
            "--settle" => manner.settle = Duration::from_secs(rest.next()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(manner)
}
