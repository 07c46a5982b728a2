//! What is written to standard output, by who has closed it.

use super::process::{batchmock, said};

#[test]
fn who_has_closed_the_output_has_seen_enough() {
    for arguments in [&["switches"][..], &["env"], &["lines", "schema"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = said(batchmock(arguments).stdout(writer));
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_takes_nothing_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let said = said(batchmock(["switches"]).stdout(full));
    assert_eq!(said.code, 1);
    assert!(said.stderr.starts_with("batchmock: cannot write to standard output: "), "{}", said.stderr);
}
