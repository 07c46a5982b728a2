//! Letting time pass: the clock of the server is moved, or it is waited for, or the case is put down.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::Session;
use super::sending::other_than_before;
use crate::expect::{Body, Outcome, Stop};
use crate::journal::Step;
use crate::target::why_none_came;
use crate::time::{self, Time};

/// The states that a batch does not leave.
pub(crate) const FINAL: [&str; 4] = ["completed", "failed", "expired", "cancelled"];

/// How often a clock is moved before a case gives up: a batch has fewer changes.
const MOVES: usize = 200;

impl Session {
    /// Lets time pass until a batch has one of these statuses. Gives it as it is then.
    pub(crate) async fn until(&mut self, id: &str, statuses: &[&str]) -> Outcome<Body> {
        self.until_holds(id, &statuses.join(" or "), |batch| {
            batch.get("/status").as_str().is_some_and(|status| statuses.contains(&status))
        })
        .await
    }

    /// Lets time pass until something holds of a batch. Gives it as it is then.
    pub(crate) async fn until_holds(
        &mut self,
        id: &str,
        what: &str,
        mut holds: impl FnMut(&Body) -> bool,
    ) -> Outcome<Body> {
        for moves in 0_usize.. {
            let batch = self.retrieve(id).await?;
            if holds(&batch) {
                return Ok(batch);
            }
            let status = batch.get("/status").as_str().unwrap_or_default();
            if FINAL.contains(&status) {
                let why = format!("the batch should have become {what}, but it ended as {}", batch.value);
                return Err(Stop::NotReached(why));
            }
            if moves == MOVES && self.target.has_control() {
                break;
            }
            if !self.let_time_pass().await? {
                return Err(Stop::NotReached(format!("the batch did not become {what} in time")));
            }
        }
        Err(Stop::NotReached(format!("the batch did not become {what} after {MOVES} changes")))
    }

    /// Lets time pass until a batch has ended. Gives what it looked like at each look, the end included.
    pub(crate) async fn life(&mut self, id: &str) -> Outcome<Vec<Body>> {
        let mut life = Vec::new();
        self.until_holds(id, "one that has ended", |batch| {
            life.push(batch.clone());
            batch.get("/status").as_str().is_some_and(|status| FINAL.contains(&status))
        })
        .await?;
        Ok(life)
    }

    /// Whether somebody can be asked to end a batch so and so.
    pub(crate) fn can_bring_about(&self) -> bool {
        !matches!(self.target.time, Time::Wall { bring_about: None, .. })
    }

    /// Brings it about that a batch ends with this status, and gives it as it is then.
    pub(crate) async fn bring_about(&mut self, id: &str, status: &str) -> Outcome<Body> {
        match self.target.time.clone() {
            Time::Control(control) => {
                let ending = json!({ "status": status });
                self.control(Method::POST, &format!("{control}/batches/{id}/ending"), &ending).await?;
            }
            Time::Wall { bring_about: Some(program), .. } => match self.journal.again() {
                Some(Step::BroughtAbout) => {}
                Some(step) => return Err(other_than_before("bringing about an end", &step)),
                None => {
                    time::bring_about(&program, status, id).await.map_err(Stop::Broken)?;
                    self.journal.take(Step::BroughtAbout);
                }
            },
            Time::Wall { bring_about: None, .. } => {}
        }
        self.until(id, &[status]).await
    }

    /// Lets so much time pass.
    pub(crate) async fn advance(&mut self, duration: Duration) -> Outcome {
        let seconds = duration.as_secs();
        if let Time::Control(control) = self.target.time.clone() {
            let body = json!({ "by": seconds });
            return self.control(Method::POST, &format!("{control}/clock/advance"), &body).await.map(drop);
        }
        match self.journal.again() {
            Some(Step::Passing { since, by }) => {
                // Only what the case was put down for may not have passed yet.
                let end = since.saturating_add_unsigned(by);
                if self.journal.is_at_its_end() && self.server_time().await < end {
                    return Err(Stop::Later);
                }
                Ok(())
            }
            Some(step) => Err(other_than_before("waiting", &step)),
            None => {
                let since = self.server_time().await;
                let has_passed = self.deadline.pass(duration).await;
                if !has_passed && !self.may_be_put_down {
                    let why =
                        format!("it takes {seconds} s of waiting, which is more than there is time for");
                    return Err(Stop::NotReached(why));
                }
                self.journal.take(Step::Passing { since, by: seconds });
                if has_passed { Ok(()) } else { Err(Stop::Later) }
            }
        }
    }

