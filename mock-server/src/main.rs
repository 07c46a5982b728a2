//! The command `batchmock`.

fn main() {}
