//! `batchmock scenarios`

use super::process::{Served, batchmock, run, said};

#[test]
fn scenarios_are_listed_with_a_line_each() {
    let listed = run(["scenarios"]);
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(listed.stdout);
    assert_eq!(run(["scenarios", "list"]).stdout, listed.stdout);
}

#[test]
fn a_scenario_is_shown_as_a_table_over_virtual_time() {
    for (name, arguments) in [
        ("expired", ["scenarios", "show", "expired-partial"].as_slice()),
        ("cancelled", &["scenarios", "show", "cancel-partial"]),
        ("variant", &["scenarios", "show", "cancel-partial:foreign-cancel", "--lines", "4"]),
        ("nasty", &["scenarios", "show", "stuck-and-nasty"]),
    ] {
        let shown = run(arguments);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        insta::assert_snapshot!(name, shown.stdout);
    }
    let toml = run(["scenarios", "show", "all-failed", "--toml"]).stdout;
    assert!(toml.starts_with("# Every line fails"), "{toml}");
    let unknown = run(["scenarios", "show", "all-faild"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("the nearest is `all-failed`"), "{}", unknown.stderr);
}

#[test]
fn files_of_ones_own_are_checked_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mine = "summary = 'Hours pass'\n[pace]\nvalidating_for = '90m'\n[variant.slow]\nsummary = 'More hours pass'\n";
    std::fs::write(dir.path().join("mine.toml"), mine).unwrap();
    std::fs::write(dir.path().join("wrong.toml"), "summary = 'x'\n[pace]\nvalidating = '90m'\n").unwrap();
    let of = |arguments: &[&str]| said(batchmock(arguments).current_dir(dir.path()));

    let checked = of(&["scenarios", "check", "mine.toml"]);
    assert_eq!(checked.code, 0);
    insta::assert_snapshot!(checked.stdout, @r"
    mine.toml: nothing is wrong with it
      mine: Hours pass
      mine:slow: More hours pass
    ");
    let wrong = of(&["scenarios", "check", "mine.toml", "wrong.toml"]);
    assert_ne!(wrong.code, 0);
    insta::assert_snapshot!(wrong.stderr);
    assert!(of(&["scenarios", "show", "mine.toml"]).stdout.contains("T+1h 30m "));
    let missing = of(&["serve", "--scenarios", "none.toml"]);
    assert!(missing.stderr.contains("cannot read the scenario in none.toml"), "{}", missing.stderr);
    let unknown = of(&["serve", "--scenario", "expired"]);
    assert!(unknown.stderr.contains("the nearest is `expired-partial`"), "{}", unknown.stderr);
    let schema = of(&["scenarios", "schema"]).stdout;
    assert!(schema.contains("\"$schema\"") && schema.contains("\"line_rule\""));
}

#[test]
fn the_world_of_a_running_mock_is_put_into_a_scenario() {
    let served = Served::start(&[]);
    let chosen = served.run(&["scenarios", "choose", "expired-partial:nothing-done"]);
    assert_eq!(
        chosen.stdout,
        "The world is in the scenario expired-partial:nothing-done: The window ends with no line done: expired, without an \
         output file\n"
    );
    let refused = served.run(&["scenarios", "choose", "expired"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("the nearest is `expired-partial`"), "{}", refused.stderr);
    assert_eq!(served.run(&["scenarios", "leave"]).stdout, "The world is in no scenario.\n");
}
