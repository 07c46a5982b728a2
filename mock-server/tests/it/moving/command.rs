//! `batchmock export` and `batchmock import`

use crate::cli::process::{Served, run};
use crate::support::chats;

#[test]
fn a_world_goes_from_one_mock_to_another_by_two_commands() {
    let (there, home) = (Served::start(&["--clock", "frozen"]), Served::start(&[]));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("world.tar");
    let path = file.to_str().unwrap();
    let (status, uploaded) = there.ask(|client, base_url| {
        let lines = format!("{}\n", chats(2).join("\n"));
        let part = reqwest::multipart::Part::text(lines).file_name("a.jsonl");
        let form = reqwest::multipart::Form::new().text("purpose", "batch").part("file", part);
        client.post(format!("{base_url}/files")).multipart(form)
    });
    assert_eq!(status, 200);

    let exported = there.run(&["export", "-o", path]);
    assert_eq!((exported.code, exported.stdout.trim()), (0, path), "{}", exported.stderr);
    let imported = home.run(&["import", path]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(
        imported.stdout.starts_with(&format!("{path} is there; its clock shows 20")),
        "{}",
        imported.stdout
    );
    let file_id = serde_json::from_str::<serde_json::Value>(&uploaded).unwrap()["id"].clone();
    let file_id = file_id.as_str().unwrap();
    let content = |served: &Served| {
        served.ask(|client, base_url| client.get(format!("{base_url}/files/{file_id}/content")))
    };
    assert_eq!(content(&home), content(&there));

    let half = dir.path().join("half.tar");
    std::fs::write(&half, &std::fs::read(&file).unwrap()[..1_500]).unwrap();
    let refused = home.run(&["import", half.to_str().unwrap()]);
    assert_eq!(refused.code, 6);
    assert!(refused.stderr.contains("that is not a world"), "{}", refused.stderr);
    assert_eq!(content(&home).0, 200, "nothing has changed");

    let missing = home.run(&["import", "no-such-file"]);
    assert_eq!(missing.code, 4);
    let nobody = run(["export", "-o", path, "--base-url", "http://127.0.0.1:9/v1"]);
    assert_eq!(nobody.code, 5);
    let nowhere = there.run(&["export", "-o", "/no/such/dir/world.tar"]);
    assert_eq!(nowhere.code, 4, "{}", nowhere.stderr);
    let names = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(names, 2, "no half of a file is left");
}
