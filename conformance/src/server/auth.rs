//! Keys, and accounts that do not see each other.

use serde_json::json;

use super::{REQUESTS, lines};
use crate::case::{Capability, Case, Level, assumed, documented, observed, run};
use crate::exchange::{Key, Request};
use crate::expect::{OnTheWay as _, Outcome};
use crate::session::{Session, new_batch};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "auth/bearer-key",
        title: "the key is a bearer token",
        requirement: "A request with the account's key as bearer token is answered.",
        evidence: &[documented("F-001")],
        run: run!(bearer_key),
        ..REQUESTS
    },
    Case {
        id: "auth/no-key",
        title: "no key is refused",
        requirement: "A request without a key is refused with status 401, in the envelope of errors.",
        evidence: &[observed("F-005"), observed("F-500")],
        needs: &[Capability::KeyCheck],
        run: run!(no_key),
        ..REQUESTS
    },
    Case {
        id: "auth/wrong-key",
        title: "a wrong key is refused",
        requirement: "A request with a wrong key is refused with status 401 and code `invalid_api_key`.",
        evidence: &[observed("F-003")],
        needs: &[Capability::KeyCheck],
        run: run!(wrong_key),
        ..REQUESTS
    },
    Case {
        id: "auth/wrong-key-masked",
        title: "a wrong key is not shown whole",
        level: Level::Should,
        requirement: "The refusal of a wrong key shows it masked, and not as it was sent.",
        evidence: &[observed("F-004")],
        needs: &[Capability::KeyCheck],
        run: run!(wrong_key_masked),
        ..REQUESTS
    },
    Case {
        id: "auth/files-of-others",
        title: "files of another account are not there",
        level: Level::May,
        requirement: "A file that another account has uploaded is a 404.",
        evidence: &[assumed("F-233")],
        needs: &[Capability::TwoKeys],
        run: run!(files_of_others),
        ..REQUESTS
    },
    Case {
        id: "auth/batches-of-others",
        title: "batches of another account are not there",
        level: Level::May,
        requirement: "A batch that another account has created is a 404.",
        evidence: &[assumed("F-233")],
        needs: &[Capability::TwoKeys],
        lines: 1,
        run: run!(batches_of_others),
        ..REQUESTS
    },
];

/// What is answered to who has a key: a file, and batches.
async fn guarded(session: &mut Session) -> Outcome<[String; 2]> {
    let file = session.input(&lines::chats(session, 1)).await?;
    Ok([format!("/files/{file}"), "/batches?limit=1".to_owned()])
}

async fn bearer_key(session: &mut Session) -> Outcome {
    for (path, object) in guarded(session).await?.into_iter().zip(["file", "list"]) {
        session.get(path).await?.success()?.equals("/object", object)?;
    }
    Ok(())
}

async fn no_key(session: &mut Session) -> Outcome {
    for path in guarded(session).await? {
        session.get(path.clone()).await?.success().on_the_way()?;
        let answer = session.send(Request::get(path).key(Key::None)).await?;
        answer.refusal(401)?;
        answer.in_envelope()?;
    }
    Ok(())
}

async fn wrong_key(session: &mut Session) -> Outcome {
    for path in guarded(session).await? {
        session.get(path.clone()).await?.success().on_the_way()?;
        let refusal = session.send(Request::get(path).key(Key::Wrong)).await?.refusal(401)?;
        refusal.equals("/code", "invalid_api_key")?;
    }
    Ok(())
}

async fn wrong_key_masked(session: &mut Session) -> Outcome {
    let [path, _] = guarded(session).await?;
    session.get(path.clone()).await?.success().on_the_way()?;
    let answer = session.send(Request::get(path).key(Key::Wrong)).await?;
    let message = answer.refusal(401)?.text("/message")?;
    answer.place.check(
        !message.contains("nobody-was-given"),
        "the message",
        "a key of which the middle is masked",
        message.clone(),
    )
}

async fn files_of_others(session: &mut Session) -> Outcome {
    let id = session.input(&lines::chats(session, 1)).await?;
    let path = format!("/files/{id}");
    session.get(path.clone()).await?.success().on_the_way()?;
    session.send(Request::get("/batches?limit=1").key(Key::Other)).await?.success().on_the_way()?;
    session.send(Request::get(path.clone()).key(Key::Other)).await?.refusal(404)?;
    session.send(Request::get(format!("{path}/content")).key(Key::Other)).await?.refusal(404)?;
    Ok(())
}

async fn batches_of_others(session: &mut Session) -> Outcome {
    let input = session.input(&lines::chats(session, 1)).await?;
    let created = session.post("/batches", &new_batch(&input, lines::CHAT)).await?;
    let id = created.success().on_the_way()?.text("/id").on_the_way()?;
    let path = format!("/batches/{id}");
    session.get(path.clone()).await?.success().on_the_way()?;
    session.send(Request::get("/batches?limit=1").key(Key::Other)).await?.success().on_the_way()?;
    session.send(Request::get(path.clone()).key(Key::Other)).await?.refusal(404)?;
    let cancel = Request::post(format!("{path}/cancel"), &json!({})).key(Key::Other);
    session.send(cancel).await?.refusal(404)?;
    Ok(())
}
