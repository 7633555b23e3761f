//! The two versions of stock duplicity that everything is compared with. `tests/run` installs them.

use super::cli::Program;

/// 0.8.22, as in Debian 12.
pub(crate) fn old() -> Program {
    Program { name: "0.8.22", path: path("HINDSIGHT_STOCK_08") }
}

/// 3.2.1, as on PyPI.
pub(crate) fn new() -> Program {
    Program { name: "3.2.1", path: path("HINDSIGHT_STOCK_32") }
}

fn path(variable: &str) -> std::path::PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => panic!(
            "{variable} does not say where stock duplicity is: start the tests by tests/run, which sets it"
        ),
    }
}
