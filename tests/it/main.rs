//! Promises kept from outside: the real router on port 0, real clients.

mod asking;
mod binary;
mod cloud;
mod crowd;
mod doors;
mod endpoint;
mod known_days;
mod live;
mod model_binary;
mod model_server;
mod morning;
mod over_bucket;
mod pulling;
mod reading;
mod revisions;
mod running;
mod scripted_model;
mod secrets;
mod six_problems;
mod spoiled;
mod spoken;
mod still;
mod stored_day;
mod tidy;
mod vault;
mod walk_back;
