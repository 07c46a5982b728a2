//! Ids of what there is not.
//!
//! A server may have ids of its own form, and refuse others in its own way. So what it does not find is asked for by an
//! id that looks like one of its own.

use super::lines;
use super::lists::batches;
use crate::expect::{OnTheWay as _, Outcome};
use crate::session::Session;

/// A file that was never there, on a server that has files.
pub(super) async fn file(session: &mut Session) -> Outcome<String> {
    let name = session.file_name("jsonl");
    let id = session.file("batch", &name, lines::LINE).await?.text("/id")?;
    session.get(format!("/files/{id}")).await?.success().on_the_way()?;
    Ok(like(&id).unwrap_or_else(|| "file-AbCdEfGhJkLmNpQrStUvWx".to_owned()))
}

/// A batch that was never there, on a server that has batches.
pub(super) async fn batch(session: &mut Session) -> Outcome<String> {
    let id = batches(session, 1).await?.remove(0);
    session.get(format!("/batches/{id}")).await?.success().on_the_way()?;
    Ok(like(&id).unwrap_or_else(|| "batch_0123456789abcdef0123456789abcdef".to_owned()))
}

/// An id of the same form: its last part turned by one character. None if that is too short to be drawn at random.
fn like(id: &str) -> Option<String> {
    let part = id.rsplit(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let rest = &id[..id.len() - part.len()];
    let turned = format!("{}{}", part.get(1..)?, part.get(..1)?);
    (part.len() >= 8 && turned != part).then(|| format!("{rest}{turned}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_has_the_form_of_those_that_are_known() {
        let unknown = |id| like(id).unwrap_or_default();
        assert_eq!(unknown("file-AbCdEfGh"), "file-bCdEfGhA");
        assert_eq!(
            unknown("batch_6dc1f4f2-0d1e-4b5c-9f1e-0123456789ab"),
            "batch_6dc1f4f2-0d1e-4b5c-9f1e-123456789ab0"
        );
        assert_eq!(unknown("0123456789abcdef"), "123456789abcdef0");
    }

    #[test]
    fn there_is_none_like_an_id_that_is_counted_up() {
        for id in ["file-1234", "batch_", "aaaaaaaaaaaa", "naïve", ""] {
            assert_eq!(like(id), None, "{id}");
        }
    }
}
