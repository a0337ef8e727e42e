//! A xiaozhi MCP endpoint: there we dial out, and the robot's side asks over that socket.
//!
//! In: an [`Endpoint`] and the desk. Out: the same tools as on `/mcp`, for as long as the program runs. Always true: one socket per
//! endpoint and never two at once; a socket that ended is given time to be forgotten before the next; the address holds a token and is
//! in no log line. Facts: `mcp-endpoint-server` closes the older of two sockets of one robot with 1000 `新连接替换` and then forgets
//! the newer one, so whoever reconnects at once is connected and unreachable.

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
/// The other side forgets a closed socket within this.
const FORGOTTEN: Duration = Duration::from_secs(2);
/// Somebody else serves this endpoint: fighting for it would leave the robot without any.
const CONFLICT: Duration = Duration::from_mins(5);

/// Serves one endpoint until `stop`.
pub async fn serve(desk: Arc<Desk>, endpoint: Endpoint, stop: CancellationToken) {
    let caller = Caller {
        name: format!("endpoint {}", endpoint.name).into(),
        access: endpoint.access.clone(),
        detail: Detail::Normal,
    };
    let up = metrics::gauge!("gengfu_endpoint_connected", "endpoint" => endpoint.name.clone());
    let mut failures = 0;
    while !stop.is_cancelled() {
        let began = tokio::time::Instant::now();
        let serving = socket::serve(&desk, &caller, &endpoint.url, &stop, || up.set(1.0));
        let ended = serving.await;
        up.set(0.0);
        if began.elapsed() >= HEALTHY {
            failures = 0;
        }
        let wait = wait(&ended, failures, random_share());
        failures = failures.saturating_add(1);
        let wait_s = wait.as_secs();
        match ended {
            Ended::Stopped => return,
            Ended::Replaced => {
                tracing::warn!(endpoint = %endpoint.name, wait_s, "another program took over this endpoint; one endpoint serves one program");
            }
            Ended::Closed(why) => {
                tracing::info!(endpoint = %endpoint.name, why, wait_s, "an endpoint closed the connection");
            }
            Ended::NotConnected(why) => {
                tracing::warn!(endpoint = %endpoint.name, why, wait_s, "could not connect to an endpoint");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// How long to wait before the next attempt. `share`, 0 to 1, spreads those who lost the same server at the same time.
fn wait(ended: &Ended, failures: u32, share: f64) -> Duration {
    if matches!(ended, Ended::Replaced) {
        return CONFLICT;
    }
    let doubled = FIRST
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(LONGEST);
    doubled.mul_f64(0.5 + share / 2.0).max(match ended {
        Ended::Closed(_) => FORGOTTEN,
        _ => Duration::ZERO,
    })
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
        assert_eq!(wait(&Ended::Replaced, 0, 0.0), CONFLICT);
    }
}
