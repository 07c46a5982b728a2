//! Worlds as files: out of one mock, and into another.

mod command;
mod files;
mod sameness;

use batchmock::MockServer;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};

use crate::support::{Answer, Client};

/// The control API of the default account.
fn control(server: &MockServer) -> Client {
    control_of(server, server.api_key())
}

fn control_of(server: &MockServer, key: &str) -> Client {
    Client::of(&format!("http://{}/_mock/v1", server.address()), key)
}

/// The world of the default account, as a file.
async fn export(server: &MockServer) -> Vec<u8> {
    let answer = control(server).get("/world").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer}");
    answer.body
}

/// Lets a file take the place of the world of the default account.
async fn import(server: &MockServer, file: Vec<u8>) -> Answer {
    control(server).send(Method::PUT, "/world", None, file).await
}

/// All that can be seen of files, batches, their plans, the clock and quotas.
async fn look(server: &MockServer, client: &Client) -> Vec<(String, Answer)> {
    let mut seen = Vec::new();
    let control = control(server);
    for path in ["/clock", "/quotas", "/scenario"] {
        let mut answer = control.get(path).await;
        if path == "/quotas" {
            // Results that were looked at take room until they are looked at elsewhere.
            let mut quotas = answer.json();
            quotas["used"]["file_bytes"].take();
            answer.body = quotas.to_string().into();
        }
        seen.push((path.to_owned(), without_headers(answer)));
    }
    for list in ["files", "batches"] {
        let page = client.get(&format!("/{list}?limit=100")).await;
        for item in page.json()["data"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap();
            let mut paths = vec![format!("/{list}/{id}")];
            if list == "files" {
                paths.push(format!("/files/{id}/content"));
            } else {
                seen.push((
                    id.to_owned(),
                    without_headers(control.get(&format!("/batches/{id}/plan")).await),
                ));
            }
            for path in paths {
                seen.push((path.clone(), of_account(client.get(&path).await)));
            }
        }
        seen.push((list.to_owned(), of_account(page)));
    }
    seen
}

fn without_headers(answer: Answer) -> Answer {
    Answer { headers: HeaderMap::new(), ..answer }
}

/// An answer with the headers alone that name its account.
fn of_account(answer: Answer) -> Answer {
    let mut headers = answer.headers.clone();
    let others: Vec<_> =
        headers.keys().filter(|name| !name.as_str().starts_with("openai-")).cloned().collect();
    for name in others {
        headers.remove(name);
    }
    headers.remove("openai-processing-ms");
    Answer { headers, ..answer }
}

#[track_caller]
fn assert_same(found: &[(String, Answer)], expected: &[(String, Answer)]) {
    for ((path, found), (_, expected)) in found.iter().zip(expected) {
        assert!(
            found == expected,
            "{path} is\n{found}{}\nand was\n{expected}{}",
            found.header_lines(),
            expected.header_lines()
        );
    }
    assert_eq!(found.len(), expected.len());
}
