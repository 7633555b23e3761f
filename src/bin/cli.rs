use std::process::ExitCode;

fn main() -> ExitCode {
    hindsight::secret::keep_out_of_core_dumps();
    hindsight::cli::main(std::env::args_os())
}
