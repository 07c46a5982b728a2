//! The records, one file per noun of the API.

mod batch;
mod error;
mod file;
mod lenient;
mod line;
mod model;
mod open_enum;
mod page;
mod upload;

pub use batch::{
    Batch, BatchError, BatchErrors, BatchStatus, BatchUsage, InputTokensDetails, OutputTokensDetails,
    RequestCounts,
};
pub use error::{ErrorBody, ErrorDetail, ErrorEnvelope};
pub use file::{Deleted, File, FileStatus, Purpose};
pub use line::{LineError, LineResponse, ResultLine};
pub use model::{DeletedModel, Model};
pub use page::{BatchPage, FilePage, ModelPage};
pub use upload::{Upload, UploadPart, UploadStatus};
