//! `*` and `?` in actions and resources.
