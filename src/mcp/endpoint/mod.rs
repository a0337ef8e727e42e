//! A xiaozhi MCP endpoint: there we dial out, and the robot's side asks over that socket.
//!
//! In: an [`Endpoint`] and the desk. Out: the same tools as on `/mcp`, for as long as the program runs. Always true: one socket per
//! endpoint and never two at once; a socket that ended is given time to be forgotten before the next; the address holds a token and is
//! in no log line. Facts: `mcp-endpoint-server` closes the older of two sockets of one robot with 1000 `新连接替换` and then forgets
//! the newer one, so whoever connects while another socket is registered is connected and unreachable. So a socket that broke is given
//! longer than one that was closed, since the hub finds out later; whoever comes back after a conflict knocks first, which ends whatever
//! is registered; and a connection over which nothing was asked for hours is made anew.

mod frame;
mod socket;

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{Access, Caller, Desk};
use crate::voice::Detail;

pub use frame::PAGE_BYTES;
use socket::Ended;

/// Where to dial, and what may be seen from there.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// As in the logs.
    pub name: String,
    /// Holds the token.
    pub url: SecretString,
    pub access: Access,
}

/// Between two attempts: the first, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
/// A socket that held so long was a good one: the next attempt begins anew.
const HEALTHY: Duration = Duration::from_mins(1);
/// The other side forgets a socket that was closed in form within this.
const FORGOTTEN: Duration = Duration::from_secs(2);
/// One that broke it holds for registered until its ping stays without answer: every 20 s, given 20 s.
const GIVEN_UP: Duration = Duration::from_secs(45);
/// Somebody else serves this endpoint: fighting for it would leave the robot without any. Doubled from conflict to conflict.
const CONFLICT: Duration = Duration::from_mins(5);
const LONGEST_CONFLICT: Duration = Duration::from_mins(80);

/// Serves one endpoint until `stop`.
pub async fn serve(desk: Arc<Desk>, endpoint: Endpoint, stop: CancellationToken) {
    let caller = Caller {
        name: format!("endpoint {}", endpoint.name).into(),
        access: endpoint.access.clone(),
        detail: Detail::Normal,
    };
    let up = metrics::gauge!("gengfu_endpoint_connected", "endpoint" => endpoint.name.clone());
    let (mut failures, mut conflicts) = (0, 0);
    while !stop.is_cancelled() {
        let began = tokio::time::Instant::now();
        let serving = socket::serve(&desk, &caller, &endpoint.url, &stop, || up.set(1.0));
        let ended = serving.await;
        up.set(0.0);
        if began.elapsed() >= HEALTHY {
            failures = 0;
        }
        if began.elapsed() >= LONGEST_CONFLICT {
            conflicts = 0;
        }
        let is_conflict = ended == Ended::Replaced;
        let tries = if is_conflict { conflicts } else { failures };
        let wait = wait(&ended, tries, random_share());
        failures = failures.saturating_add(1);
        conflicts = conflicts.saturating_add(u32::from(is_conflict));
        let wait_s = wait.as_secs();
        match ended {
            Ended::Stopped => return,
            Ended::Replaced => {
                tracing::warn!(endpoint = %endpoint.name, wait_s, "another program took over this endpoint; one endpoint serves one program");
            }
            Ended::Deaf => {
                tracing::info!(endpoint = %endpoint.name, wait_s, "nothing was asked over this endpoint for hours; connecting anew, in case the hub has lost it");
            }
            Ended::Closed(why) | Ended::Broken(why) => {
                tracing::info!(endpoint = %endpoint.name, why, wait_s, "an endpoint closed the connection");
            }
            Ended::NotConnected(why) => {
                tracing::warn!(endpoint = %endpoint.name, why, wait_s, "could not connect to an endpoint");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        if is_conflict {
            // Ends whatever is registered there, ourselves included; with the hub's mind empty, the next connection is the one it knows.
            socket::knock(&endpoint.url, &stop).await;
            tokio::select! {
                () = tokio::time::sleep(GIVEN_UP) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// How long to wait before the next attempt. `share`, 0 to 1, spreads those who lost the same server at the same time, and two programs
/// that took the same endpoint from each other.
fn wait(ended: &Ended, tries: u32, share: f64) -> Duration {
    let doubled = |first: Duration, most: Duration| {
        let doubled = first.saturating_mul(2_u32.saturating_pow(tries));
        doubled.min(most).mul_f64(0.5 + share / 2.0)
    };
    let backed_off = doubled(FIRST, LONGEST);
    match ended {
        Ended::Replaced => doubled(CONFLICT * 2, LONGEST_CONFLICT * 2),
        Ended::Closed(_) | Ended::Deaf => backed_off.max(FORGOTTEN),
        Ended::Broken(_) => backed_off.max(GIVEN_UP.mul_f64(1.0 + share / 2.0)),
        Ended::NotConnected(_) | Ended::Stopped => backed_off,
    }
}

fn random_share() -> f64 {
    // Without randomness everybody waits alike, which is no reason to stop.
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_to_a_minute_and_a_closed_socket_is_given_time_to_be_forgotten() {
        let refused = Ended::NotConnected("refused");
        let seconds: Vec<f64> = (0..9)
            .map(|n| wait(&refused, n, 1.0).as_secs_f64())
            .collect();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
        assert_eq!(wait(&refused, 40, 0.0), LONGEST / 2);
        assert_eq!(wait(&Ended::Closed("idle"), 0, 0.0), FORGOTTEN);
        assert_eq!(wait(&Ended::Broken("io"), 0, 0.0), GIVEN_UP);
        assert!(wait(&Ended::Broken("io"), 0, 1.0) > GIVEN_UP);
        let conflicts = [0, 1, 9].map(|n| wait(&Ended::Replaced, n, 0.0));
        assert_eq!(conflicts, [CONFLICT, CONFLICT * 2, LONGEST_CONFLICT]);
    }
}
