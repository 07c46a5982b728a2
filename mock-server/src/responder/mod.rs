//! What a request is answered.
