//! AWS IoT policies: parse a document, decide a request, say why.
//!
//! Pure: no clock, no network, no files. What a decision needs is an argument.
//!
//! - [`association`]: which thing a connection belongs to.
//! - [`request`]: what is known of the connection, and what is asked; [`checks`] lists the requests of each MQTT packet.
//! - [`actions`]: what a policy can allow, and the resource type of each.
//! - [`fit`]: yes, no, or "AWS leaves it open" - the logic of everything that matches.
//! - [`text`]: names of others, in sentences for people.
//! - [`variable`]: `iot:ClientId` and the others, and what they stand for on a connection.
//! - [`pattern`]: `*` and `?` in resources and actions (`+` and `#` are literal here).
//! - [`condition`]: the operators of a `Condition` block.
//! - [`document`]: what a policy *is*, and its JSON form.
//! - [`decision`]: what was decided, and why.
//! - [`engine`]: how it is decided, in [`engine::decide`].
//! - [`diff`]: what a new document allows or denies that the old one does not.
//! - [`facts`]: what people say of a connection.
//! - [`learn`]: the smallest document that allows what was seen.
//! - [`lint`]: what is wrong with a document, and where.
//! - [`suite`]: cases that policies must decide as expected.
//!
//! Where AWS does not say what it does, the stricter reading is taken: an Allow does not count, a Deny does.
//!
//! Sources: AWS IoT Core Developer Guide, "AWS IoT Core policies" and the pages named beside each rule.

pub mod actions;
pub mod association;
pub mod checks;
pub mod condition;
pub mod decision;
pub mod diff;
pub mod document;
pub mod engine;
pub mod facts;
pub mod fit;
pub mod learn;
pub mod lint;
mod matching;
mod near;
pub mod pattern;
pub mod request;
mod sample;
mod suggestion;
pub mod suite;
pub mod text;
pub mod variable;
mod walk;
mod witness;
