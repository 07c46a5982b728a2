//! What a command has to say, on standard output.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

use super::exit::Failure;

/// Writes a line to standard output, as `println!` does, but for who has closed it: see [`write()`].
macro_rules! tell {
    ($($text:tt)*) => {
        $crate::cli::output::write(format_args!("{}\n", format_args!($($text)*)))
    };
}
pub(super) use tell;

/// Writes to standard output. Who has closed it, as `head` does, has seen enough: the command ends then, and that is
/// no failure of it. When it cannot be written to for another reason, the command ends with that.
pub(super) fn write(text: Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    let Err(error) = output.write_fmt(text).and_then(|()| output.flush()) else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Failure::internal(format!("cannot write to standard output: {error}")).exit();
}
