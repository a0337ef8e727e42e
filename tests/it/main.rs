//! Promises kept from outside: the real router on port 0, real clients.

mod asking;
mod doors;
mod endpoint;
mod model_server;
mod pulling;
mod reading;
mod running;
mod stored_day;
mod tidy;
