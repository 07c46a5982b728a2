//! The life of a batch, decided once and afterwards only looked at.
//!
//! [`Plan`] spends all randomness when a batch is created. [`observe`](Plan::observe) then tells, for any
//! time, what the batch looks like; [`next_change`](Plan::next_change) tells when it will look different.
//! Both are total and pure: nothing here moves by itself, so looking more or less often changes nothing,
//! and letting a day pass costs nothing.
//!
//! What happens to a batch from outside (it is cancelled, its input is deleted, its ending is forced) is a
//! fact with a time, an [`Intervention`]. Plan and interventions together are the whole truth.
//!
//! Nothing below this module knows HTTP, JSON, tokio, files or the clock of the operating system; a tidy
//! test holds that.

mod course;
mod observe;
mod pace;
mod plan;
mod progress;
#[cfg(test)]
mod properties;
mod seed;
#[cfg(any(test, feature = "strategies"))]
pub mod strategies;
#[cfg(test)]
mod tests;
mod time;

pub use course::{Ending, Intervention, InterventionKind};
pub use observe::{Change, Counts, LineEnd, Observation, Status, Times};
pub use pace::{Pace, PaceDuration};
pub use plan::{LineFate, Plan, Workload};
pub use progress::{Amount, Milestone, Progress};
pub use seed::Seed;
pub use time::Timestamp;
