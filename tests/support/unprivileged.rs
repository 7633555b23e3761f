//! Programs that permission bits do stop, also where the tests run as root.

use std::process::Command;

/// The same call, by somebody who may not read and write everywhere.
pub(crate) fn unprivileged(call: &Command) -> Command {
    let mut command = match rustix::process::geteuid().is_root() {
        true => {
            let mut command = Command::new("setpriv");
            command.arg("--bounding-set=-dac_override,-dac_read_search").arg(call.get_program());
            command
        }
        false => Command::new(call.get_program()),
    };
    command.args(call.get_args());
    command.env_clear().envs(call.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = call.get_current_dir() {
        command.current_dir(folder);
    }
    command
}
