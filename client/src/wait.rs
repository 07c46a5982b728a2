//! Waiting for a batch: the driver around [`poll`](crate::poll).

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};

use crate::client::Client;
use crate::error::{Error, Kind, Result};
use crate::poll::{Next, Poll, PollPolicy, Seen};
use crate::received::Received;
use crate::types::Batch;

/// A wait for the end of a batch; see [`Batches::wait`](crate::Batches::wait). It begins when it is awaited.
///
/// It goes on through `cancelling`, `finalizing` and statuses that nobody knows yet, and through whatever passes: lost
/// connections, refusals for the rate, failures of the service, a batch that is not there for a moment. It fails if
/// something will not pass, as a wrong key, or at its deadline, with an error that
/// [`is_deadline`](Error::is_deadline).
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait<'a> {
    client: &'a Client,
    id: String,
    policy: PollPolicy,
    on_look: Option<OnLook<'a>>,
}

type OnLook<'a> = Box<dyn FnMut(&Received<Batch>) + Send + 'a>;

/// A wait under way.
struct Waiting<'a> {
    client: &'a Client,
    id: String,
    poll: Poll,
    since: Duration,
    pause: Option<Duration>,
    ended: bool,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(client: &'a Client, id: String) -> Self {
        Self { client, id, policy: client.inner.poll.clone(), on_look: None }
    }

    /// Waits with other patience than the client's.
    pub fn policy(mut self, policy: PollPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Ends the wait after this time, if the batch has not ended by then.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.policy.deadline = Some(deadline);
        self
    }

    /// Calls a function with what each look shows.
    pub fn on_look(mut self, function: impl FnMut(&Received<Batch>) + Send + 'a) -> Self {
        self.on_look = Some(Box::new(function));
        self
    }

    /// What each look shows, as a stream. The last item is the ended batch, or why the wait has failed.
    pub fn looks(self) -> impl Stream<Item = Result<Received<Batch>>> + Send + Unpin + 'a {
        let Self { client, id, policy, mut on_look } = self;
        let poll = Poll::new(policy, client.rng());
        let since = client.time().elapsed();
        let waiting = Waiting { client, id, poll, since, pause: None, ended: false };
        let looks = stream::try_unfold(waiting, Waiting::look);
        let told = looks.inspect_ok(move |batch| {
            if let Some(on_look) = &mut on_look {
                on_look(batch);
            }
        });
        told.boxed()
    }
}

impl Waiting<'_> {
    /// Looks until a look succeeds. Nothing follows the look that showed the end.
    async fn look(mut self) -> Result<Option<(Received<Batch>, Self)>> {
        if self.ended {
            return Ok(None);
        }
        loop {
            if let Some(pause) = self.pause.take() {
                self.client.time().sleep(pause).await;
            }
            let looked = self.client.batches().retrieve(&self.id).await;
            let waited = self.client.time().elapsed().saturating_sub(self.since);
            let next = match &looked {
                Ok(batch) => self.poll.next(Seen::Status(&batch.status, batch.retry_after()), waited),
                Err(error) => self.poll.next(Seen::Failure(&error.failure()), waited),
            };
            match (next, looked) {
                (Next::Late, _) => {
                    return Err(Error::new(Kind::Deadline { batches: vec![self.id], waited }));
                }
                (Next::Ended, Ok(batch)) => {
                    self.ended = true;
                    return Ok(Some((batch, self)));
                }
                (Next::Again(pause), Ok(batch)) => {
                    self.pause = Some(pause);
                    return Ok(Some((batch, self)));
                }
                (Next::Again(pause), Err(_)) => self.pause = Some(pause),
                (Next::Hopeless | Next::Ended, Err(error)) => return Err(error),
                (Next::Hopeless, Ok(_)) => unreachable!("only failures are hopeless"),
            }
        }
    }
}

impl<'a> IntoFuture for Wait<'a> {
    type Output = Result<Received<Batch>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut looks = self.looks();
            loop {
                let batch = looks.next().await.expect("a stream of looks ends with the end, or an error")?;
                if batch.status.is_terminal() {
                    return Ok(batch);
                }
            }
        })
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("id", &self.id).field("policy", &self.policy).finish_non_exhaustive()
    }
}
