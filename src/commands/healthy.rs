//! `gengfu healthy`: asks the server of this machine whether it is alive, for health checks where there is no curl.
//!
//! In: the address of the configuration. Out: exit status 0 or 1 within a few seconds. Does not say whether it is ready: a report that failed
//! is no reason to restart.

use std::{net::IpAddr, time::Duration};

use super::{Failure, Outcome};
use crate::config::Config;

const WAIT: Duration = Duration::from_secs(4);

pub(super) async fn run(config: &Config) -> Result<Outcome, Failure> {
    let mut address = config.serving.bind;
    if address.ip().is_unspecified() {
        let here: IpAddr = if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        };
        address.set_ip(here);
    }
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(WAIT)
        .build()?;
    let answer = client
        .get(format!("http://{address}/healthz"))
        .send()
        .await?;
    answer.error_for_status()?;
    Ok(Outcome::Done)
}
