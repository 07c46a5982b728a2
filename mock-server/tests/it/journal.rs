//! The journal: what it records, what it notes, how it is read.

mod bounds;
mod events;
mod exchanges;
mod har;
mod notes;
mod reading;
mod waiting;
