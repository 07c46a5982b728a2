//! Who may use the control API.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::service::refusal;
use crate::http::App;

/// Keeps web pages away from the control API: one that a browser on this machine has open must not be able
/// to reach it, neither from another site nor by a name that points here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    /// Names, beside those of the loopback, under which the server is known.
    hosts: Vec<String>,
}

impl Guard {
    /// Also lets requests in for these host names.
    pub(crate) fn new(hosts: Vec<String>) -> Self {
        Self { hosts }
    }

    /// Why a request is refused, if it is.
    fn objection(&self, headers: &HeaderMap) -> Option<String> {
        let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        // Without a Host there is no browser behind it: browsers always send one.
        if let Some(host) = headers.get(HOST) {
            let host = host.to_str().unwrap_or_default();
            if !self.is_ours(host) {
                return Some(format!(
                    "the control API is not open to requests for host '{host}': use a loopback address, or \
                     start the server with --allow-host"
                ));
            }
        }
        if let Some(site) = text("sec-fetch-site").filter(|site| !matches!(*site, "same-origin" | "none")) {
            return Some(format!("the control API is not open to {site} requests of a browser"));
        }
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let host = origin.split_once("://").map_or(origin, |(_, host)| host);
            if !self.is_ours(host) {
                return Some(format!("the control API is not open to pages of '{origin}'"));
            }
        }
        None
    }

    /// Whether a host, with or without a port, is this machine's loopback or one of the names allowed.
    fn is_ours(&self, authority: &str) -> bool {
        let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
        };
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            || self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

/// Answers 403 where the guard objects.
pub(super) async fn refuse_foreigners(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.guard.objection(request.headers()) {
        Some(objection) => refusal(StatusCode::FORBIDDEN, objection).into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<HeaderMap>();
        Guard::new(vec!["batchmock".to_owned()]).objection(&headers).is_none()
    }

    #[test]
    fn loopback_and_allowed_hosts_come_in() {
        for host in
            ["127.0.0.1:7420", "127.8.8.8", "localhost:7420", "LOCALHOST", "[::1]:7420", "batchmock:7420"]
        {
            assert!(admits(&[("host", host)]), "{host}");
        }
        assert!(admits(&[]));
    }

    #[test]
    fn other_hosts_do_not() {
        for host in
            ["evil.example", "localhost.evil.example:7420", "192.168.0.1:7420", "", "[::2]:1", "0.0.0.0:7420"]
        {
            assert!(!admits(&[("host", host)]), "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_do_not() {
        let host = ("host", "127.0.0.1:7420");
        assert!(!admits(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!admits(&[host, ("sec-fetch-site", "same-site")]));
        assert!(!admits(&[host, ("origin", "https://evil.example")]));
        assert!(!admits(&[host, ("origin", "null")]));
        assert!(admits(&[host, ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:7420")]));
        // What an SDK under Node sends.
        assert!(admits(&[host, ("sec-fetch-mode", "cors")]));
    }
}
