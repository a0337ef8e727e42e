//! Records to shapes: masked templates, counts per five minutes, and how they differ from earlier days.
//!
//! A line goes through [`shape`] (trace folded, parts masked) into the digest of its object; [`day`] adds digests up and lets
//! [`templates`] group what is alike; [`baseline`] says what is unlike earlier days. Values in, values out: no clock, no I/O, no
//! randomness, and no result depends on the order in which lines or objects come.

mod align;
pub mod baseline;
pub mod day;
pub mod digest;
pub mod fields;
pub mod level;
pub mod mask;
pub mod novel;
pub mod rate;
pub mod series;
pub mod shape;
pub mod stack;
pub mod templates;
