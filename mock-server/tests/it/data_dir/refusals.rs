//! Directories that cannot be used, and how that is told.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cli::process::{Served, run};

/// What is said of a directory, with another name for it.
fn said_of(dir: &Path) -> String {
    let path = dir.to_str().unwrap();
    let said = run(["serve", "--port", "0", "--data-dir", path]);
    assert_eq!((said.code, said.stdout.as_str()), (4, ""), "{}", said.stderr);
    said.stderr.replace(path, "DIR")
}

/// A directory that a mock has used and left in order.
fn used() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let data_dir = batchmock::DataDir::open(&dir).unwrap();
    data_dir.close();
    (parent, dir)
}

#[test]
fn a_second_server_is_refused_and_the_first_goes_on() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let mut served = Served::start(&["--data-dir", dir.to_str().unwrap()]);
    served.line_with(&format!("Everything is kept in {}.", dir.display()));
    assert_eq!(
        said_of(&dir),
        "batchmock: the data directory DIR is in use by another batchmock: stop that one, or give this one another \
         directory\n"
    );
    assert_eq!(served.ask(|client, base_url| client.get(format!("{base_url}/batches"))).0, 200);
    drop(served);
    Served::start(&["--data-dir", dir.to_str().unwrap()]);
}

#[test]
fn a_directory_with_other_files_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    std::fs::write(dir.path().join("thesis.txt"), "").unwrap();
    std::fs::create_dir(dir.path().join("photos")).unwrap();
    let before = names();
    assert_eq!(
        said_of(dir.path()),
        "batchmock: DIR is no data directory of batchmock, and it is not empty: it holds `photos`, `thesis.txt`. Give \
         an empty directory, or one that does not exist yet\n"
    );
    assert_eq!(names(), before);
    for n in 0..10 {
        std::fs::write(dir.path().join(format!("a{n}")), "").unwrap();
    }
    let said = said_of(dir.path());
    assert!(said.contains("it holds `a0`, `a1`, `a2`, and more. Give"), "{said}");
}

#[test]
fn a_directory_that_a_killed_server_had_begun_to_make_is_made() {
    for left in [&[][..], &["lock"], &["lock", "format.new"], &["lost+found"]] {
        let dir = tempfile::tempdir().unwrap();
        for name in left {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        batchmock::DataDir::open(dir.path()).unwrap();
    }
    let (_parent, dir) = used();
    std::fs::rename(dir.join("facts.redb"), dir.join("facts.new")).unwrap();
    batchmock::DataDir::open(dir).unwrap();
}

#[test]
fn a_directory_of_another_version_is_refused_in_words() {
    let (_parent, dir) = used();
    let format = dir.join("format");
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "batchmock 2\n");
    std::fs::write(&format, "batchmock 3\n").unwrap();
    assert_eq!(
        said_of(&dir),
        "batchmock: the data directory DIR was written by a newer batchmock: its format is 3, and this batchmock knows \
         formats up to 2. Use the newer one, or another directory\n"
    );
    for text in
        ["batchmock 0\n", "batchmock one", "", "something else entirely, and very much of it at that\n"]
    {
        std::fs::write(&format, text).unwrap();
        let said = said_of(&dir);
        assert!(said.contains("has a format that no batchmock writes: its file `format` says \""), "{said}");
        assert!(said.ends_with("Restore it from a copy, or give another directory\n"), "{said}");
    }
    std::fs::write(&format, "batchmock 1\n").unwrap();
    batchmock::DataDir::open(dir).unwrap();
}

#[test]
fn a_damaged_directory_is_told() {
    let is_told = |dir: &Path| {
        let said = said_of(dir);
        assert!(said.starts_with("batchmock: the data directory DIR is damaged: `facts.redb` is "), "{said}");
        assert!(said.ends_with("Restore it from a copy, or give another directory\n"), "{said}");
        said
    };
    let (_parent, dir) = used();
    std::fs::write(dir.join("blobs").join("0-0"), "x").unwrap();
    let facts = dir.join("facts.redb");
    let good = std::fs::read(&facts).unwrap();
    std::fs::remove_file(&facts).unwrap();
    assert!(is_told(&dir).contains("`facts.redb` is missing"));

    let mut n_refused = 0;
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut bad = good.clone();
        for byte in bad.iter_mut().skip(at).take(200) {
            *byte ^= 0x55;
        }
        std::fs::write(&facts, &bad).unwrap();
        // Not all of the file is in use.
        let in_time = batchmock::DataDir::open(&dir).map(|data_dir| data_dir.close());
        n_refused += usize::from(in_time.is_err_and(|error| error.to_string().contains("is damaged")));
    }
    assert!(n_refused > 3, "{n_refused}");
    for bad in [&b"no store at all"[..], &good[..good.len() / 2], b""] {
        std::fs::write(&facts, bad).unwrap();
        if bad.is_empty() {
            // redb makes a new one of an empty file, but only if it is asked to.
            assert!(said_of(&dir).contains("facts.redb"));
        } else {
            is_told(&dir);
        }
    }
    std::fs::write(&facts, &good).unwrap();
    batchmock::DataDir::open(dir).unwrap();
}

#[test]
fn what_is_no_directory_is_told() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [&file, &file.join("below")] {
        let said = said_of(path);
        assert!(said.starts_with("batchmock: the data directory DIR cannot be used: "), "{said}");
    }
}
