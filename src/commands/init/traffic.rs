//! Whether what is read from COS leaves its region: that costs money, the way inside does not.
//!
//! In: where a bucket is. Out: [`Traffic`], told by the addresses its name has here: inside the bucket's region Tencent's name servers
//! answer with private ones (<https://cloud.tencent.com/document/product/436/31315>). Connects to nothing.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    model::{BucketUrl, Lang},
    owners::Reach,
};

/// Which way the bytes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// A folder, or a server on this machine.
    Here,
    Inside,
    Outside,
    /// The name has no address here.
    Unknown,
}

impl Traffic {
    /// To the owner's bucket.
    pub(super) async fn of(reach: &Reach) -> Self {
        let Some(BucketUrl::Cos { bucket }) = &reach.places.bucket else {
            return Self::Here;
        };
        let host = match &reach.endpoints.cos {
            Some(url) => url.host_str().unwrap_or_default().to_owned(),
            None => format!("{bucket}.cos.{}.myqcloud.com", reach.region),
        };
        match tokio::net::lookup_host((host, 443)).await {
            Ok(found) => Self::to(found.map(|address| address.ip())),
            Err(_) => Self::Unknown,
        }
    }

    fn to(addresses: impl Iterator<Item = IpAddr>) -> Self {
        let mut way = Self::Unknown;
        for address in addresses {
            way = match address {
                a if a.is_loopback() => Self::Here,
                IpAddr::V4(a) if is_private(a) => Self::Inside,
                _ => return Self::Outside,
            };
        }
        way
    }

    pub(super) fn in_words(self, region: &str, lang: Lang) -> String {
        match self {
            Self::Here => lang.pick(
                "日志就在本机，不产生 COS 流量",
                "the logs are on this machine, no COS traffic",
            )
            .to_owned(),
            Self::Inside => lang.pick(
                format!("本机在 {region} 的内网里，从 COS 读不收流量费"),
                format!("this machine is inside {region}, reading from COS costs no traffic"),
            ),
            Self::Outside => lang.pick(
                format!("本机不在 {region} 的内网里，从 COS 读走外网下行流量，要收费"),
                format!("this machine is outside {region}: traffic out of COS costs money"),
            ),
            Self::Unknown => lang.pick(
                format!("看不出本机是否在 {region} 的内网里；不在的话，COS 外网下行流量要收费"),
                format!("whether this machine is inside {region} cannot be told; if it is not, traffic out of COS costs money"),
            ),
        }
    }
}

/// 10/8, 100/8 and 169.254/16, as the document names them.
fn is_private(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_link_local() || address.octets()[0] == 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_told_by_the_addresses() {
        let check = |addresses: &[&str], expected| {
            let parsed = addresses.iter().map(|a| a.parse().expect("address"));
            assert_eq!(Traffic::to(parsed), expected, "{addresses:?}");
        };
        check(&["169.254.0.47"], Traffic::Inside);
        check(&["10.0.0.1", "100.88.1.2"], Traffic::Inside);
        check(&["10.0.0.1", "119.29.1.2"], Traffic::Outside);
        check(&["127.0.0.1"], Traffic::Here);
        check(&[], Traffic::Unknown);
    }
}
