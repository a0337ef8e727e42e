//! Whether the gateway knows the robots that are to be woken.
//!
//! In: the configuration. Out: a check, or none where no robot is to be woken. Reads only: asks for states, wakes nobody.

use super::Check;
use crate::{alerts::notify::Gateway, config::Config};

pub(super) async fn check(config: &Config, now_ms: i64) -> Option<Check> {
    let (lang, telling) = (config.lang(), &config.telling);
    let gateway = telling.gateway.as_ref()?;
    let devices: Vec<&str> = telling.devices.iter().map(|d| d.id.as_str()).collect();
    if devices.is_empty() {
        let found = lang.pick("没有设 GENGFU_DEVICES", "GENGFU_DEVICES is not set");
        return Some(Check::off("robots", found));
    }
    let client = reqwest::Client::builder().no_proxy().build().ok()?;
    let (url, key) = (gateway.url.clone(), gateway.signature_key.clone());
    let gateway = Gateway::new(client, url, key, config.zone().clone());
    Some(match gateway.unknown(&devices, now_ms).await {
        Ok(unknown) if unknown.is_empty() => {
            let n = devices.len();
            let found = lang.pick(
                format!("网关认得 {n} 台机器人"),
                format!("the gateway knows {n} robots"),
            );
            Check::ok("robots", found)
        }
        Ok(unknown) => {
            let ids = unknown.join(", ");
            Check::problem(
                "robots",
                lang.pick(
                    format!("网关现在没有 {ids}"),
                    format!("the gateway has no {ids} now"),
                ),
                lang.pick(
                    "机器人开着机、走 MQTT 吗?client id 以 OTA 回复里的 mqtt.client_id 为准,整个写进 GENGFU_DEVICES",
                    "is the robot on, and over MQTT? Its client id is mqtt.client_id of the OTA reply: put it into GENGFU_DEVICES as a whole",
                ),
            )
        }
        Err(error) => Check::problem(
            "robots",
            error.to_string(),
            lang.pick(
                "检查 GENGFU_GATEWAY_URL、GENGFU_GATEWAY_KEY 和网关是否在运行",
                "check GENGFU_GATEWAY_URL, GENGFU_GATEWAY_KEY and that the gateway runs",
            ),
        ),
    })
}
