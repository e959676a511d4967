//! AWS IoT policies: parse a document, decide a request, say why.
//!
//! Pure: no clock, no network, no files. What a decision needs is an argument.
//!
//! - [`document`]: what a policy *is*, and its JSON form.
//! - [`pattern`]: `*` and `?` in resources and actions (`+` and `#` are literal here).
//! - [`request`]: what is known of the connection, and what is asked.
//! - [`decision`]: what was decided, and why.
//! - [`engine`]: [`engine::decide`].
//!
//! Sources: AWS IoT Core Developer Guide, "AWS IoT Core policies" and the pages named beside each rule.

pub mod decision;
pub mod document;
pub mod engine;
pub mod pattern;
pub mod request;
