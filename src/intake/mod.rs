//! Bytes to records: what lies in the bucket (or in CLS) becomes [`crate::model::record`] values, redacted.
//!
//! In: objects of a bucket. Out: lines, and per kind a record or the [`Rejection`](crate::model::record::Rejection) of each
//! line. Always true: a line we cannot read is data with a reason, never an error that stops its object; every line is checked
//! as JSON; no secret leaves this room. Does not know days (which record belongs to which day is decided by who asks) and
//! does not recognise duplicates (it only gives each record its identity).
//!
//! In the order of an object's walk: [`layout`] says which prefixes to list, [`bucket`] lists and reads them, [`decode`] turns bytes
//! into lines, [`business`], [`event`] and [`audit`] read a line each, [`redact`] takes the secrets out, [`clean`] what a
//! terminal or an ear must not get.

pub mod audit;
pub mod bucket;
pub mod business;
pub mod clean;
pub mod cls;
pub mod decode;
pub mod discover;
pub mod event;
mod identity;
mod json;
pub mod layout;
pub mod redact;
pub mod shipping;
pub mod sign;
pub mod tc3;

#[cfg(test)]
mod tests;
