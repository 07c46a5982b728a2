//! How an answer is brought to its client, if not at once and whole.

use std::time::Duration;

/// How an answer is brought to its client. What is waited for is waited for by the wall: a client's patience follows no
/// virtual clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Delivery {
    /// How long nothing comes of it.
    pub(crate) delay: Option<Duration>,
    /// How long nothing comes after its headers.
    pub(crate) first_byte_after: Option<Duration>,
    /// How slowly its body comes.
    pub(crate) dribble: Option<Dribble>,
    /// How it ends.
    pub(crate) end: End,
}

/// So many bytes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dribble {
    /// How many, at least one.
    pub(crate) bytes: usize,
    /// How long between two times.
    pub(crate) every: Duration,
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum End {
    /// As it should.
    #[default]
    Whole,
    /// Before it has begun.
    Never(Silence),
    /// In its body.
    Cut(CutPoint, Cut),
}

/// What comes instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The connection is reset.
    Reset,
    /// The connection is closed.
    Close,
    /// Nothing, until the client has gone, or for so long. Then the connection is closed.
    Hang(Option<Duration>),
}

/// Where a body is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutPoint {
    /// After so many bytes; at its end if it is shorter.
    Bytes(u64),
    /// After such a part of it, in hundredths.
    Percent(u64),
}

/// How a body is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection is closed, as if that were all.
    Close,
    /// The connection is reset.
    Reset,
    /// What follows is no chunk.
    BrokenChunk,
}

impl CutPoint {
    /// How many bytes come of a body, of which it may be known how long it is. Of one that nobody knows the length of,
    /// nothing comes.
    pub(crate) fn of(self, len: Option<u64>) -> u64 {
        match self {
            Self::Bytes(bytes) => len.map_or(bytes, |len| bytes.min(len)),
            Self::Percent(percent) => {
                let len = u128::from(len.unwrap_or(0));
                u64::try_from(len * u128::from(percent) / 100).unwrap_or(u64::MAX)
            }
        }
    }
}

impl Delivery {
    /// How many bytes come of a body that is cut, of which it may be known how long it is.
    pub(crate) fn cut_after(&self, len: Option<u64>) -> Option<u64> {
        match self.end {
            End::Cut(at, _) => Some(at.of(len)),
            End::Whole | End::Never(_) => None,
        }
    }

    /// Whether it is as any other.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
