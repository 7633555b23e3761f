//! Writes the manual page and the completions of shells for the command line into a folder.
//!
//! `cargo run --example cli_texts FOLDER`

use std::path::PathBuf;
use std::{env, fs, io};

use clap_complete::{Shell, generate_to};

fn main() -> io::Result<()> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "the folder to write to is missing");
    let folder = PathBuf::from(env::args_os().nth(1).ok_or_else(missing)?);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("hindsight-cli.1"), hindsight::cli::manual_page())?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut hindsight::cli::command(), "hindsight-cli", &folder)?;
    }
    Ok(())
}
