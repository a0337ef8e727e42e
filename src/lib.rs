//! `gengfu` (更夫) watches over Tencent Kubernetes clusters through the logs they leave in a COS bucket.
//!
//! A log line walks through the house in one direction, and the modules are its rooms in that order:
//!
//! ```text
//! bucket -> intake -> mining -> diagnosis -> store -> agents -> round (the two files) -> voice -> mcp / http
//! ```
//!
//! [`intake`], [`mining`] and [`diagnosis`] are values in, values out; effects live at the rim. [`app`] is the only room that
//! knows all others, [`config`] the only reader of the environment. `tests/it/tidy.rs` holds the direction of the arrows.

pub mod model;

pub mod intake;
pub mod mining;

pub mod diagnosis;

pub mod store;

pub mod llm;

pub mod agents;

pub mod round;

pub mod owners;

pub mod alerts;

pub mod voice;

pub mod mcp;

pub mod page;

pub mod http;

pub mod commands;
pub mod demo;

pub mod app;
pub mod config;
