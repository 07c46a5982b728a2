//! What a walk can do.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

/// The one who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    A,
    B,
}

/// One of the things that there are by now: the newest, the one before, and so on, modulo their count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick(pub(super) u8);

/// What stands in a file that is uploaded for batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// So many chats that are right, and so many that the endpoint refuses.
    Chats { good: u8, refused: u8 },
    /// A line that fails the batch, after one that is right.
    Broken(Broken),
    /// Prose, which is no file for a batch.
    Prose,
    /// Nothing.
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    NoJson,
    NoUrl,
    OtherUrl,
    TwiceTheSameId,
}

/// What a batch is asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    Rightly,
    /// With the metadata that make batchmock play a batch that is not done in time. Others keep them, and that is all.
    ToBeSlow,
    ForNoEndpoint,
    ForAWeek,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Upload {
        who: Who,
        content: Content,
    },
    UploadForTraining {
        who: Who,
    },
    RetrieveFile {
        who: Who,
        file: Pick,
    },
    Download {
        who: Who,
        file: Pick,
    },
    DeleteFile {
        who: Who,
        file: Pick,
    },
    ListFiles {
        who: Who,
        limit: u8,
        oldest_first: bool,
    },
    Create {
        who: Who,
        file: Pick,
        asking: Asking,
    },
    RetrieveBatch {
        who: Who,
        batch: Pick,
    },
    Cancel {
        who: Who,
        batch: Pick,
    },
    Results {
        who: Who,
        batch: Pick,
    },
    ListBatches {
        who: Who,
        limit: u8,
    },
    /// To the next change of a batch.
    NextChange {
        who: Who,
    },
    /// So many seconds.
    Pass {
        who: Who,
        seconds: u32,
    },
}

/// Walks of at most so many steps, by one account or by two.
pub(super) fn walks(steps: usize, has_two: bool) -> impl Strategy<Value = Vec<Step>> {
    vec(step(has_two), 1..=steps.max(1))
}

fn step(has_two: bool) -> impl Strategy<Value = Step> {
    // The first account mostly, so that things meet.
    let who = || {
        let who = prop_oneof![4 => Just(Who::A), 1 => Just(Who::B)];
        who.prop_map(move |who| if has_two { who } else { Who::A })
    };
    let pick = || any::<u8>().prop_map(Pick);
    prop_oneof![
        4 => (who(), content()).prop_map(|(who, content)| Step::Upload { who, content }),
        1 => who().prop_map(|who| Step::UploadForTraining { who }),
        2 => (who(), pick()).prop_map(|(who, file)| Step::RetrieveFile { who, file }),
        2 => (who(), pick()).prop_map(|(who, file)| Step::Download { who, file }),
        2 => (who(), pick()).prop_map(|(who, file)| Step::DeleteFile { who, file }),
        2 => (who(), 1..=3_u8, any::<bool>())
            .prop_map(|(who, limit, oldest_first)| Step::ListFiles { who, limit, oldest_first }),
        5 => (who(), pick(), asking()).prop_map(|(who, file, asking)| Step::Create { who, file, asking }),
        4 => (who(), pick()).prop_map(|(who, batch)| Step::RetrieveBatch { who, batch }),
        3 => (who(), pick()).prop_map(|(who, batch)| Step::Cancel { who, batch }),
        4 => (who(), pick()).prop_map(|(who, batch)| Step::Results { who, batch }),
        2 => (who(), 1..=3_u8).prop_map(|(who, limit)| Step::ListBatches { who, limit }),
        10 => who().prop_map(|who| Step::NextChange { who }),
        2 => (who(), seconds()).prop_map(|(who, seconds)| Step::Pass { who, seconds }),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        6 => (1..=4_u8, 0..=2_u8).prop_map(|(good, refused)| Content::Chats { good, refused }),
        1 => (1..=2_u8).prop_map(|refused| Content::Chats { good: 0, refused }),
        2 => prop_oneof![
            Just(Broken::NoJson),
            Just(Broken::NoUrl),
            Just(Broken::OtherUrl),
            Just(Broken::TwiceTheSameId)
        ]
        .prop_map(Content::Broken),
        1 => Just(Content::Prose),
        1 => Just(Content::Empty),
    ]
}

fn asking() -> impl Strategy<Value = Asking> {
    prop_oneof![7 => Just(Asking::Rightly), 2 => Just(Asking::ToBeSlow), 1 => Just(Asking::ForNoEndpoint), 1 => Just(Asking::ForAWeek)]
}

/// A moment, some minutes, or more than the day after which a batch expires, and than the month of a file.
fn seconds() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 1..=5_u32, 3 => 60..=900_u32, 2 => 86_000..=90_000_u32, 1 => 2_592_000..=2_600_000_u32]
}

impl Who {
    /// Its place among accounts.
    pub(super) fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chats { good, refused: 0 } => write!(f, "{good} chats"),
            Self::Chats { good, refused } => write!(f, "{good} chats, and {refused} that are refused"),
            Self::Broken(Broken::NoJson) => f.write_str("a chat, and a line that is no JSON"),
            Self::Broken(Broken::NoUrl) => f.write_str("a chat, and a line without a url"),
            Self::Broken(Broken::OtherUrl) => f.write_str("a chat, and a line for another endpoint"),
            Self::Broken(Broken::TwiceTheSameId) => f.write_str("two chats with one custom_id"),
            Self::Prose => f.write_str("prose"),
            Self::Empty => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload { who, content } => write!(f, "{who} uploads {content} for batches"),
            Self::UploadForTraining { who } => write!(f, "{who} uploads a file for training"),
            Self::RetrieveFile { who, .. } => write!(f, "{who} retrieves a file"),
            Self::Download { who, .. } => write!(f, "{who} downloads a file"),
            Self::DeleteFile { who, .. } => write!(f, "{who} deletes a file"),
            Self::ListFiles { who, limit, oldest_first } => {
                let order = if *oldest_first { ", oldest first" } else { "" };
                write!(f, "{who} lists files by pages of {limit}{order}")
            }
            Self::Create { who, asking: Asking::Rightly, .. } => write!(f, "{who} creates a batch"),
            Self::Create { who, asking: Asking::ToBeSlow, .. } => {
                write!(f, "{who} creates a batch that is to be slow")
            }
            Self::Create { who, asking: Asking::ForNoEndpoint, .. } => {
                write!(f, "{who} creates a batch for an endpoint that there is not")
            }
            Self::Create { who, asking: Asking::ForAWeek, .. } => {
                write!(f, "{who} creates a batch with another completion window")
            }
            Self::RetrieveBatch { who, .. } => write!(f, "{who} retrieves a batch"),
            Self::Cancel { who, .. } => write!(f, "{who} cancels a batch"),
            Self::Results { who, .. } => write!(f, "{who} downloads the results of a batch"),
            Self::ListBatches { who, limit } => write!(f, "{who} lists batches by pages of {limit}"),
            Self::NextChange { who } => write!(f, "the clock of {who} goes to the next change"),
            Self::Pass { who, seconds } => write!(f, "the clock of {who} goes on by {seconds} s"),
        }
    }
}