    /// Lets the account use so much, and whatever is not named without limit.
    pub(crate) async fn limit(&self, quotas: &Value) -> Outcome {
        match &self.target.time {
            Time::Control(control) => {
                self.control(Method::PUT, &format!("{control}/quotas"), quotas).await.map(drop)
            }
            Time::Wall { .. } => Err(Stop::Broken("a case about quotas must need them".to_owned())),
        }
    }

    /// Waits because a server asked for it.
    pub(super) async fn pause(&mut self, duration: Duration) -> Outcome {
        if let Time::Control(control) = self.target.time.clone() {
            // Whatever it counts is counted by the clock that is moved.
            let body = json!({ "by": duration.as_secs().max(1) });
            return self.control(Method::POST, &format!("{control}/clock/advance"), &body).await.map(drop);
        }
        match self.journal.again() {
            Some(Step::Waited) => Ok(()),
            Some(step) => Err(other_than_before("waiting", &step)),
            None if self.deadline.pass(duration).await => {
                self.journal.take(Step::Waited);
                Ok(())
            }
            None if self.may_be_put_down => {
                self.journal.take(Step::Waited);
                Err(Stop::Later)
            }
            None => Err(Stop::NotReached(format!(
                "the server asked to wait {} s, which is more than there is time for",
                duration.as_secs()
            ))),
        }
    }

    /// Moves the clock to the next change, or waits a little; false if there is no time left.
    async fn let_time_pass(&mut self) -> Outcome<bool> {
        let every = match self.target.time.clone() {
            Time::Control(control) => {
                let until = json!({"until": "next_change"});
                self.control(Method::POST, &format!("{control}/clock/advance"), &until).await?;
                return Ok(true);
            }
            Time::Wall { every, .. } => every,
        };
        match self.journal.again() {
            Some(Step::Waited) => return Ok(true),
            Some(step) => return Err(other_than_before("waiting", &step)),
            None => {}
        }
        if self.deadline.wait(every).await {
            self.journal.take(Step::Waited);
            return Ok(true);
        }
        let has_had_its_time = time::unix_now() - self.journal.begun_at() > self.at_most();
        if !self.may_be_put_down || has_had_its_time {
            return Ok(false);
        }
        self.journal.take(Step::Waited);
        Err(Stop::Later)
    }

    fn at_most(&self) -> i64 {
        i64::try_from(self.takes.at_most().as_secs()).unwrap_or(i64::MAX)
    }

    /// Now, by the clock of the server if it tells it, since that is what its files expire by.
    async fn server_time(&self) -> i64 {
        let mut request = self.target.http.get(format!("{}/files?limit=1", self.target.base_url));
        if let Some(key) = self.target.key(self.case, self.acting) {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let told = async {
            let answer = request.send().await.ok()?;
            let date = httpdate::parse_http_date(answer.headers().get("date")?.to_str().ok()?).ok()?;
            let since = date.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
            i64::try_from(since.as_secs()).ok()
        };
        told.await.unwrap_or_else(time::unix_now)
    }

    /// Asks the control API, which is not judged, so nothing is recorded.
    pub(super) async fn control(&self, method: Method, url: &str, body: &Value) -> Outcome<Value> {
        let request = self.target.http.request(method, url).header("content-type", "application/json");
        let mut request = request.body(body.to_string());
        if let Some(key) = self.target.key(self.case, self.acting) {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let answer = async {
            let answer = request.send().await?;
            Ok((answer.status(), answer.text().await?))
        };
        let answer: Result<_, reqwest::Error> = answer.await;
        match answer {
            Ok((status, text)) if status.is_success() => Ok(serde_json::from_str(&text).unwrap_or_default()),
            Ok((_, text)) => Err(Stop::NotReached(format!("the control API refused {body}: {text}"))),
            Err(error) => {
                Err(Stop::NotReached(format!("the control API is gone: {}", why_none_came(&error))))
            }
        }
    }
}
