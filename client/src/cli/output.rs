//! What a command has to say: data on standard output, all else on standard error.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};

use super::exit::Failure;

/// What the command is called.
pub(super) const NAME: &str = "batchmock-client";

/// Writes a line of data to standard output, as `println!` does, but for who has closed it: see [`write()`].
macro_rules! tell {
    ($($text:tt)*) => {
        $crate::cli::output::write(format_args!("{}\n", format_args!($($text)*)).to_string().as_bytes())
    };
}
pub(super) use tell;

/// Writes a line for people to standard error. If nobody hears it, nothing is lost.
macro_rules! talk {
    ($($text:tt)*) => {
        $crate::cli::output::say(format_args!($($text)*))
    };
}
pub(super) use talk;

/// Writes to standard output. Who has closed it, as `head` does, has seen enough: the command ends then, and that is
/// no failure of it. When it cannot be written to for another reason, the command ends with that.
pub(super) fn write(bytes: &[u8]) {
    let mut output = io::stdout().lock();
    if let Err(error) = output.write_all(bytes).and_then(|()| output.flush()) {
        unwritable(&error);
    }
}

/// Writes to standard output, if somebody reads it: gives whether that is so. For commands that have more to do than to
/// tell.
pub(super) fn offer(bytes: &[u8]) -> bool {
    let mut output = io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
        Err(error) => unwritable(&error),
    }
}

/// Ends the command since standard output takes nothing.
pub(super) fn unwritable(error: &io::Error) -> ! {
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    Failure::usage(format!("cannot write to standard output: {error}")).exit();
}

/// Writes a line to standard error.
pub(super) fn say(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A number of things, with the word for one of them.
pub(super) fn counted(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
