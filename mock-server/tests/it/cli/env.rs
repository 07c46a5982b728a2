//! `batchmock env`

use std::fmt::Write as _;

use super::process::run;

#[test]
fn it_prints_what_each_shell_reads() {
    let mut told = String::new();
    for shell in ["posix", "fish", "powershell"] {
        let said = run(["env", "--shell", shell]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""));
        writeln!(told, "{shell}\n{}", said.stdout).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn it_takes_another_mock_and_another_key() {
    let said = run(["env", "--base-url", "http://mock:7420/v1", "--api-key", "sk-mine"]);
    assert_eq!(
        said.stdout,
        "export OPENAI_BASE_URL='http://mock:7420/v1'\nexport OPENAI_API_KEY='sk-mine'\n"
    );
}

#[cfg(unix)]
#[test]
fn a_shell_gets_back_whatever_is_in_a_key() {
    let key = r#"sk-'"$(pwd)`pwd`\;&*~!"#;
    let said = run(["env", "--api-key", key]);
    let script = format!("{}printf %s \"$OPENAI_API_KEY\"", said.stdout);
    let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), key);
}

#[test]
fn what_no_line_can_hold_is_refused_without_being_shown() {
    for (flag, value) in
        [("--api-key", "sk-two\nlines"), ("--api-key", ""), ("--base-url", "http://two words/v1")]
    {
        let said = run(["env", flag, value]);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""));
        assert!(
            said.stderr.starts_with(&format!("batchmock: {flag} takes printable ASCII")),
            "{}",
            said.stderr
        );
        assert!(!said.stderr.contains("two"));
    }
}
